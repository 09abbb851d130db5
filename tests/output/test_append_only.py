"""However many groups are added and whoever else changes the file, all are there by their names."""

from __future__ import annotations

import resource
import struct
from pathlib import Path

import h5py
import numpy as np
import pytest

from af3cli.errors import OutputError
from af3cli.output import append_only
from af3cli.output.file_views import Preview

_SUPERBLOCK_BYTES = 96


@pytest.fixture(autouse=True)
def without_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(append_only.os, "fsync", lambda descriptor: None)


@pytest.fixture
def path(tmp_path) -> Path:
    append_only.create(tmp_path / "file.h5", {"format": "test"})
    return tmp_path / "file.h5"


@pytest.mark.parametrize("order", ["ascending", "descending", "mixed"])
def test_groups_of_all_names_are_found_in_a_high_tree(path, order):
    """The superblock allows four children to a node, and as many members to a leaf."""
    with path.open("r+b") as file:
        file.seek(16)
        file.write(struct.pack("<HH", 2, 2))
    names = sorted(map(_name, range(150)), key=str.encode)
    if order == "mixed":
        np.random.default_rng(0).shuffle(names)
    for name in names[::-1] if order == "descending" else names:
        _add(path, name)
    _check(path, names)


def test_every_former_state_can_still_be_read(path):
    """Nothing that is in use is changed, whatever grows or splits; see `append_only`."""
    states = []
    names = [_name(number) for number in np.random.default_rng(0).permutation(200)]
    for name in names:
        _add(path, name)
        states.append(path.read_bytes()[:_SUPERBLOCK_BYTES])
    with path.open("rb") as raw:
        for count, superblock in enumerate(states, 1):
            with h5py.File(Preview(raw.fileno(), superblock), "r") as file:
                assert set(file) == set(names[:count])
                assert file.attrs["format"] == "test"
                assert file[names[count - 1]].attrs["is"] == names[count - 1]


def test_a_group_is_replaced(path):
    for name in ("a", "b", "c", "b"):
        _add(path, name, content=np.arange(3) if name == "b" else 1)
    with h5py.File(path) as file:
        assert list(file) == ["a", "b", "c"]
        assert file["b/content"].shape == (3,)


def test_groups_are_added_to_a_file_that_hdf5_has_made(tmp_path):
    path = tmp_path / "file.h5"
    names = [_name(number) for number in range(0, 600, 2)]
    with h5py.File(path, "w", libver="earliest") as file:
        for name in names:
            _fill(file.create_group(name.encode(), track_order=False), name)
        file["link"] = h5py.SoftLink("/0_0")
    for number in range(1, 200, 2):
        names.append(_name(number))
        _add(path, names[-1])
    with h5py.File(path, "r+") as file:
        assert file.get("link", getlink=True).path == "/0_0"
        del file["link"]
    _check(path, names)


@pytest.mark.parametrize("seed", range(3))
def test_other_programs_may_add_and_delete_in_between(path, seed):
    """They move names, leave holes among them, or turn the root into a group of the new form."""
    rng = np.random.default_rng(seed)
    names: set[str] = set()
    for number in range(200):
        _add(path, _name(number))
        names.add(_name(number))
        if number % 7 == 0:
            with h5py.File(path, "r+") as file:
                for name in rng.choice(sorted(names), len(names) // 3, replace=False):
                    del file[name]
                    names.remove(name)
                added = f"other {number}" if number % 2 else "\N{GREEK SMALL LETTER MU}"
                if added not in file:
                    _fill(file.create_group(added), added)
                    names.add(added)
            _check(path, names)
    _check(path, names)


def test_no_room_is_taken_from_what_another_program_has_written(path):
    """When most names are deleted, HDF5 moves the others to where there is none behind them."""
    names = [f"{number:020d}" for number in range(60)]
    for name in names:
        _add(path, name)
    with h5py.File(path, "r+") as file:
        for name in names[4:]:
            del file[name]
        others = [f"other {number}" for number in range(10)]
        for name in others:
            _fill(file.create_group(name), name)
    for name in names[4:]:
        _add(path, name)
    _check(path, names + others)


def test_a_disk_that_is_full_when_members_are_listed(path):
    """The group itself fits onto the disk; the list, which is written after it, does not."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for number in range(50):
        _add(path, _name(number))
    before = path.read_bytes()
    _add(path, "next")
    growth = path.stat().st_size - len(before)
    for missing in range(1, 1000, 100):
        path.write_bytes(before)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + growth - missing, limits[1]))
        try:
            with pytest.raises(OSError, match="File too large"):
                _add(path, "next")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert path.stat().st_size == len(before)
        _check(path, [_name(number) for number in range(50)])
    _add(path, "next")
    _check(path, [*(_name(number) for number in range(50)), "next"])


@pytest.mark.parametrize("signature", [b"TREE", b"SNOD", b"HEAP"])
def test_a_damaged_list_is_not_built_upon(path, signature):
    _add(path, "a")
    content = path.read_bytes()
    path.write_bytes(content.replace(signature, b"\0\0\0\0"))
    size = path.stat().st_size
    with pytest.raises(OutputError, match="is damaged: part of the list of its entries"):
        _add(path, "b")
    assert path.stat().st_size == size


def _name(number: int) -> str:
    """Returns names of all kinds: short and long ones, and some that are not ASCII."""
    long, other = "x" * 300, "\N{GREEK SMALL LETTER MU}"
    return f"{number % 7}_{number}{['', 'a', long, other][number % 4]}"


def _fill(group: h5py.Group, name: str, content: object = 1) -> None:
    group.attrs["is"] = name
    group["content"] = content


def _add(path: Path, name: str, content: object = 1) -> None:
    append_only.add_group(
        path,
        name,
        lambda group: _fill(group, name, content),
        {"format": "test"},
        lambda group: None,
    )


def _check(path: Path, names) -> None:
    with h5py.File(path) as file:
        assert list(file) == sorted(names, key=str.encode)
        assert file.attrs["format"] == "test"
        assert all(file[name].attrs["is"] == name for name in names)
        assert all(file[name]["content"][()] == 1 for name in names)
