"""HDF5 files to which groups are added all or nothing, without copying what is there.

HDF5 changes its indices in place, so a process that dies while it adds to a file may leave one that
does not open. Here nothing that is in use is ever changed. A new group is written behind the end of
the file, with a new root group that lists the old members and the new one; then one write of the
superblock, 96 bytes at offset 0, makes that root the file's root. Before that write the file is the
old one with some unused bytes, which HDF5 ignores; after it, the new one. The file can be read at
any moment, also while it is added to.

HDF5 itself writes the group and the root's attributes, through `Tail`, a file object that keeps
HDF5's changes to bytes in use to itself; `symbol_table` writes the list of the root's members,
which shares with the former list what is the same. The superblock is version 0 (HDF5 File Format
Specification 3.0, II.A), which `libver="earliest"` asks for. Superseded root groups remain in the
file, some 7 kB for each group that was added.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import numpy as np

from af3cli.errors import OutputError
from af3cli.output.file_views import Bytes, Preview, Tail
from af3cli.output.symbol_table import SymbolTable, Widths, find_table, with_member
from af3cli.whole_files import written_aside

Attributes = Mapping[str, str | int | np.ndarray]

_LIBVER = ("earliest", "v110")
_SIGNATURE = b"\x89HDF\r\n\x1a\n" + bytes(5) + b"\x08\x08"  # version 0, 8 bytes an address
_SUPERBLOCK_BYTES = 96
_WIDTHS = 16  # of leaves and nodes in groups, of each the half
_END_OF_FILE = 40  # offset in the superblock of the end-of-file address
_ROOT_ENTRY = 56  # of the root group's symbol table entry: name, header, cache type, scratch pad


def create(path: Path, attributes: Attributes) -> None:
    """Makes a file at `path` that holds nothing but the root's `attributes`."""
    with written_aside(path) as aside, h5py.File(aside, "w", libver=_LIBVER) as file:
        file.attrs.update(attributes)


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
    inspect: Callable[[h5py.Group], None],
) -> None:
    """Adds the group `name`, written by `fill`, to the file; replaces one of that name.

    `name` has no slash. `attributes` become those of the root. `inspect` is shown the new group as
    it will be read, before it becomes part of the file. Whatever is raised, the file is as it was
    before. The space of a group that is replaced stays in use (`h5repack` frees it).

    Raises:
        OSError: the bytes cannot be written, because the disk is full for example.
        OutputError: the file is damaged; also what `inspect` raises.
    """
    descriptor = os.open(path, os.O_RDWR)
    try:
        superblock = _read_superblock(descriptor, path)
        end = struct.unpack_from("<Q", superblock, _END_OF_FILE)[0]
        os.ftruncate(descriptor, end)  # what a process that died has left
        contents = Bytes(descriptor, end, path)
        try:
            root = _write_root(contents, superblock, name, fill, attributes)
            superblock = _with_root(superblock, root, contents.end)
            with h5py.File(Preview(descriptor, superblock), "r") as file:
                inspect(file[name])
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
    contents: Bytes,
    superblock: bytes,
    name: str,
    fill: Callable[[h5py.Group], None],
    attributes: Attributes,
) -> int:
    """Writes the new root group and its new member; returns the address of its object header."""
    old_root = struct.unpack_from("<Q", superblock, _ROOT_ENTRY + 8)[0]
    is_listed = find_table(contents, old_root) is not None
    tail = Tail(contents.descriptor, contents.end)
    root, member, *relisted = _write_groups(tail, fill, attributes, is_listed=is_listed)
    tail.raise_failure()
    contents.end = tail.end
    members = find_table(contents, *(relisted or [old_root]))
    table = SymbolTable(*struct.unpack("<QQ", contents.read(members, 16)))
    widths = Widths(*(2 * half for half in struct.unpack_from("<HH", superblock, _WIDTHS)))
    table = with_member(contents, table, widths, name.encode(), member)
    contents.write(find_table(contents, root), struct.pack("<QQ", *table))
    return root


def _write_groups(
    tail: Tail,
    fill: Callable[[h5py.Group], None],
    attributes: Attributes,
    *,
    is_listed: bool,
) -> list[int]:
    """Writes the new root and the new member; returns the addresses of their object headers.

    If the members of the old root are not listed in a symbol table (`is_listed`), a third group is
    written in which they are. HDF5 deletes groups without a link when the file is closed; these get
    one each in the new root, whose table is replaced afterwards. Nothing of variable length is read
    here: HDF5 would fill up the old heap.
    """
    with h5py.File(tail, "r+", libver=_LIBVER) as file:
        root, member = groups = [file.create_group(None) for _ in range(2)]
        root.attrs.update(attributes)
        fill(member)
        if not is_listed:
            groups.append(file.create_group(None))
            for old in file:
                groups[-1].id.links.create_hard(old.encode(), file.id, old.encode())
        addresses = [h5py.h5o.get_info(group.id).addr for group in groups]
        for address, group in zip(addresses, groups, strict=True):
            root[str(address)] = group
    return addresses
