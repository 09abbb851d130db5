"""`af3 weights`."""

from __future__ import annotations

from click.testing import CliRunner

from af3cli.cli import main
from af3cli.weights import synthetic_parameters, write_records
from af3cli.weights.catalogue import SYNTHETIC_REDUCED


def run(*arguments: object):
    return CliRunner().invoke(main, ["weights", *map(str, arguments)])


def test_list_names_every_model_and_where_it_is(tmp_path):
    (tmp_path / "af3.bin.zst").touch()
    result = run("list", "--weights-dir", tmp_path)
    assert result.exit_code == 0
    assert f"here      {tmp_path / 'af3.bin.zst'}" in result.output
    assert "\nsynthetic-reduced: " in result.output


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


def test_errors_are_messages_with_an_exit_code(tmp_path):
    result = run("info", tmp_path / "absent.bin")
    assert result.exit_code == 3
    assert "Error: " in result.output and "Traceback" not in result.output
    result = run("list", "--weights-dir", tmp_path / ("a" * 300))
    assert result.exit_code == 3
    assert "cannot be read: File name too long" in result.output
    result = run("synthetic", "/proc/absent/x.bin")
    assert result.exit_code == 3
    assert "cannot be written" in result.output
