"""What is told of the processors is what the system tells."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from af3cli import processors
from af3cli.processors import instruction_sets, last_level_cache


@pytest.mark.skipif(shutil.which("lscpu") is None, reason="needs lscpu, which is Linux's")
def test_instruction_sets_are_those_of_lscpu():
    text = subprocess.run(["lscpu"], capture_output=True, text=True, check=True).stdout
    told = [line.partition(":")[2].split() for line in text.splitlines() if line[:6] == "Flags:"]
    assert instruction_sets() == (set(told[0]) if told else set())


@pytest.mark.parametrize(
    ("text", "sets"),
    [
        ("processor\t: 0\nflags\t\t: fpu amx_bf16\nflags\t\t: other\n", {"fpu", "amx_bf16"}),
        (None, set()),
    ],
)
def test_instruction_sets_as_linux_writes_them(monkeypatch, tmp_path: Path, text, sets):
    monkeypatch.setattr(processors, "_DESCRIPTION", tmp_path / "cpuinfo")
    if text:
        (tmp_path / "cpuinfo").write_text(text)
    assert instruction_sets() == sets


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
