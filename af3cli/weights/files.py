"""Files of parameters: several read as one, or their digest taken; one written."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from af3cli import disk
from af3cli.errors import WeightsError
from af3cli.whole_files import written_aside

reading_errors = partial(disk.reading_errors, WeightsError)


class JoinedFiles(io.RawIOBase):
    """Several files read as one."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.size = sum(path.stat().st_size for path in paths)
        self._files: list[BinaryIO] = [path.open("rb", buffering=0) for path in paths]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        count = 0
        while self._files and not (count := self._files[0].readinto(buffer)):
            self._files.pop(0).close()
        return count

    def read(self, size: int = -1) -> bytes:
        """Returns up to `size` bytes, without the copies that `io.RawIOBase` makes."""
        chunk = b""
        while self._files and not (chunk := self._files[0].read(size)):
            self._files.pop(0).close()
        return chunk

    def close(self) -> None:
        for file in self._files:
            file.close()
        super().close()


def files_digest(paths: Sequence[Path]) -> Future[str]:
    """Returns the sha256 of files one after the other, computed while other things go on."""

    def compute() -> str:
        with JoinedFiles(paths) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    pool = ThreadPoolExecutor(max_workers=1)
    digest = pool.submit(compute)
    pool.shutdown(wait=False)
    return digest


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Opens a file for writing that is at `path` when all went well.

    Raises:
        OutputError: the file cannot be written.
    """
    with disk.output_errors(path), written_aside(path) as aside, aside.open("wb") as file:
        yield file
