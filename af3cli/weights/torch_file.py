"""PyTorch checkpoints (`torch.save`), zip and legacy form, read without PyTorch.

The numbers are not copied: tensors are views of the memory-mapped file. Only uncompressed members
are accepted, which is all that `torch.save` writes, so that a small file cannot fill the memory.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from af3cli.errors import WeightsError
from af3cli.weights.pickle_data import StoredNumbers, StoredTensor, UnsafePickleError, read_pickle
from af3cli.weights.records import DTYPES
from af3cli.wording import printable

# A few hundred bytes a tensor; reading a hostile one takes up to a second and 50 MB for each MB.
_MAX_PICKLE_BYTES = 16 * 2**20
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LOCAL_HEADER = struct.Struct("<26xHH")
_DTYPES = DTYPES | {"int16": np.dtype("int16"), "bool": np.dtype("bool")}


@dataclass(frozen=True)
class _Checkpoint:
    """What a checkpoint's pickle describes, and each storage's bytes in the file by its key."""

    content: Any
    storages: Mapping[str, np.ndarray]


def read_torch_file(path: Path) -> dict[str, np.ndarray]:
    """Returns the tensors of a model's state, named as in its `state_dict`.

    The averaged parameters are taken where the checkpoint has some (`ema.params`), else those under
    `state_dict`, `module` or `model`, else those at the top. The arrays are read-only views of the
    file.

    Raises:
        WeightsError: it is no checkpoint, is damaged, or holds more than tensors and plain values.
    """
    try:
        file = np.memmap(path, mode="r", dtype=np.uint8)
        is_zip = bytes(file[:4]) == b"PK\x03\x04"
        checkpoint = _read_zip(path, file) if is_zip else _read_legacy(file)
        tensors = _state(checkpoint.content)
        return {name: _array(checkpoint.storages, tensor) for name, tensor in tensors.items()}
    except UnsafePickleError as error:
        raise WeightsError(
            f"{path} is refused: it contains {printable(str(error))}, which parameters do not "
            "need and which could run code. Save the state_dict alone and use that."
        ) from None
    except (ValueError, zipfile.BadZipFile, NotImplementedError, struct.error) as error:
        problem = printable(str(error))
        raise WeightsError(f"{path} is not a readable PyTorch checkpoint: {problem}") from None


def check_torch_file(path: Path) -> None:
    """Compares each member of a checkpoint in zip form with the checksum that is stored with it.

    Reading does not do this, since it would have to read all of the file.

    Raises:
        WeightsError: a member is not as it was written.
    """
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{path} cannot be checked: {error}") from None
    if damaged:
        member = printable(damaged)
        raise WeightsError(f"{path} is damaged: {member} has not the checksum it was written with")


def _read_zip(path: Path, file: np.ndarray) -> _Checkpoint:
    with zipfile.ZipFile(path) as archive:
        members = {member.filename: member for member in archive.infolist()}
        pickles = [name for name in members if name.count("/") == 1 and name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise ValueError("it has no data.pkl")
        root = pickles[0].removesuffix("data.pkl")
        order = members.get(f"{root}byteorder")
        if order and bytes(_member(file, order)) != b"little":
            raise ValueError("its numbers are not little endian")
        pickled = _member(file, members[pickles[0]])
        if len(pickled) > _MAX_PICKLE_BYTES:
            raise ValueError(f"its data.pkl is too large ({len(pickled) / 1e6:.0f} MB)")
        content = read_pickle(io.BytesIO(pickled))
        folder = f"{root}data/"
        storages = {
            name.removeprefix(folder): _member(file, member)
            for name, member in members.items()
            if name.startswith(folder)
        }
    return _Checkpoint(content, storages)


def _member(file: np.ndarray, member: zipfile.ZipInfo) -> np.ndarray:
    """Returns the bytes of an uncompressed member."""
    if member.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"its member {member.filename} is compressed")
    header = bytes(file[member.header_offset : member.header_offset + _LOCAL_HEADER.size])
    start = member.header_offset + _LOCAL_HEADER.size + sum(_LOCAL_HEADER.unpack(header))
    return file[start : start + member.file_size]


def _read_legacy(file: np.ndarray) -> _Checkpoint:
    """Reads the form before PyTorch 1.6: five pickles, then each storage after its length."""
    stream = io.BytesIO(memoryview(file[:_MAX_PICKLE_BYTES]))
    try:
        magic, _version, system = (read_pickle(stream) for _ in range(3))
    except (ValueError, UnsafePickleError):
        magic = None
    if magic != _LEGACY_MAGIC:
        raise ValueError("it is neither a zip archive nor in the form before PyTorch 1.6")
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise ValueError("its numbers are not little endian")
    content = read_pickle(stream)
    keys = read_pickle(stream)
    if not isinstance(keys, list) or not all(type(key) is str for key in keys):
        raise ValueError("its list of storages is not one of names")
    described = {tensor.storage.key: tensor.storage for tensor in _all_tensors(content)}
    storages, position = {}, stream.tell()
    for key in keys:
        (num_values,) = struct.unpack("<q", bytes(file[position : position + 8]))
        if key not in described or num_values != described[key].num_values:
            raise ValueError(f"the length of storage {key} is wrong")
        start = position + 8
        position = start + num_values * _DTYPES[described[key].dtype].itemsize
        storages[key] = file[start:position]
    return _Checkpoint(content, storages)


def _all_tensors(content: Any) -> Iterator[StoredTensor]:
    """Yields every tensor in nested dictionaries, lists and tuples, each container once."""
    waiting, seen = [content], set()
    while waiting:
        item = waiting.pop()
        if isinstance(item, StoredTensor):
            yield item
        elif isinstance(item, dict | list | tuple) and id(item) not in seen:
            seen.add(id(item))
            waiting.extend(item.values() if isinstance(item, dict) else item)


def _state(content: Any) -> dict[str, StoredTensor]:
    """Returns the named tensors of the model in a checkpoint's content."""
    if not isinstance(content, dict):
        raise ValueError("it does not hold named tensors")
    averaged = content.get("ema")
    candidates = [averaged.get("params")] if isinstance(averaged, dict) else []
    candidates += [content.get(key) for key in ("state_dict", "module", "model")] + [content]
    for candidate in candidates:
        if isinstance(candidate, dict):
            tensors = {
                str(name): tensor
                for name, tensor in candidate.items()
                if isinstance(tensor, StoredTensor)
            }
            if tensors:
                return tensors
    raise ValueError("it does not hold named tensors")


def _array(storages: Mapping[str, np.ndarray], tensor: StoredTensor) -> np.ndarray:
    values = _storage_values(storages, tensor.storage)
    size = math.prod(tensor.shape)
    last = tensor.offset + sum(
        (length - 1) * stride for length, stride in zip(tensor.shape, tensor.strides, strict=True)
    )
    if size and (last >= len(values) or size > len(values)):
        raise ValueError(f"a tensor of shape {list(tensor.shape)} reaches beyond its storage")
    if not size:
        return np.empty(tensor.shape, values.dtype)
    strides = [  # along an axis of one value it may be any number
        stride * values.itemsize if length > 1 else 0
        for length, stride in zip(tensor.shape, tensor.strides, strict=True)
    ]
    return np.lib.stride_tricks.as_strided(
        values[tensor.offset :], tensor.shape, strides, writeable=False
    )


def _storage_values(storages: Mapping[str, np.ndarray], storage: StoredNumbers) -> np.ndarray:
    if storage.key not in storages:
        raise ValueError(f"storage {storage.key} is missing")
    dtype, data = _DTYPES[storage.dtype], storages[storage.key]
    if storage.num_values * dtype.itemsize != len(data):
        raise ValueError(f"storage {storage.key} is cut short or too long")
    return data.view(np.ndarray).view(dtype)
