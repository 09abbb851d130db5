"""What is told of the processors is what the system tells."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from af3cli import processors
from af3cli.processors import last_level_cache


@pytest.mark.skipif(shutil.which("lscpu") is None, reason="needs lscpu, which is Linux's")
def test_the_last_level_cache_is_that_of_lscpu():
    command = ["lscpu", "--caches=NAME,ONE-SIZE", "--bytes"]
    table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    sizes = dict(line.split() for line in table.splitlines()[1:])
    assert last_level_cache() == (int(sizes["L3"]) if "L3" in sizes else None)


@pytest.mark.parametrize(("text", "size"), [("32768K\n", 32 << 20), ("32M\n", None), (None, None)])
def test_sizes_are_read_as_linux_writes_them(monkeypatch, tmp_path: Path, text, size):
    monkeypatch.setattr(processors, "_CACHES", tmp_path)
    (tmp_path / "index3").mkdir()
    if text:
        (tmp_path / "index3" / "size").write_text(text)
    assert last_level_cache() == size
