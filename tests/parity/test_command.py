"""`python -m tests.parity`: folders and cases, and what it says of what it cannot compare."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tests.parity.__main__ import main
from tests.parity.families import family_cases

DATA = Path(__file__).parents[1] / "data"


def run(*arguments: object):
    return CliRunner().invoke(main, list(map(str, arguments)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One case of another family, of which one array is recorded, and that is wrong."""
    for path in (DATA / "openfold3").glob("user_ccd.*"):
        shutil.copy(path, tmp_path)
    (tmp_path / "user_ccd.full.npz").unlink(missing_ok=True)
    with np.load(tmp_path / "user_ccd.reduced.npz") as recorded:
        arrays = {"rows": recorded["rows"], "s_init": recorded["s_init"]}
    arrays["s_init"] = arrays["s_init"] * (1 + 3e-5)
    np.savez(tmp_path / "user_ccd.reduced.npz", **arrays)
    return tmp_path


def test_folder_and_case_name_the_same(folder: Path) -> None:
    assert family_cases(folder) == family_cases(folder / "user_ccd")


def test_what_cannot_be_compared_is_told(folder: Path) -> None:
    result = run(folder / "absent", folder)
    assert result.exit_code == 1 and "job.json nor" in result.output
    assert result.output.count(f"{folder.name}/user_ccd: network reduced") == 1
    assert result.output.count("s_init") == 1
    assert "1 arrays out of bounds; not compared, or not wholly: absent" in result.output
    assert "no network with full parameters" in run(folder, "--parameters", "full").output
    assert "float32 only" in run(folder, "--precision", "bfloat16").output
    (folder / "user_ccd.coords.npz").unlink()
    result = run(folder)
    assert result.exit_code == 1 and "has no array diff0.x_noisy" in result.output
    (folder / "user_ccd.reduced.npz").unlink()
    result = run(folder)
    assert result.exit_code == 1 and "nothing is recorded of a network" in result.output
