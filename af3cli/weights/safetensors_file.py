"""The safetensors format: a JSON header with names, dtypes, shapes and places, then the numbers.

https://huggingface.co/docs/safetensors. Arrays are read-only views of the memory-mapped file, so
that reading costs nothing until they are used.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from af3cli.errors import WeightsError
from af3cli.weights.aligned import ALIGNMENT
from af3cli.weights.files import new_file
from af3cli.weights.records import DTYPES
from af3cli.wording import printable

_CODES = {
    "BF16": "bfloat16",
    "F16": "float16",
    "F32": "float32",
    "F64": "float64",
    "U8": "uint8",
    "I8": "int8",
    "I32": "int32",
    "I64": "int64",
}
_NAMES = {name: code for code, name in _CODES.items()}
_MAX_HEADER_BYTES = 64 * 2**20
_MAX_AXES = 16


def read_safetensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Returns the arrays of a file, and its metadata.

    Raises:
        WeightsError: it is not a safetensors file, or is damaged or cut short.
    """
    try:
        file = np.memmap(path, mode="r", dtype=np.uint8)
        (length,) = struct.unpack("<Q", bytes(file[:8]))
        if length > min(_MAX_HEADER_BYTES, len(file) - 8):
            raise ValueError("its header's length is impossible")
        header = json.loads(bytes(file[8 : 8 + length]))
        metadata = dict(header.pop("__metadata__", {}))
        data = file[8 + length :].view(np.ndarray)
        arrays = {name: _array(data, name, entry) for name, entry in header.items()}
        _check_places([tuple(entry["data_offsets"]) for entry in header.values()], len(data))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, struct.error) as error:
        raise WeightsError(
            f"{path} is not a readable safetensors file: {printable(str(error))}"
        ) from None
    return arrays, {str(key): str(value) for key, value in metadata.items()}


def _array(data: np.ndarray, name: str, entry: Mapping[str, Any]) -> np.ndarray:
    if entry["dtype"] not in _CODES:
        raise ValueError(f"{name} has the unknown dtype {entry['dtype']}")
    dtype = DTYPES[_CODES[entry["dtype"]]]
    start, stop = entry["data_offsets"]
    shape = entry["shape"]
    numbers = (start, stop, *shape)
    are_counts = all(type(number) is int and 0 <= number < 2**63 for number in numbers)
    if not are_counts or len(shape) > _MAX_AXES:
        raise ValueError(f"{name} has no proper shape and place")
    if stop > len(data):
        raise ValueError(f"it is cut short: {name} should end at byte {stop} of its data")
    if math.prod(shape) * dtype.itemsize != stop - start:
        raise ValueError(f"{name} of shape {shape} cannot have {stop - start} bytes")
    return data[start:stop].view(dtype).reshape(shape)


def _check_places(places: list[tuple[int, int]], num_bytes: int) -> None:
    """Checks that each array begins where the last one ended, and that they fill all bytes."""
    end = 0
    for start, stop in sorted(places):
        if start != end:
            raise ValueError(f"its arrays overlap, or leave a gap, at byte {start} of its data")
        end = stop
    if end != num_bytes:
        raise ValueError("its arrays do not fill it exactly; it is damaged or cut short")


def write_safetensors(
    path: Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]
) -> None:
    """Writes arrays, those of wide numbers first so that all are aligned, and metadata.

    Raises:
        OutputError: the file cannot be written.
    """
    names = sorted(arrays, key=lambda name: -arrays[name].itemsize)
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    position = 0
    for name in names:
        array = arrays[name]
        header[name] = {
            "dtype": _NAMES[array.dtype.name],
            "shape": array.shape,
            "data_offsets": (position, position + array.nbytes),
        }
        position += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-(8 + len(text)) % ALIGNMENT)  # the numbers begin aligned
    with new_file(path) as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in names:
            file.write(np.ascontiguousarray(arrays[name]).reshape(-1).view(np.uint8))
