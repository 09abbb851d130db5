"""The official parameter format: one array after another, as `af3.bin` and `af3.bin.zst` hold them.

A record is, little endian: five int32 (bytes of the scope, of the name, of the dtype's name, number
of axes, bytes of data), then scope, name and dtype's name in UTF-8, the axes as int32, and the data
in C order (google-deepmind/alphafold3, model/params.py). Nothing in a file is trusted: every length
is checked before anything is allocated for it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from math import prod
from pathlib import Path
from typing import BinaryIO, NamedTuple

import ml_dtypes
import numpy as np

from af3cli.errors import WeightsError
from af3cli.weights.aligned import aligned_empty
from af3cli.weights.files import JoinedFiles, new_file
from af3cli.weights.model_files import parameter_files
from af3cli.weights.read_ahead import ReadAhead
from af3cli.wording import printable

DTYPES = {
    name: np.dtype(getattr(ml_dtypes, name, name))
    for name in ("bfloat16", "float16", "float32", "float64", "uint8", "int8", "int32", "int64")
}

_HEADER = struct.Struct("<5i")
_MAX_NAME_BYTES = 1024
_MAX_AXES = 16
_MAX_RECORDS = 10_000  # the official file has 405; a million empty ones would take a minute
# Parameters hardly compress; a file that promises more than this is not one.
_MAX_EXPANSION = 32
_FREE_EXPANSION_BYTES = 256 * 2**20
_PASSED_OVER_BYTES = 2**20  # of an array that is not needed, read at a time


class Record(NamedTuple):
    """One array of a parameter file, named `scope:name`."""

    name: str
    array: np.ndarray


def stand_in(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Returns zeros that take no memory, for an array of which only shape and dtype count."""
    return np.broadcast_to(np.zeros((), dtype), shape)


class TruncatedFileError(WeightsError):
    """A parameter file ends inside a record."""


def write_records(path: Path | str, records: Iterable[Record]) -> None:
    """Writes arrays in the official format, compressed if the name ends in `.zst`.

    Raises:
        OutputError: the file cannot be written.
    """
    path = Path(path)
    with new_file(path) as file:
        if path.suffix == ".zst":
            import zstandard

            with zstandard.ZstdCompressor(level=3, threads=-1).stream_writer(
                file, closefd=False
            ) as compressed:
                _write_records(compressed, records)
        else:
            _write_records(file, records)


def _write_records(file: BinaryIO, records: Iterable[Record]) -> None:
    for name, array in records:
        scope, _, leaf = name.partition(":")
        texts = [text.encode() for text in (scope, leaf, str(array.dtype))]
        file.write(_HEADER.pack(*map(len, texts), array.ndim, array.nbytes))
        file.write(b"".join(texts) + struct.pack(f"<{array.ndim}i", *array.shape))
        file.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8))


@contextmanager
def open_records(
    path: Path | str, needed: Callable[[str], bool] = lambda name: True
) -> Iterator[RecordReader]:
    """Opens the official parameters at `path`, to iterate over their arrays one at a time.

    `path` is a `.bin` or `.bin.zst` file, one part of a split one, or a folder with one model.
    Only the array that is being read is held in memory. The arrays are read-only. Those that are
    not `needed`, by their names, are checked and passed over: see `stand_in`.

    Raises, also while it is read:
        WeightsError: there are no parameters there, or they are damaged or cut short.
    """
    files = parameter_files(Path(path))
    with (
        JoinedFiles(files) as source,
        closing(RecordReader(files[0], source, _is_compressed(files[0]), needed)) as reader,
    ):
        yield reader


def _is_compressed(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(4) == b"\x28\xb5\x2f\xfd"


class RecordReader:
    """Iterates over the records of one open parameter file."""

    def __init__(
        self, path: Path, source: JoinedFiles, compressed: bool, needed: Callable[[str], bool]
    ) -> None:
        self._path = path
        self._needed = needed
        self._scratch = memoryview(bytearray(_PASSED_OVER_BYTES))
        self._compressed = compressed
        self._position = 0
        self._num_records = 0
        self._last_name: str | None = None
        if compressed:
            import zstandard

            self._decompression_error: type[Exception] = zstandard.ZstdError
            self._stream = ReadAhead(
                zstandard.ZstdDecompressor().stream_reader(
                    source, read_size=2**20, read_across_frames=True
                )
            )
            self._limit = _FREE_EXPANSION_BYTES + _MAX_EXPANSION * source.size
        else:
            self._decompression_error = OSError
            self._stream = source
            self._limit = source.size

    def close(self) -> None:
        """Stops reading the file."""
        self._stream.close()

    def __iter__(self) -> Iterator[Record]:
        while header := self._read_bytes(_HEADER.size):
            if self._num_records == _MAX_RECORDS:
                raise self._damaged(f"it has more than the {_MAX_RECORDS:,} arrays that it may")
            self._num_records += 1
            yield self._record(header)

    def _record(self, header: bytes) -> Record:
        lengths = self._header_lengths(header)
        *name_lengths, num_axes, num_bytes = lengths
        text = self._read_bytes(sum(name_lengths) + 4 * num_axes)
        if len(text) < sum(name_lengths) + 4 * num_axes:
            raise self._truncated("in the name of an array")
        scope, leaf, dtype_name = self._names(text, name_lengths)
        name = f"{scope}:{leaf}"
        shape = struct.unpack(f"<{num_axes}i", text[len(text) - 4 * num_axes :])
        dtype = DTYPES.get(dtype_name)
        if dtype is None:
            raise self._damaged(f"{name} has the unknown dtype {dtype_name!r}")
        if min(shape, default=0) < 0 or prod(shape) * dtype.itemsize != num_bytes:
            raise self._damaged(
                f"{name} of {dtype_name}{list(shape)} cannot have {num_bytes} bytes"
            )
        self._check_size(name, num_bytes)
        if self._needed(name):
            array = self._read_array(name, shape, dtype)
        else:
            self._pass_over(name, num_bytes)
            array = stand_in(shape, dtype)
        self._last_name = name
        return Record(name, array)

    def _header_lengths(self, header: bytes) -> tuple[int, ...]:
        if len(header) < _HEADER.size:
            raise self._truncated("in a record's header")
        lengths = _HEADER.unpack(header)
        *name_lengths, num_axes, _ = lengths
        if min(lengths) < 0 or max(name_lengths) > _MAX_NAME_BYTES or num_axes > _MAX_AXES:
            if self._last_name is None:
                raise WeightsError(f"{self._path} is not a parameter file in the official format")
            raise self._damaged("the next record's header makes no sense")
        return lengths

    def _names(self, text: bytes, lengths: list[int]) -> Iterator[str]:
        start = 0
        for length in lengths:
            try:
                yield text[start : start + length].decode()
            except UnicodeDecodeError:
                raise self._damaged("an array's name is not UTF-8") from None
            start += length

    def _check_size(self, name: str, num_bytes: int) -> None:
        if self._position + num_bytes > self._limit:
            if self._compressed:
                raise self._damaged(f"{name} expands to more than parameters do")
            raise self._truncated(f"in {name}, which should have {num_bytes} bytes")

    def _pass_over(self, name: str, num_bytes: int) -> None:
        count = 0
        while left := num_bytes - count:
            more = self._read_into(self._scratch[:left])
            count += more
            if not more:
                raise self._truncated(f"in {name}, with {count} of its {num_bytes} bytes")

    def _read_array(self, name: str, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        array = aligned_empty(shape, dtype)
        count = self._read_into(memoryview(array.reshape(-1).view(np.uint8)))
        if count < array.nbytes:
            raise self._truncated(f"in {name}, with {count} of its {array.nbytes} bytes")
        array.flags.writeable = False
        return array

    def _read_bytes(self, num_bytes: int) -> bytes:
        buffer = bytearray(num_bytes)
        count = self._read_into(memoryview(buffer))
        return bytes(buffer[:count])

    def _read_into(self, buffer: memoryview) -> int:
        """Fills `buffer` as far as the file goes and returns how far that is."""
        count = 0
        try:
            while count < len(buffer) and (more := self._stream.readinto(buffer[count:])):
                count += more
        except self._decompression_error as error:
            raise self._damaged(f"it cannot be decompressed or read: {error}") from None
        self._position += count
        return count

    def _where(self) -> str:
        return f"after {self._last_name}" if self._last_name else "at its beginning"

    def _damaged(self, reason: str) -> WeightsError:
        return WeightsError(printable(f"{self._path} is damaged {self._where()}: {reason}"))

    def _truncated(self, place: str) -> TruncatedFileError:
        what = printable(f"{self._path} is cut short: it ends {self._where()} {place}")
        return TruncatedFileError(f"{what}. Copy or download it again.")
