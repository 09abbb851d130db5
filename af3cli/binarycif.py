"""BinaryCIF: tables whose columns are decoded one by one, as they are asked for.

The format is that of https://github.com/molstar/BinaryCIF, version 0.3: MessagePack around
columns of encoded numbers and strings.
"""

from __future__ import annotations

import mmap
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
from jaxtyping import Int, Integer, Shaped

from af3cli.disk import reading_errors
from af3cli.errors import InputError

_NUMBER_TYPES = {
    1: "<i1",
    2: "<i2",
    3: "<i4",
    4: "<u1",
    5: "<u2",
    6: "<u4",
    32: "<f4",
    33: "<f8",
}
# Of one column: a few bytes can stand for any number of equal values.
_MAX_VALUES = 2**27
_MAX_STRINGS = 2**22
# Of all maps and arrays together, and of one: what MessagePack holds in a byte takes many.
_MAX_ITEMS = 2**20
_MAX_MAP_LENGTH = 2**10
_MAX_ARRAY_LENGTH = 2**14
_MAX_FACTOR = 1e9
_DAMAGE = (KeyError, ValueError, IndexError, TypeError, AttributeError, ArithmeticError)


@dataclass(frozen=True)
class Column:
    """One decoded column.

    `values` are numbers, or indices into `strings`. Numbers are still to be divided by `factor`.
    `mask` is 0 for values that are given, 1 for "." and 2 for "?"; `None` if all are given.
    """

    values: Shaped[np.ndarray, "row"]
    strings: Shaped[np.ndarray, "string"] | None
    factor: float
    mask: Shaped[np.ndarray, "row"] | None

    def __len__(self) -> int:
        return len(self.values)

    def texts(self, rows: slice) -> Shaped[np.ndarray, "row"]:
        """Returns these rows of a column of strings as `str` objects, "" where not given."""
        texts = self.strings[self.values[rows]]
        if self.mask is not None:
            texts[self.mask[rows] != 0] = ""
        return texts

    def numbers(self, rows: slice) -> Shaped[np.ndarray, "row"]:
        """Returns these rows of a column of numbers as float32, NaN where not given."""
        numbers = (self.values[rows] / self.factor).astype(np.float32)
        if self.mask is not None:
            numbers[self.mask[rows] != 0] = np.nan
        return numbers

    def written(self, row: int) -> str:
        """Returns one value as text, "" if it is not given."""
        rows = slice(row, row + 1)
        if self.strings is not None:
            return self.texts(rows)[0]
        number = self.numbers(rows)[0]
        return "" if np.isnan(number) else str(number)

    @property
    def num_letters(self) -> int:
        """How many letters its strings have, each as often as it stands in the column."""
        if self.strings is None:
            return 0
        return int(np.array([len(string) for string in self.strings])[self.values].sum())

    @cached_property
    def runs(self) -> tuple[Int[np.ndarray, "run"], Int[np.ndarray, "run"]]:
        """The index into `strings` of each run of equal strings, and the row where it starts."""
        starts = np.flatnonzero(np.diff(self.values, prepend=-1))
        return self.values[starts], starts


@dataclass(frozen=True)
class Block:
    """A data block: encoded columns by category (`_atom_site`) and name."""

    name: str
    categories: Mapping[str, Mapping[str, Mapping[str, Any]]]


class BinaryCif:
    """A BinaryCIF file with one data block; `column(category, name)` decodes, and remembers."""

    def __init__(self, path: Path, names: Mapping[str, Collection[str]]) -> None:
        """Reads the columns called `names[category]`, still encoded.

        Raises:
            InputError: The file is missing, or is not BinaryCIF.
        """
        self.path = path
        self._encoded = _unpack_file(path, names)
        self._names = frozenset(self._encoded)
        self._decoded: dict[tuple[str, str], Column] = {}
        self._lock = threading.Lock()

    def has_column(self, category: str, name: str) -> bool:
        """Says whether there is such a column, and it is one of those asked for."""
        return (category, name) in self._names

    def column(self, category: str, name: str) -> Column:
        """Returns a column.

        Raises:
            InputError: There is no such column, or it cannot be decoded.
        """
        key = category, name
        with self._lock:
            if key not in self._decoded:
                if key not in self._names:
                    raise InputError(f"{self.path}: has no column {category}.{name}")
                place = f"{self.path}: {category}.{name}"
                self._decoded[key] = decode_column(self._encoded.pop(key), place)
            return self._decoded[key]


def unpack_blocks(data: bytes | mmap.mmap, source: str) -> list[Block]:
    """Returns the data blocks of a file's content, their columns still encoded.

    Raises:
        InputError: It is not BinaryCIF.
    """
    try:
        return [
            Block(
                str(block["header"]),
                {
                    str(category["name"]): {
                        str(column["name"]): column for column in category["columns"]
                    }
                    for category in block["categories"]
                },
            )
            for block in _unpack(data)["dataBlocks"]
        ]
    except (*_DAMAGE, msgpack.UnpackException) as error:
        raise InputError(f"{source}: is not BinaryCIF, or is damaged") from error


def decode_column(encoded: Mapping[str, Any], place: str) -> Column:
    """Returns the column; `place` is what messages call it.

    Raises:
        InputError: It cannot be decoded.
    """
    try:
        values, strings, factor = _decode(encoded["data"])
        mask = None if encoded.get("mask") is None else _decode(encoded["mask"])[0]
        if mask is not None and len(mask) != len(values):
            raise ValueError("a mask of another length")
        return Column(values, strings, factor, None if mask is None else mask.astype(np.uint8))
    except (*_DAMAGE, RecursionError) as error:
        raise InputError(f"{place}: cannot be decoded; the file is damaged") from error


def _unpack(data: bytes | mmap.mmap) -> Any:
    """Returns what MessagePack holds, if it is not more than tables need."""
    left = _MAX_ITEMS

    def counted(items: Any) -> Any:
        nonlocal left
        left -= 1 + len(items)
        if left < 0:
            raise ValueError("too many maps and arrays")
        return items

    return msgpack.unpackb(
        data,
        object_hook=counted,
        list_hook=counted,
        max_map_len=_MAX_MAP_LENGTH,
        max_array_len=_MAX_ARRAY_LENGTH,
    )


def _unpack_file(
    path: Path, names: Mapping[str, Collection[str]]
) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Returns the encoded columns by category and name."""
    try:
        with (
            reading_errors(InputError, path),
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            blocks = unpack_blocks(data, str(path))
    except ValueError:  # an empty file cannot be mapped
        raise InputError(f"{path}: is empty") from None
    if len(blocks) != 1:
        raise InputError(f"{path}: has {len(blocks)} data blocks where one is wanted")
    return {
        (category, name): column
        for category, columns in blocks[0].categories.items()
        for name, column in columns.items()
        if name in names.get(category, ())
    }


Encoded = Integer[np.ndarray, "encoded"]


def _decode(
    encoded: dict[str, Any],
) -> tuple[Shaped[np.ndarray, "row"], Shaped[np.ndarray, "string"] | None, float]:
    """Undoes the encodings, last first; returns values, their strings, and their factor."""
    data, strings, factor = encoded["data"], None, 1.0
    for encoding in reversed(encoded["encoding"]):
        kind = encoding["kind"]
        if kind == "StringArray":
            data, strings = _decode_strings(data, encoding)
        elif kind == "FixedPoint":
            factor = float(encoding["factor"])
            if not 1 / _MAX_FACTOR <= factor <= _MAX_FACTOR:
                raise ValueError("an impossible factor")
        else:
            data = _DECODERS[kind](data, encoding)
    if factor != 1 and data.dtype.kind not in "iu":
        raise ValueError("a factor of what are no integers")
    return data, strings, factor


def _decode_strings(
    data: bytes, encoding: dict[str, Any]
) -> tuple[Shaped[np.ndarray, "row"], Shaped[np.ndarray, "string"]]:
    indices = _decode({"data": data, "encoding": encoding["dataEncoding"]})[0]
    offsets = _decode({"data": encoding["offsets"], "encoding": encoding["offsetEncoding"]})[0]
    pieces = _pieces(encoding["stringData"], offsets)
    if len(indices) and indices.max() >= len(pieces):
        raise ValueError("an index without a string")
    indices = np.where(indices < 0, len(pieces), indices)  # no string is the index -1
    strings = np.array([*pieces, ""], object)
    return indices.astype(np.min_scalar_type(len(strings))), strings


def _pieces(text: str, offsets: Int[np.ndarray, "offset"]) -> list[str]:
    """Returns the text from each offset to the next; together no more than the text."""
    if not isinstance(text, str) or len(offsets) > _MAX_STRINGS:
        raise ValueError("no text, or too many strings")
    bounds = np.concatenate([[0], offsets, [len(text)]])
    if (bounds[1:] < bounds[:-1]).any():
        raise ValueError("strings that overlap")
    return [text[start:stop] for start, stop in pairwise(offsets.tolist())]


def _decode_bytes(data: bytes, encoding: dict[str, Any]) -> Shaped[np.ndarray, "row"]:
    return np.frombuffer(data, _NUMBER_TYPES[encoding["type"]])


def _decode_run_lengths(data: Encoded, encoding: dict[str, Any]) -> Shaped[np.ndarray, "row"]:
    if data[1::2].sum(dtype=np.int64) > _MAX_VALUES:
        raise ValueError("too many values")
    return np.repeat(data[0::2], data[1::2])


def _decode_delta(data: Encoded, encoding: dict[str, Any]) -> Shaped[np.ndarray, "row"]:
    decoded = np.cumsum(data, dtype=np.int32)
    decoded += np.int32(encoding["origin"])
    return decoded


def _decode_steps(data: Encoded, encoding: dict[str, Any]) -> Shaped[np.ndarray, "row"]:
    """Steps of an interval, from its beginning."""
    step = (encoding["max"] - encoding["min"]) / (encoding["numSteps"] - 1)
    return encoding["min"] + data * step


def _decode_packed(data: Encoded, encoding: dict[str, Any]) -> Shaped[np.ndarray, "row"]:
    """A value at the limits of its small type goes on in the next one."""
    limits = np.iinfo(data.dtype)
    goes_on = data == limits.max
    if not encoding["isUnsigned"]:
        goes_on |= data == limits.min
    if not goes_on.any():
        return data.astype(np.int32)
    starts = np.concatenate([[0], np.flatnonzero(~goes_on)[:-1] + 1])
    return np.add.reduceat(data, starts, dtype=np.int32)


_DECODERS: dict[str, Callable[[Any, dict[str, Any]], np.ndarray]] = {
    "ByteArray": _decode_bytes,
    "RunLength": _decode_run_lengths,
    "Delta": _decode_delta,
    "IntegerPacking": _decode_packed,
    "IntervalQuantization": _decode_steps,
}
