"""A file while a group is added: what is read and written of it, and what HDF5 is shown of it."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Collection
from pathlib import Path

from af3cli.errors import OutputError


class Bytes:
    """The bytes of a file by address; `end` is where the next ones are appended."""

    def __init__(self, descriptor: int, end: int, path: Path) -> None:
        self.end = end
        self.descriptor = descriptor
        self._path = path

    def read(self, address: int, count: int, signature: bytes = b"") -> bytes:
        """Returns `count` bytes.

        Raises:
            OutputError: they are not all there, or do not begin with `signature`.
        """
        data = os.pread(self.descriptor, count, address)
        if len(data) < count or not data.startswith(signature):
            raise OutputError(
                f"{self._path} is damaged: part of the list of its entries is not at byte "
                f"{address}, where it should be. Nothing was added; write to another file."
            )
        return data

    def write(self, address: int, data: bytes) -> None:
        """Writes `data` to an address at which nothing is in use."""
        view = memoryview(data)
        while view:
            written = os.pwrite(self.descriptor, view, address)
            view, address = view[written:], address + written

    def append(self, data: bytes) -> int:
        """Writes `data` behind the end and returns its address."""
        address = self.end
        self.write(address, data)
        self.end += len(data)
        return address


class Tail(io.RawIOBase):
    """A file that HDF5 may write to, of which only the bytes from `start` on reach the disk.

    Changes before `start` are kept in memory, by page. A write that fails is remembered and not
    reported to HDF5, which could not go back; everything after it is dropped.
    """

    _PAGE = 4096

    def __init__(self, descriptor: int, start: int) -> None:
        self.end = start
        self._descriptor = descriptor
        self._start = start
        self._position = 0
        self._pages: dict[int, bytearray] = {}
        self._failure: OSError | None = None

    def raise_failure(self) -> None:
        if self._failure:
            raise self._failure

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.end}[whence]
        self._position = origin + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: memoryview) -> int:
        view = memoryview(buffer)
        begin = self._position
        count = os.preadv(self._descriptor, [view], begin)
        for number in self._page_numbers(begin, min(begin + count, self._start)):
            if number in self._pages:
                page_begin = number * self._PAGE
                low = max(begin, page_begin)
                high = min(begin + count, page_begin + self._PAGE, self._start)
                view[low - begin : high - begin] = self._pages[number][
                    low - page_begin : high - page_begin
                ]
        self._position += count
        return count

    def write(self, data: memoryview) -> int:
        data = memoryview(data)
        begin, count = self._position, len(data)
        kept = max(0, min(self._start - begin, count))
        self._keep(begin, data[:kept])
        self._append(begin + kept, data[kept:])
        self._position = begin + count
        self.end = max(self.end, self._position)
        return count

    def truncate(self, size: int | None = None) -> int:
        self.end = max(self._start, self._position if size is None else size)
        self._reach_disk(lambda: os.ftruncate(self._descriptor, self.end))
        return self.end

    def _keep(self, begin: int, data: memoryview) -> None:
        for number in self._page_numbers(begin, begin + len(data)):
            page_begin = number * self._PAGE
            if number not in self._pages:
                page = os.pread(self._descriptor, self._PAGE, page_begin)
                self._pages[number] = bytearray(page.ljust(self._PAGE, b"\0"))
            low = max(begin, page_begin)
            high = min(begin + len(data), page_begin + self._PAGE)
            self._pages[number][low - page_begin : high - page_begin] = data[
                low - begin : high - begin
            ]

    def _append(self, begin: int, data: memoryview) -> None:
        while data and not self._failure:
            written = self._reach_disk(lambda: os.pwrite(self._descriptor, data, begin))  # noqa: B023
            data, begin = data[written:], begin + written

    def _reach_disk(self, action: Callable[[], int | None]) -> int:
        if self._failure:
            return 0
        try:
            return action() or 0
        except OSError as error:
            self._failure = error
            return 0

    def _page_numbers(self, begin: int, end: int) -> Collection[int]:
        return range(begin // self._PAGE, -(-end // self._PAGE)) if begin < end else ()


class Preview(io.RawIOBase):
    """The file as it will be with `superblock`, to be read only."""

    def __init__(self, descriptor: int, superblock: bytes) -> None:
        self._file = os.fdopen(os.dup(descriptor), "rb", buffering=0)
        self._superblock = superblock

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: memoryview) -> int:
        begin = self._file.tell()
        count = self._file.readinto(buffer)
        if begin < len(self._superblock):
            patch = self._superblock[begin : begin + count]
            memoryview(buffer)[: len(patch)] = patch
        return count

    def close(self) -> None:
        self._file.close()
        super().close()
