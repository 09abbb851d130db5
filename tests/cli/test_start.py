"""The command starts fast because it imports late."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from af3cli.cli import main
from tests.cli.commands import EXAMPLES

HEAVY = ("jax", "flax", "rdkit", "h5py", "gemmi", "numpy", "pyhmmer", "biotite")


def _imported(code: str) -> set[str]:
    """Returns which heavy modules a fresh interpreter has imported after `code`."""
    report = f"{code}\nimport sys\nprint(*(set({HEAVY!r}) & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True)
    return set(run.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], *([command, "--help"] for command in main.list_commands(None))],
)
def test_help_imports_nothing_heavy(arguments):
    code = f"from af3cli.cli import main\nmain({arguments!r}, standalone_mode=False)"
    assert _imported(code) == set()


def test_the_package_imports_nothing_heavy():
    assert _imported("import af3cli; af3cli.__version__; dir(af3cli)\nprint()") == set()
    assert _imported("import af3cli; af3cli.read_job\nprint()") & {"jax", "rdkit", "h5py"} == set()


def test_parameters_are_read_before_jax_is_there():
    assert "jax" not in _imported("import af3cli.weights.load, af3cli.weights.schema\nprint()")


def test_it_runs_as_a_module():
    run = subprocess.run(
        [sys.executable, "-m", "af3cli", "--version"], capture_output=True, text=True, check=True
    )
    assert run.stdout.startswith("python -m af3cli, version ")


@pytest.mark.parametrize(
    ("name", "encoding", "device", "message"),
    [
        ("mine", "utf-8", "/dev/full", "the disk is full"),
        ("\u86cb\u767d1", "latin-1", os.devnull, r"which has no '\u86cb'"),
    ],
)
def test_output_that_cannot_be_printed_is_a_message(tmp_path, name, encoding, device, message):
    job = tmp_path / "job.json"
    job.write_text((EXAMPLES / "ion.json").read_text().replace("zif268_finger", name))
    program = [sys.executable, "-c", "from af3cli.cli import main; main()"]
    with open(device, "w") as output:
        run = subprocess.run(
            [*program, "check", job],
            stdout=output,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONIOENCODING": encoding},
            text=True,
            check=False,
        )
    assert (run.returncode, run.stderr.count("\n")) == (4, 1), run.stderr
    assert run.stderr.startswith("Error: ") and message in run.stderr


def test_output_that_nobody_reads_ends_quietly():
    reader, writer = os.pipe()
    os.close(reader)
    program = [sys.executable, "-c", "from af3cli.cli import main; main()"]
    run = subprocess.run(
        [*program, "check", EXAMPLES / "ion.json"],
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert (run.returncode, run.stderr) == (4, b"")


def test_any_command_can_be_stopped(monkeypatch):
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("af3cli.weights.report.catalogue_lines", stop)
    run = CliRunner().invoke(main, ["weights", "list"])
    assert run.exit_code == 130 and run.output == "\nStopped.\n"


def test_an_error_cannot_steer_the_terminal():
    run = CliRunner().invoke(main, ["check", "odd\x1b[2J\r.json"])
    assert run.exit_code == 2 and r"Error: odd\x1b[2J\r.json: " in run.output
    run = CliRunner().invoke(main, ["convert", "odd\x1b[2J\r.json", "out.json"])
    assert run.exit_code == 2 and r"Error: odd\x1b[2J\r.json: " in run.output


def test_every_public_name_is_there():
    import af3cli

    assert all(getattr(af3cli, name) for name in af3cli.__all__)
    with pytest.raises(AttributeError, match="no attribute 'fold'"):
        _ = af3cli.fold
