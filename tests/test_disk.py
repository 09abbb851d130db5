"""What is free on a disk, and what is said of what cannot be written there."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from af3cli.disk import free_bytes, output_errors, reading_errors
from af3cli.errors import InputError, OutputError
from af3cli.whole_files import written_aside


def test_free_space_is_that_of_the_disk_that_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folders may be where disks are mounted, and links may lead to other disks."""
    asked = []

    def disk_usage(place: Path) -> SimpleNamespace:
        asked.append(place)
        return SimpleNamespace(free=1)

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    mounted, link = tmp_path / "mounted", tmp_path / "link.h5"
    mounted.mkdir()
    link.symlink_to(mounted / "emb.h5")
    for path in (mounted, mounted / "new" / "emb.h5", link):
        assert free_bytes(path) == 1
    assert asked == [mounted] * 3


def test_places_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "below"
    with (
        pytest.raises(OutputError, match=r"below cannot be written: File exists"),
        output_errors(path),
        written_aside(path),
    ):
        pass


def test_a_full_disk_is_told_with_what_to_do() -> None:
    with (
        pytest.raises(
            OutputError, match=r"^emb\.h5 cannot be written: the disk is full\. Make room\.$"
        ),
        output_errors(Path("emb.h5"), "Make room."),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_what_cannot_be_read_is_the_file_that_the_system_names(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with (
        pytest.raises(InputError, match=rf"^{missing} cannot be read: No such file or directory$"),
        reading_errors(InputError, tmp_path),
    ):
        missing.read_bytes()
    with (
        pytest.raises(InputError, match=rf"^{tmp_path} cannot be read: Input/output error$"),
        reading_errors(InputError, tmp_path),
    ):
        raise OSError(errno.EIO, os.strerror(errno.EIO))
