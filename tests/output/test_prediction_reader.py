"""Folders of predictions are read as they were written, the official program's own among them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from af3cli import open_prediction
from af3cli.errors import OutputError
from af3cli.output.overview import prediction_overview
from af3cli.output.plots import png, sample_figure
from af3cli.output.prediction_reader import find_predictions
from tests.official_runs import RUN_CASES, OfficialRun


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A job's folder that the official program has written."""
    return Path(shutil.copytree(OfficialRun("heterodimer_paired").folder, tmp_path / "job"))


def change(path: Path, **figures: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | figures))


@pytest.mark.parametrize("case", RUN_CASES)
def test_official_results_are_read(case):
    run = OfficialRun(case)
    tokens, atoms = run.tables
    prediction = open_prediction(run.folder)
    assert {sample.seed for sample in prediction.samples} == {run.seed}
    assert not prediction.terms and not prediction.is_meaningless
    for sample in prediction.samples:
        read, expected = sample.confidences(), run.confidences(sample.number)
        assert sample.structure.is_file()
        assert read.token_chain_id.tolist() == tokens.chain_id.tolist()
        assert read.token_residue_id.tolist() == tokens.residue_id.tolist()
        assert read.atom_chain_id.tolist() == tokens.chain_id[atoms.token].tolist()
        np.testing.assert_allclose(read.plddt, expected.plddt, atol=0.006)
        np.testing.assert_allclose(read.pae, expected.pae, atol=0.06)
        np.testing.assert_allclose(read.contact_probs, expected.contact_probs, atol=0.006)


def test_the_best_is_first(folder):
    for number, score in ((0, None), (1, 0.3)):
        (path,) = (folder / f"seed-1_sample-{number}").glob("*summary*")
        change(path, ranking_score=score)
    shutil.copytree(folder / "seed-1_sample-1", folder / "seed-0_sample-10")
    samples = open_prediction(folder).samples
    assert [(sample.seed, sample.number) for sample in samples] == [(0, 10), (1, 1), (1, 0)]
    assert np.isnan(samples[-1].ranking_score)


def test_names_of_the_first_official_versions_are_read(folder):
    for path in folder.glob("seed-*/*"):
        path.rename(path.with_name(path.name.split("_", 4)[-1]))
    sample = open_prediction(folder).samples[0]
    assert sample.structure.name == "model.cif"
    assert sample.confidences().pae.shape == (67, 67)


def test_jobs_are_found(folder):
    assert find_predictions(folder) == find_predictions(folder.parent) == [folder]
    assert not find_predictions(folder / "seed-1_sample-0")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("summary_confidences.json", "{}", "is not what a prediction writes: no 'ranking_score'"),
        ("summary_confidences.json", "[]", "no JSON object"),
        ("summary_confidences.json", "[" * 10**6, "is not what a prediction writes"),
        ("confidences.json", '{"pae": 1', "is not what a prediction writes"),
        ("confidences.json", None, "cannot be read"),
    ],
)
def test_what_is_not_a_prediction_is_told(folder, name, text, told):
    sample = folder / "seed-1_sample-1"
    (path,) = sample.glob(f"*sample-1_{name}")
    path.write_text(text) if text else path.unlink()
    with pytest.raises(OutputError, match=path.name) as error:
        {item.number: item for item in open_prediction(folder).samples}[1].confidences()
    assert told in str(error.value)
    with pytest.raises(OutputError, match="holds no folders such as seed-1_sample-0"):
        open_prediction(sample)


def test_arrays_of_other_lengths_are_refused(folder):
    (path,) = (folder / "seed-1_sample-0").glob("*sample-0_confidences.json")
    change(path, pae=[[1.0]])
    with pytest.raises(OutputError, match="arrays of other lengths than the chain ids"):
        open_prediction(folder).samples[0].confidences()


def test_the_overview_has_the_figures_of_each_structure_and_chain(folder):
    ranking, chains = prediction_overview(open_prediction(folder)).tables
    assert ranking.rows[1] == ("1", "0", "0.64", "0.14", "0.14", "1.00", "no")
    pairs = dict(zip(chains.rows[0], chains.rows[1], strict=True))
    assert chains.rows[1][0] == "A" and pairs["ipTM with B"] == "0.14"
    # Of pair_pae_min[0][1], A's row and B's column, as the official file has it.
    assert pairs["least PAE with B"] == "9.21"


def test_the_figure_shows_the_arrays(folder):
    sample = open_prediction(folder).samples[0]
    confidences = sample.confidences()
    pae, contacts, plddt, *_ = sample_figure(sample).axes
    np.testing.assert_array_equal(pae.images[0].get_array(), confidences.pae)
    np.testing.assert_array_equal(contacts.images[0].get_array(), confidences.contact_probs)
    np.testing.assert_array_equal(plddt.lines[0].get_ydata(), confidences.plddt)
    assert pae.lines[0].get_ydata()[0] == 34.5  # chain A has 35 tokens
    assert png(sample_figure(sample)).startswith(b"\x89PNG")
