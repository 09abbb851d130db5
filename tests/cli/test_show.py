"""`af3 show`: what is in results, told on the terminal and in an HTML file."""

from __future__ import annotations

import sys

import h5py

from tests.cli.predictions import LACTATE
from tests.official_runs import OfficialRun


def test_predictions_are_told_of(predict, af3, tmp_path, job):
    assert predict(job, "--samples", 2).exit_code == 0
    report = tmp_path / "report.html"
    result = af3("show", tmp_path, "--report", report)
    assert result.exit_code == 0, result.output
    assert "2 structures of seed 1" in result.output
    assert "The parameters are random numbers." in result.output
    assert result.output.index("structures, the best first:") < result.output.index("chains of")
    assert f"\n{LACTATE['id']} " in result.output
    assert report.read_text().count("<img ") == 1
    assert "(random parameters: meaningless)</figcaption>" in report.read_text()


def test_official_results_are_shown(af3):
    result = af3("show", OfficialRun("covalent_ligand").folder)
    assert result.exit_code == 0, result.output
    assert "least PAE with" in result.output


def test_what_cannot_be_shown_is_told(af3, tmp_path, monkeypatch):
    (tmp_path / "text.txt").write_text("text")
    with h5py.File(tmp_path / "other.h5", "w"):
        pass
    for name, told in (
        ("absent", "absent cannot be read"),
        ("text.txt", "is not a readable HDF5 file"),
        ("other.h5", "is not an embedding file"),
        (".", "holds no predictions"),
    ):
        result = af3("show", tmp_path / name)
        assert result.exit_code == 4 and told in result.output
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = af3("show", tmp_path / "other.h5", "--report", tmp_path / "report.html")
    assert result.exit_code == 2 and "pip install '.[plots]'" in result.output
