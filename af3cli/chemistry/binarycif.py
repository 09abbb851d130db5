"""BinaryCIF: the columns of a file, decoded one by one as they are asked for.

The format is that of https://github.com/molstar/BinaryCIF, version 0.3: MessagePack around
columns of encoded numbers and strings. Interval quantisation, which no dictionary of components
uses, is not read.
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
from jaxtyping import Int, Shaped

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

    @cached_property
    def runs(self) -> tuple[Int[np.ndarray, "run"], Int[np.ndarray, "run"]]:
        """The index into `strings` of each run of equal strings, and the row where it starts."""
        starts = np.flatnonzero(np.diff(self.values, prepend=-1))
        return self.values[starts], starts


class BinaryCif:
    """A BinaryCIF file with one data block; `column(category, name)` decodes, and remembers."""

    def __init__(self, path: Path, names: Mapping[str, Collection[str]]) -> None:
        """Reads the columns called `names[category]`, still encoded.

        Raises:
            InputError: The file is missing, or is not BinaryCIF.
        """
        self.path = path
        self._encoded = _unpack(path, names)
        self._decoded: dict[tuple[str, str], Column] = {}
        self._lock = threading.Lock()

    def column(self, category: str, name: str) -> Column:
        """Returns a column.

        Raises:
            InputError: There is no such column, or it cannot be decoded.
        """
        key = category, name
        with self._lock:
            if key not in self._decoded:
                try:
                    self._decoded[key] = _decode_column(self._encoded.pop(key))
                except (KeyError, ValueError, IndexError, TypeError) as error:
                    message = f"{self.path}: has no readable column {category}.{name}"
                    raise InputError(message) from error
            return self._decoded[key]


def _unpack(
    path: Path, names: Mapping[str, Collection[str]]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Returns the encoded columns by category and name."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            (block,) = msgpack.unpackb(data)["dataBlocks"]
        return {
            (category["name"], column["name"]): column
            for category in block["categories"]
            for column in category["columns"]
            if column["name"] in names.get(category["name"], ())
        }
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, msgpack.UnpackException) as error:
        raise InputError(f"{path}: is not BinaryCIF") from error


def _decode_column(column: dict[str, Any]) -> Column:
    values, strings, factor = _decode(column["data"])
    mask = None if column.get("mask") is None else _decode(column["mask"])[0].astype(np.uint8)
    return Column(values, strings, factor, mask)


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
            factor = encoding["factor"]
        else:
            data = _DECODERS[kind](data, encoding)
    return data, strings, factor


def _decode_strings(
    data: bytes, encoding: dict[str, Any]
) -> tuple[Shaped[np.ndarray, "row"], Shaped[np.ndarray, "string"]]:
    indices = _decode({"data": data, "encoding": encoding["dataEncoding"]})[0]
    offsets = _decode({"data": encoding["offsets"], "encoding": encoding["offsetEncoding"]})[0]
    text = encoding["stringData"]
    strings = np.array([text[start:stop] for start, stop in pairwise(offsets.tolist())], object)
    return indices.astype(np.min_scalar_type(len(strings))), strings


def _decode_bytes(data: bytes, encoding: dict[str, Any]) -> Shaped[np.ndarray, "row"]:
    return np.frombuffer(data, _NUMBER_TYPES[encoding["type"]])


def _decode_run_lengths(data: np.ndarray, encoding: dict[str, Any]) -> Shaped[np.ndarray, "row"]:
    return np.repeat(data[0::2], data[1::2])


def _decode_delta(data: np.ndarray, encoding: dict[str, Any]) -> Shaped[np.ndarray, "row"]:
    decoded = np.cumsum(data, dtype=np.int32)
    decoded += np.int32(encoding["origin"])
    return decoded


def _decode_packed(data: np.ndarray, encoding: dict[str, Any]) -> Shaped[np.ndarray, "row"]:
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
}
