"""`python -m tests.parity` of cases of which something is missing: it is told, the others go on."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from af3cli.inference.heads import Heads
from af3cli.inference.trunk import TrunkModel
from af3cli.weights.load import Weights
from tests.official import GOLDEN_CASES
from tests.parity import __main__ as command
from tests.parity import features

WHOLE = next(folder for folder in GOLDEN_CASES if folder.name == "deep_msa")
NETWORK = "network_reduced_f32.npz"


@pytest.fixture(autouse=True)
def loaded_once(
    monkeypatch: pytest.MonkeyPatch,
    reduced_weights: Weights,
    reduced_model: TrunkModel,
    reduced_heads: Heads,
) -> None:
    monkeypatch.setattr(command, "load_weights", lambda name: reduced_weights)
    monkeypatch.setattr(command, "load_model", lambda weights, precision: reduced_model)
    monkeypatch.setattr(command, "load_heads", lambda weights, precision: reduced_heads)


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """A whole case without runs, called `case`."""
    folder = tmp_path / "case"
    shutil.copytree(WHOLE, folder, ignore=shutil.ignore_patterns("run_*", "network_f32.npz"))
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command.main, list(map(str, arguments)))


def leave_out(path: Path, *names: str) -> None:
    with np.load(path) as arrays:
        kept = {name: arrays[name] for name in arrays if name not in names}
    np.savez(path, **kept)


def test_arrays_that_every_network_file_has(case: Path) -> None:
    names = ("target_feat", "trunk0.pair_after_msa", "trunk1.single", "trunk1.pair")
    of_heads = ("diff1.denoised", "conf.full_pae", "distogram.logits", "distogram.contact_probs")
    leave_out(case / NETWORK, *names, *of_heads)
    result = run(case)
    assert result.exit_code == 1, result.output
    missing = [line.split()[0] for line in result.output.splitlines() if "MISSING" in line]
    assert missing == [*names, *of_heads]
    assert result.output.endswith("\n8 arrays missing\n")


def test_what_a_network_file_may_be_without(case: Path) -> None:
    with np.load(case / NETWORK) as arrays:
        optional = [name for name in arrays if name.startswith(("trunk0.pair_", "diff", "conf"))]
        optional += ["distogram.logits", "distogram.contact_probs"]
    leave_out(case / NETWORK, *optional)
    result = run(case)
    assert result.exit_code == 0 and "trunk1.pair " in result.output, result.output


@pytest.mark.parametrize(
    ("file", "name"),
    [("features.npz", "aatype"), (NETWORK, "recycle_keys"), (NETWORK, "diff0.noisy")],
)
def test_an_array_that_a_comparison_starts_from(case: Path, file: str, name: str) -> None:
    leave_out(case / file, name)
    result = run(case, WHOLE, "--parameters", "reduced")
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit)
    assert result.output.count("CANNOT BE COMPARED") == 1
    assert f"case: CANNOT BE COMPARED: {case / file} has no array {name}\n" in result.output
    assert "ranking scores" in result.output.partition("deep_msa: runs")[2]
    assert result.output.endswith("\nnot compared, or not wholly: case\n")


def test_a_file_that_is_missing_or_damaged(case: Path) -> None:
    (case / "features.npz").write_bytes((case / "features.npz").read_bytes()[:1000])
    assert f"case: CANNOT BE COMPARED: {case / 'features.npz'} cannot be read" in run(case).output
    (case / "features.npz").unlink()
    assert f"case: CANNOT BE COMPARED: {case / 'features.npz'} is not there" in run(case).output
    (case / "job.json").write_text("{}")
    result = run(case)
    assert result.exit_code == 1 and "case: CANNOT BE COMPARED: " in result.output
    assert "sequences: is missing" in result.output


def test_a_run_without_one_of_its_files(case: Path) -> None:
    recorded = next(WHOLE.glob("run_reduced*"))
    shutil.copytree(recorded, case / recorded.name)
    (case / recorded.name / "sampler_draws.npz").unlink()
    result = run(case)
    assert result.exit_code == 1 and "sampler_draws.npz is not there" in result.output


def test_the_network_is_the_one_that_is_recorded_unless_it_is_asked_for(case: Path) -> None:
    assert "case: trunk, reduced parameters" in run(case).output
    result = run(case, "--parameters", "full")
    assert result.exit_code == 1 and f"{case / 'network_f32.npz'} is not there" in result.output
    (case / NETWORK).unlink()
    result = run(case)
    assert result.exit_code == 1 and "bonds.tokens" in result.output
    assert f"neither network_f32.npz nor {NETWORK} is in {case}" in result.output


def test_what_other_releases_keep_from_being_compared(
    case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (case / NETWORK).unlink()
    monkeypatch.setattr(features, "SAME_RELEASES", True)
    assert "not compared: atoms" not in run(case).output
    monkeypatch.setattr(features, "SAME_RELEASES", False)
    result = run(case)
    names = "atoms.ref_position, atoms.charge, frames.has_frame"
    assert result.output.startswith(f"not compared: {names}, which depend on the releases")
    assert "ref_position" not in result.output.partition("\n")[2]
