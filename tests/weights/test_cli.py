"""`af3 weights`."""

from __future__ import annotations

import re

import numpy as np
import pytest
from click.testing import CliRunner

from af3cli.cli import main
from af3cli.weights import synthetic_parameters, write_records
from af3cli.weights.catalogue import SYNTHETIC_REDUCED
from af3cli.weights.safetensors_file import write_safetensors


def run(*arguments: object):
    return CliRunner().invoke(main, ["weights", *map(str, arguments)])


def test_list_names_every_model_and_where_it_is(tmp_path):
    (tmp_path / "af3.bin.zst").touch()
    result = run("list", "--weights-dir", tmp_path)
    assert result.exit_code == 0
    assert f"here      {tmp_path / 'af3.bin.zst'}" in result.output
    assert "\nsynthetic-reduced: " in result.output


def test_list_tells_of_a_broken_model_in_its_place(tmp_path):
    for part in (0, 2):
        (tmp_path / f"af3.{part}.bin.zst").touch()
    (tmp_path / "openfold3.safetensors").touch()
    result = run("list", "--weights-dir", tmp_path)
    assert result.exit_code == 0, result.output
    assert f"here      {tmp_path / 'openfold3.safetensors'}" in result.output
    assert re.search(r"alphafold3: .*\n    here      .*part 1 .* is missing\n", result.output)


def test_list_passes_over_a_place_that_cannot_be_read(tmp_path, monkeypatch):
    (tmp_path / "openfold3.safetensors").touch()
    monkeypatch.setenv("AF3_WEIGHTS", str(tmp_path))
    result = run("list", "--weights-dir", tmp_path / ("a" * 300))
    assert result.exit_code == 0
    assert f"here      {tmp_path / 'openfold3.safetensors'}; " in result.output
    assert "here      no; " in result.output
    assert "cannot be read: File name too long" in result.output


def test_info_lists_arrays_sizes_and_digest(tmp_path, tiny_config):
    path = tmp_path / "tiny.bin"
    write_records(path, synthetic_parameters(tiny_config).items())
    result = run("info", path)
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert sum("diffuser/" in line for line in lines) == 404
    assert any(line.split() == ["64", "uint8", "64", "__meta__:__identifier__"] for line in lines)
    assert "arrays   405" in lines
    assert lines[-1].endswith("meaningless.")
    assert len(run("info", path, "--no-arrays").output.splitlines()) < 10


def test_synthetic_writes_a_file_that_info_recognises(tmp_path):
    path = tmp_path / "reduced.bin"
    assert run("synthetic", path, "--reduced").exit_code == 0
    assert SYNTHETIC_REDUCED.sha256 in run("info", path, "--no-arrays").output


ODD = "odd\x1b[31m\r\nname:\u202ex"


def _records(path):
    write_records(path, [(ODD, np.zeros(3, np.float32))])


def _cut_records(path):
    _records(path)
    path.write_bytes(path.read_bytes()[:-1])


def _safetensors(path):
    write_safetensors(path, {ODD: np.zeros(3, np.float32)}, {})


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (_records, "odd.bin"),
        (_cut_records, "odd.bin"),
        (_safetensors, "odd.safetensors"),
    ],
)
def test_names_in_a_file_cannot_steer_the_terminal(tmp_path, write, name):
    write(tmp_path / name)
    output = run("info", tmp_path / name).output
    assert r"odd\x1b[31m\r\nname:\u202ex" in output
    assert not any(letter in output for letter in ("\x1b", "\r", "\u202e", "\nname"))


def test_errors_are_messages_with_an_exit_code(tmp_path):
    result = run("info", tmp_path / "absent.bin")
    assert result.exit_code == 3
    assert "Error: " in result.output and "Traceback" not in result.output
    result = run("synthetic", "/proc/absent/x.bin")
    assert result.exit_code == 4
    assert "cannot be written" in result.output
