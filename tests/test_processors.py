"""What is told of the processors is what the system tells."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from af3cli import processors
from af3cli.processors import last_level_cache


@pytest.mark.skipif(shutil.which("getconf") is None, reason="needs getconf")
def test_the_last_level_cache_is_the_system_s():
    command = ["getconf", "LEVEL3_CACHE_SIZE"]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    if not told.isdecimal() or told == "0":
        pytest.skip("the system does not tell")
    assert last_level_cache() == int(told)


@pytest.mark.parametrize(("text", "size"), [("32768K\n", 32 << 20), ("32M\n", None), (None, None)])
def test_a_cache_of_which_nothing_is_told(monkeypatch, tmp_path: Path, text, size):
    monkeypatch.setattr(processors, "_CACHES", tmp_path)
    (tmp_path / "index3").mkdir()
    if text:
        (tmp_path / "index3" / "size").write_text(text)
    assert last_level_cache() == size
