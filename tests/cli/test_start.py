"""The command starts fast because it imports late."""

from __future__ import annotations

import subprocess
import sys

import pytest

from af3cli.cli import main

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


def test_every_public_name_is_there():
    import af3cli

    assert all(getattr(af3cli, name) for name in af3cli.__all__)
    with pytest.raises(AttributeError, match="no attribute 'fold'"):
        _ = af3cli.fold
