"""Embeddings as they are stored: number format, chunks, compression."""

from __future__ import annotations

import math
import zlib
from concurrent.futures import ThreadPoolExecutor

import h5py
import ml_dtypes
import numpy as np
from jaxtyping import Float, Float32, Shaped, UInt8

from af3cli.errors import Af3cliError
from af3cli.processors import num_processors

BFLOAT16_MARK = "bfloat16"
_CHUNK_TOKENS = 64  # 64 × 64 × 128 float16 values are 1 MiB
_COMPRESSION_LEVEL = 1


class UnstorableError(Af3cliError):
    """Embeddings have values that must not be written; the file itself is in order."""


def encode(
    values: Float32[np.ndarray, "..."], dtype: str, what: str, remedy: str = ""
) -> Shaped[np.ndarray, "..."]:
    """Returns `values` in the stored form of `dtype`; bfloat16 is kept as its 16 bits, uint16.

    `what` names the array in messages; `remedy` is a sentence for when a value is too large.

    Raises:
        UnstorableError: a value is not finite, or too large for `dtype`.
    """
    encoded = np.empty(values.shape, np.uint16 if dtype == "bfloat16" else dtype)
    for first in range(0, len(values), _CHUNK_TOKENS):  # a pair representation may be 13 GB
        rows = slice(first, first + _CHUNK_TOKENS)
        encoded[rows] = _encode_rows(values[rows], dtype, what, remedy)
    return encoded


def _encode_rows(
    values: Float32[np.ndarray, "..."], dtype: str, what: str, remedy: str
) -> np.ndarray:
    if not np.isfinite(values).all():
        raise UnstorableError(
            f"{what} has values that are not finite numbers (NaN or infinity); it was not written"
        )
    with np.errstate(over="ignore"):
        encoded = values.astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    if not np.isfinite(encoded).all():
        raise UnstorableError(
            f"{what} has values up to {np.abs(values).max():.4g}, and {dtype} ends at "
            f"{ml_dtypes.finfo(encoded.dtype).max:.4g}; it was not written. {remedy}".rstrip()
        )
    return encoded.view(np.uint16) if dtype == "bfloat16" else encoded


def decode(stored: Shaped[np.ndarray, "..."], is_bfloat16: bool) -> Float[np.ndarray, "..."]:
    """Returns what `encode` was given, bfloat16 as float32 of the same values."""
    return stored.view(ml_dtypes.bfloat16).astype(np.float32) if is_bfloat16 else stored


def write_array(
    group: h5py.Group, name: str, values: Float32[np.ndarray, "..."], dtype: str, what: str
) -> None:
    """Writes `values` into `group`, compressed in chunks if it is a pair representation.

    Raises:
        UnstorableError: as `encode`.
    """
    encoded = encode(values, dtype, what, "Larger values fit into --dtype float32 or bfloat16.")
    if encoded.ndim == 3:
        dataset = _write_chunks(group, name, encoded)
    else:
        dataset = group.create_dataset(name, data=encoded)
    if dtype == "bfloat16":
        dataset.attrs["dtype"] = BFLOAT16_MARK


def _write_chunks(
    group: h5py.Group, name: str, values: Shaped[np.ndarray, "token token pair"]
) -> h5py.Dataset:
    """Writes `values` with the standard filters shuffle and gzip, compressing on all processors."""
    chunk = _chunk_tokens(len(values))
    dataset = group.create_dataset(
        name,
        values.shape,
        values.dtype,
        chunks=(chunk, chunk, values.shape[2]),
        shuffle=True,
        compression="gzip",
        compression_opts=_COMPRESSION_LEVEL,
    )
    starts = range(0, len(values), chunk)
    corners = [(row, column, 0) for row in starts for column in starts]

    def compressed(corner: tuple[int, int, int]) -> bytes:
        row, column, _ = corner
        return _filtered(_padded(values[row : row + chunk, column : column + chunk], chunk))

    num_workers = num_processors()
    batch_size = 4 * num_workers
    with ThreadPoolExecutor(num_workers) as pool:
        for first in range(0, len(corners), batch_size):  # so that few wait in memory
            batch = corners[first : first + batch_size]
            for corner, data in zip(batch, pool.map(compressed, batch), strict=True):
                dataset.id.write_direct_chunk(corner, data)
    return dataset


def _chunk_tokens(num_tokens: int) -> int:
    """Returns how many tokens a chunk spans: chunks of about equal size, none mostly empty."""
    return math.ceil(num_tokens / math.ceil(num_tokens / _CHUNK_TOKENS))


def _padded(
    block: Shaped[np.ndarray, "row column pair"], size: int
) -> Shaped[np.ndarray, "size size pair"]:
    rows, columns = block.shape[:2]
    return np.pad(block, ((0, size - rows), (0, size - columns), (0, 0)))


def _filtered(chunk: Shaped[np.ndarray, "..."]) -> bytes:
    """Returns `chunk` as HDF5's shuffle and deflate filters make it: byte planes, then zlib."""
    planes: UInt8[np.ndarray, "value byte"] = chunk.reshape(-1, 1).view(np.uint8)
    return zlib.compress(np.ascontiguousarray(planes.T), _COMPRESSION_LEVEL)
