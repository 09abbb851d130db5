"""FASTA records on their way from a database to HMMER, which takes only files."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

# As much as a pipe holds, if the system lets everybody have such pipes, as Linux does.
PIPE_BYTES = 2**20
# What fits into one wherever in a page it begins and ends.
MAX_SPLICED_BYTES = PIPE_BYTES - 2 * 2**12

_PIECE_BYTES = 2**20
_SHORTER = "it has become shorter"


@dataclass(frozen=True, slots=True)
class FileRange:
    """Records that are `size` bytes of an open file, from the byte `start` on."""

    descriptor: int
    start: int
    size: int

    def read(self) -> bytes:
        """Returns the records themselves. Raises `OSError`."""
        return b"".join(self.pieces())

    def pieces(self) -> Iterator[bytes]:
        """Yields the records in pieces. Raises `OSError`."""
        start, end = self.start, self.start + self.size
        while start < end:
            piece = os.pread(self.descriptor, min(_PIECE_BYTES, end - start), start)
            if not piece:
                raise OSError(_SHORTER)
            yield piece
            start += len(piece)


@contextmanager
def as_file(records: FileRange | bytes) -> Iterator[str]:
    """A name under which the records can be opened, once. Raises `OSError`.

    Where the system can, a range of a file comes through a pipe, into which its pages are put
    without a copy; other records are written to a file in memory.
    """
    file = _pipe(records) if isinstance(records, FileRange) else None
    if file is None:
        file = _memory_file((records,) if isinstance(records, bytes) else records.pieces())
    with file:
        yield file.name if isinstance(file.name, str) else f"/proc/self/fd/{file.fileno()}"


def _pipe(records: FileRange) -> IO[bytes] | None:
    """A pipe that holds the records, or `None` if they do not go into one."""
    if records.size > MAX_SPLICED_BYTES or not hasattr(os, "splice"):
        return None
    reading, writing = os.pipe()
    file = os.fdopen(reading, "rb", buffering=0)
    try:
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        _splice(records, writing)
    except OSError:
        file.close()
        return None
    finally:
        os.close(writing)  # else who reads would wait for more
    return file


def _splice(records: FileRange, pipe: int) -> None:
    start, end = records.start, records.start + records.size
    flags = os.SPLICE_F_NONBLOCK
    while start < end:
        moved = os.splice(records.descriptor, pipe, end - start, offset_src=start, flags=flags)
        if not moved:
            raise OSError(_SHORTER)
        start += moved


def _memory_file(pieces: Iterable[bytes]) -> IO[bytes]:
    """A file with the pieces, in memory where the system has that."""
    if hasattr(os, "memfd_create"):
        file = os.fdopen(os.memfd_create("af3cli"), "wb", buffering=0)
    else:
        file = tempfile.NamedTemporaryFile(buffering=0)  # noqa: SIM115
    try:
        for piece in pieces:
            rest = memoryview(piece)
            while rest:
                rest = rest[file.write(rest) :]
    except OSError:
        file.close()
        raise
    return file
