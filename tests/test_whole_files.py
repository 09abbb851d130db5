"""A file that is written aside is there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from af3cli.whole_files import written_aside


def test_the_file_replaces_another_with_the_usual_rights(tmp_path: Path) -> None:
    usual, path = tmp_path / "usual", tmp_path / "new" / f"{'long' * 60}.bin"
    usual.touch()
    for content in (b"one", b"two"):
        with written_aside(path) as aside:
            aside.write_bytes(content)
        assert path.read_bytes() == content
    assert path.stat().st_mode == usual.stat().st_mode
    assert list(path.parent.iterdir()) == [path]


def test_whatever_is_raised_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error), written_aside(path) as aside:
            aside.write_text("half")
            raise error
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_what_is_raised_is_told_though_the_folder_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    with pytest.raises(ValueError, match="mine"), written_aside(folder / "file"):
        folder.rmdir()
        folder.touch()
        raise ValueError("mine")


def test_two_writers_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with written_aside(path) as first, written_aside(path) as second:
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first" and list(tmp_path.iterdir()) == [path]
