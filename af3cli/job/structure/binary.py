"""Structures in BinaryCIF as the tables that mmCIF text would give."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import gemmi

from af3cli.binarycif import Column, decode_column, unpack_blocks
from af3cli.errors import InputError

# Of all columns together, each string counted too: more than in the largest structures there are.
_MAX_VALUES = 2**26
_MAX_TEXT_BYTES = 2**30
_NOT_GIVEN = {1: ".", 2: "?"}


def binary_document(data: bytes, source: str) -> gemmi.cif.Document:
    """The data blocks of a BinaryCIF file.

    Raises `InputError` if it is not one, is damaged, or holds more than any structure needs.
    """
    document = gemmi.cif.Document()
    left = _MAX_VALUES
    for block in unpack_blocks(data, source):
        target = document.add_new_block(block.name)
        for category, columns in block.categories.items():
            values, left = _texts(columns, f"{source}: {category}", left)
            if values and values[0]:
                target.init_loop(f"{category}.", list(columns)).set_all_values(values)
    return document


def _texts(
    columns: Mapping[str, Mapping[str, Any]], place: str, left: int
) -> tuple[list[list[str]], int]:
    """The columns of a category as mmCIF writes them, and how many more values there may be."""
    texts: list[list[str]] = []
    for name, encoded in columns.items():
        column = decode_column(encoded, f"{place}.{name}")
        if texts and len(column) != len(texts[0]):
            raise InputError(f"{place}.{name}: is not as long as the columns beside it")
        left -= len(column) + (0 if column.strings is None else len(column.strings))
        if left < 0 or column.num_letters > _MAX_TEXT_BYTES:
            raise InputError(f"{place}: holds more than any structure needs")
        texts.append(_column_texts(column))
    return texts, left


def _column_texts(column: Column) -> list[str]:
    if column.strings is not None:
        quoted = [gemmi.cif.quote(string) for string in column.strings]
        texts = [quoted[index] for index in column.values.tolist()]
    elif column.factor != 1:
        form = f".{max(0, math.ceil(math.log10(column.factor)))}f"
        texts = [format(value, form) for value in (column.values / column.factor).tolist()]
    else:
        texts = [str(value) for value in column.values]
    if column.mask is None:
        return texts
    return [
        _NOT_GIVEN.get(state, text) for state, text in zip(column.mask.tolist(), texts, strict=True)
    ]
