"""The members of an HDF5 group, one more at a time, without changing what is there.

The old form of groups (HDF5 File Format Specification 3.0, III.A.1, III.B and III.D) has a B-tree
whose leaves list members in the order of their names, and a heap with the names themselves. Here a
member is added by writing anew the leaf that it belongs to and the nodes above that leaf. All else
is shared with the former tree, so that both can be read. That costs 0.3 kB for the leaf and 0.5 kB
for each of the nodes, of which 10,000 members need two or three. Nodes do not name their
neighbours, as a copy would have to change these; HDF5 reads without, at least since release 1.8.

A heap's header says where the names are and how many bytes they take. Room is left behind them that
no header counts: the next name is written there, with a new header that counts it. When the room is
full, all names are copied to where there is room for twice as many. What room there is is noted
before the header, with what the header says: if HDF5 has changed the heap since, or made it, the
two differ, and there is none.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Sequence
from itertools import chain, pairwise
from typing import NamedTuple, TypeVar

from af3cli.output.file_views import Bytes

_UNDEFINED = 2**64 - 1  # an address that there is none
_NODE = struct.Struct("<4sBBHQQ")  # signature, 0 for groups, level, number of children, neighbours
_LEAF = struct.Struct("<4sBxH")  # signature, version, number of members
_MEMBER = struct.Struct("<QQ24x")  # offset of the name, object header; nothing is cached
_HEAP = struct.Struct("<4s4xQQQ")  # signature and version, size, free list, address of the names
_NOTE = struct.Struct("<8sQQQ")  # mark, size and address as in the header, size with all room
_MARK = b"af3 room"
_NO_FREE_LIST = 1
_MESSAGE = struct.Struct("<HH4x")  # of an object header: type, size
_CONTINUATION, _SYMBOL_TABLE = 0x10, 0x11

_Item = TypeVar("_Item")


class SymbolTable(NamedTuple):
    """Where a group's B-tree and heap are."""

    tree: int
    heap: int


class Widths(NamedTuple):
    """How many members a leaf and how many children a node may have; the superblock says it."""

    leaf: int
    node: int


def find_table(file: Bytes, header: int) -> int | None:
    """Returns where the addresses of a group's `SymbolTable` are, which are 8 bytes each.

    `header` is the address of the group's object header. There is no table in groups of the new
    form, which other programs may make.
    """
    version, size = struct.unpack("<B7xI4x", file.read(header, 16))
    chunks = [(header + 16, size)] if version == 1 else []
    for begin, size in chunks:
        data = file.read(begin, size)
        offset = 0
        while offset + _MESSAGE.size <= size:
            kind, length = _MESSAGE.unpack_from(data, offset)
            offset += _MESSAGE.size
            if kind == _SYMBOL_TABLE:
                return begin + offset
            if kind == _CONTINUATION:
                chunks.append(struct.unpack_from("<QQ", data, offset))
            offset += length
    return None


def with_member(
    file: Bytes, table: SymbolTable, widths: Widths, name: bytes, header: int
) -> SymbolTable:
    """Returns a table that has all members of `table` and one more; replaces one of its name.

    `header` is the address of the member's object header.

    Raises:
        OSError: the bytes cannot be written, because the disk is full for example.
        OutputError: the file is damaged.
    """
    heap, names, offset = _with_name(file, table.heap, name)
    tree = _Tree(file, widths, names).with_member(table.tree, name, _MEMBER.pack(offset, header))
    return SymbolTable(tree, heap)


def _with_name(file: Bytes, heap: int, name: bytes) -> tuple[int, bytes, int]:
    """Returns the address of a heap with one more name, all names, and the offset of the new."""
    _, size, free_list, address = _HEAP.unpack(file.read(heap, _HEAP.size, b"HEAP"))
    *noted, room = _NOTE.unpack(file.read(heap - _NOTE.size, _NOTE.size))
    if noted != [_MARK, size, address] or free_list != _NO_FREE_LIST:
        room = 0
    added = name + bytes(8 - len(name) % 8)
    names = file.read(address, size) + added
    if len(names) <= room:
        file.write(address + size, added)
    else:
        room = 2 * len(names)
        address = file.append(names.ljust(room, b"\0"))
    header = _HEAP.pack(b"HEAP", len(names), _NO_FREE_LIST, address)
    note = _NOTE.pack(_MARK, len(names), address, room)
    return file.append(note + header) + _NOTE.size, names, size


class _Child(NamedTuple):
    """A leaf or node below another, and the offset of the last name in it."""

    address: int
    last: int


class _Tree:
    """Writes B-trees whose names are in `names`."""

    def __init__(self, file: Bytes, widths: Widths, names: bytes) -> None:
        self._file = file
        self._widths = widths
        self._names = names

    def with_member(self, root: int, name: bytes, member: bytes) -> int:
        """Returns the root of the tree at `root` with one more member."""
        level, nodes = self._with_member(root, name, member)
        while len(nodes) > 1:
            level += 1
            nodes = self._write_nodes(level, 0, nodes)
        return nodes[0].address

    def _with_member(self, node: int, name: bytes, member: bytes) -> tuple[int, list[_Child]]:
        """Returns the level of a node, and those that take its place."""
        level, first, children = self._read_node(node)
        index = bisect_left(children[:-1], name, key=lambda child: self._name(child.last))
        if not children:
            below = self._write_leaves([member])
        elif level:
            _, below = self._with_member(children[index].address, name, member)
        else:
            members = self._read_leaf(children[index].address)
            below = self._write_leaves(self._inserted(members, name, member))
        children[index : index + 1] = below
        return level, self._write_nodes(level, first, children)

    def _inserted(self, members: list[bytes], name: bytes, member: bytes) -> list[bytes]:
        index = bisect_left(members, name, key=self._name_of)
        is_replaced = index < len(members) and self._name_of(members[index]) == name
        return [*members[:index], member, *members[index + is_replaced :]]

    def _read_node(self, address: int) -> tuple[int, int, list[_Child]]:
        """Returns a node's level, the offset of the name that all its names follow, and children.

        A child comes with the offset of the last name in it.
        """
        data = self._file.read(address, self._node_bytes, b"TREE")
        _, _, level, count, _, _ = _NODE.unpack_from(data)
        first, *pairs = struct.unpack_from(f"<{1 + 2 * count}Q", data, _NODE.size)
        return level, first, [*map(_Child, pairs[::2], pairs[1::2])]

    def _write_nodes(self, level: int, first: int, children: Sequence[_Child]) -> list[_Child]:
        nodes = []
        for part in _parts(children, self._widths.node):
            head = _NODE.pack(b"TREE", 0, level, len(part), _UNDEFINED, _UNDEFINED)
            content = struct.pack(f"<{1 + 2 * len(part)}Q", first, *chain.from_iterable(part))
            address = self._file.append((head + content).ljust(self._node_bytes, b"\0"))
            first = part[-1].last
            nodes.append(_Child(address, first))
        return nodes

    def _read_leaf(self, address: int) -> list[bytes]:
        data = self._file.read(address, self._leaf_bytes, b"SNOD")
        _, _, count = _LEAF.unpack_from(data)
        begins = range(_LEAF.size, _LEAF.size + count * _MEMBER.size, _MEMBER.size)
        return [data[begin : begin + _MEMBER.size] for begin in begins]

    def _write_leaves(self, members: Sequence[bytes]) -> list[_Child]:
        leaves = []
        for part in _parts(members, self._widths.leaf):
            data = _LEAF.pack(b"SNOD", 1, len(part)) + b"".join(part)
            address = self._file.append(data.ljust(self._leaf_bytes, b"\0"))
            leaves.append(_Child(address, _MEMBER.unpack(part[-1])[0]))
        return leaves

    @property
    def _node_bytes(self) -> int:
        return _NODE.size + 8 * (1 + 2 * self._widths.node)

    @property
    def _leaf_bytes(self) -> int:
        return _LEAF.size + self._widths.leaf * _MEMBER.size

    def _name_of(self, member: bytes) -> bytes:
        return self._name(_MEMBER.unpack(member)[0])

    def _name(self, offset: int) -> bytes:
        return self._names[offset : self._names.index(0, offset)]


def _parts(items: Sequence[_Item], most: int) -> list[Sequence[_Item]]:
    """Returns `items` in as few parts as have no more than `most` each, of about the same size."""
    count = -(-len(items) // most)
    bounds = [len(items) * part // count for part in range(count + 1)]
    return [items[begin:end] for begin, end in pairwise(bounds)]
