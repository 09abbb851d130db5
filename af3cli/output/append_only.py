"""HDF5 files to which groups are added all or nothing, without copying what is there.

HDF5 changes its indices in place, so a process that dies while it adds to a file may leave one that
does not open. Here nothing that is in use is ever changed. A new group is written behind the end of
the file, with a new root group that has hard links to the old members and to the new one; then one
write of the superblock, 96 bytes at offset 0, makes that root the file's root. Before that write
the file is the old one with some unused bytes behind its end, which HDF5 ignores; after it, the new
one. The file can be read at any moment, also while it is added to.

HDF5 itself does all the writing, through `_Tail`, a file object that keeps HDF5's changes to bytes
in use to itself. The superblock is version 0 (HDF5 File Format Specification 3.0, II.A), which
`libver="earliest"` asks for. Superseded root groups remain in the file, some 100 to 250 bytes per
member by the length of its name, so they grow with the square of the number of groups: 1000 groups
leave about 70 MB behind, 10,000 about 7 GB.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import h5py
import numpy as np

from af3cli.errors import OutputError
from af3cli.whole_files import written_aside

Attributes = Mapping[str, str | int | np.ndarray]

_LIBVER = ("earliest", "v110")
_SIGNATURE = b"\x89HDF\r\n\x1a\n" + bytes(5) + b"\x08\x08"  # version 0, 8 bytes an address
_SUPERBLOCK_BYTES = 96
_END_OF_FILE = 40  # offset in the superblock of the end-of-file address
_ROOT_ENTRY = 56  # of the root group's symbol table entry: name, header, cache type, scratch pad
_BYTES_PER_MEMBER = 140  # of a root group, where names have 25 characters


def create(path: Path, attributes: Attributes) -> None:
    """Makes a file at `path` that holds nothing but the root's `attributes`."""
    with written_aside(path) as aside, h5py.File(aside, "w", libver=_LIBVER) as file:
        file.attrs.update(attributes)


def superseded_bytes(num_groups: int) -> int:
    """Returns about how much the superseded root groups take once this many groups were added."""
    return num_groups * (num_groups - 1) // 2 * _BYTES_PER_MEMBER


def check(path: Path) -> None:
    """Raises `OutputError` if groups cannot be added to a file, as other programs may make it."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        _read_superblock(descriptor, path)
    finally:
        os.close(descriptor)


def add_group(
    path: Path,
    name: str,
    fill: Callable[[h5py.Group], None],
    attributes: Attributes,
    check: Callable[[h5py.Group], None],
) -> None:
    """Adds the group `name`, written by `fill`, to the file; replaces one of that name.

    `attributes` become those of the root. `check` is shown the new group as it will be read, before
    it becomes part of the file. Whatever is raised, the file is as it was before. The space of a
    group that is replaced stays in use (`h5repack` frees it).

    Raises:
      OSError: the bytes cannot be written, because the disk is full for example.
      OutputError: see `check`.
    """
    descriptor = os.open(path, os.O_RDWR)
    try:
        superblock = _read_superblock(descriptor, path)
        end = struct.unpack_from("<Q", superblock, _END_OF_FILE)[0]
        os.ftruncate(descriptor, end)  # what a process that died has left
        try:
            tail = _Tail(descriptor, end)
            root = _write_root(tail, name, fill, attributes)
            tail.raise_failure()
            superblock = _with_root(superblock, root, tail.end)
            with h5py.File(_Preview(descriptor, superblock), "r") as file:
                check(file[name])
            os.fsync(descriptor)
        except BaseException:
            os.ftruncate(descriptor, end)
            raise
        os.pwrite(descriptor, superblock, 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read_superblock(descriptor: int, path: Path) -> bytes:
    superblock = os.pread(descriptor, _SUPERBLOCK_BYTES, 0)
    if len(superblock) < _SUPERBLOCK_BYTES or not superblock.startswith(_SIGNATURE):
        raise OutputError(
            f"{path} is HDF5 of a layout that entries cannot be added to; another program has "
            f"written it anew. `h5repack --low=0 {path} NEW` makes a copy to which they can (in "
            'h5py, libver="earliest"); or write to another file.'
        )
    return superblock


def _with_root(superblock: bytes, root: int, end: int) -> bytes:
    """Returns `superblock` with the root group's object header at `root` and the file's `end`."""
    changed = bytearray(superblock)
    struct.pack_into("<Q", changed, _END_OF_FILE, end)
    struct.pack_into("<QQII16x", changed, _ROOT_ENTRY, 0, root, 0, 0)
    return bytes(changed)


def _write_root(
    tail: _Tail, name: str, fill: Callable[[h5py.Group], None], attributes: Attributes
) -> int:
    """Writes the new root group and its new member; returns the address of its object header.

    The new root must have a link when the file is closed, or HDF5 deletes it. It gets one in the
    old root, where it vanishes with all other changes there. That link comes last: making room for
    it frees bytes that are in use, and what is written later could be put there. For the same
    reason nothing of variable length is read here: HDF5 would fill up the old heap.
    """
    with h5py.File(tail, "r+", libver=_LIBVER) as file:
        root = file.create_group(None)
        for member in file:
            if member != name:
                root.id.links.create_hard(member.encode(), file.id, member.encode())
        root.attrs.update(attributes)
        fill(root.create_group(name))
        file.flush()
        address = h5py.h5o.get_info(root.id).addr
        file["new root"] = root
    return address


class _Tail(io.RawIOBase):
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


class _Preview(io.RawIOBase):
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
