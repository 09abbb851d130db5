"""Records reach HMMER whole, whichever way the system offers."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from af3cli.search.records import MAX_SPLICED_BYTES, FileRange, as_file

LINUX_WAYS = ("splice", "memfd_create")
RANGES = ((0, 1), (4095, 4097), (1, MAX_SPLICED_BYTES), (4095, MAX_SPLICED_BYTES + 1))


@pytest.fixture(scope="module")
def content() -> bytes:
    return bytes(i * 7919 % 251 for i in range(MAX_SPLICED_BYTES + 10_000))


@pytest.mark.parametrize("missing", [(), ("splice",), LINUX_WAYS])
def test_file_holds_the_range(
    tmp_path: Path, content: bytes, missing: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in missing:
        monkeypatch.delattr(os, name, raising=False)
    path = tmp_path / "file"
    path.write_bytes(content)
    with path.open("rb") as file:
        for start, size in RANGES:
            with as_file(FileRange(file.fileno(), start, size)) as name:
                assert Path(name).read_bytes() == content[start : start + size]
    with as_file(content) as name:
        assert Path(name).read_bytes() == content


@pytest.mark.skipif(not hasattr(os, "splice"), reason="this system cannot splice")
def test_range_that_fits_is_not_copied(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with (
        path.open("rb") as file,
        as_file(FileRange(file.fileno(), 4095, MAX_SPLICED_BYTES)) as name,
    ):
        assert stat.S_ISFIFO(os.stat(name).st_mode)


def test_file_that_became_shorter(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    with (
        path.open("rb") as file,
        pytest.raises(OSError, match="shorter"),
        as_file(FileRange(file.fileno(), 1, 5)),
    ):
        pass


def test_no_descriptor_stays_open(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with path.open("rb") as file:
        before = len(os.listdir("/dev/fd"))
        for start, size in RANGES:
            with as_file(FileRange(file.fileno(), start, size)):
                pass
        assert len(os.listdir("/dev/fd")) == before
