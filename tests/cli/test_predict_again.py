"""`af3 predict` where there are results: none is lost, replaced unasked, or computed twice."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from af3cli.job import read_job
from af3cli.locking import only_writer
from af3cli.runs import prediction as prediction_run
from af3cli.runs.prediction_plan import missing_of
from tests.cli.commands import stop
from tests.cli.predictions import NAME, contents, sample_file, settings, write_job


def test_only_what_is_missing_is_computed(predict, tmp_path, job):
    assert predict(job, "--samples", 2).exit_code == 0
    before = contents(tmp_path / NAME)
    again = predict(job, "--samples", 2)
    assert "0 samples written; 2 samples were there already" in again.output
    assert contents(tmp_path / NAME) == before

    for name in (f"{NAME}_data.json", "TERMS_OF_USE.md"):
        (tmp_path / NAME / name).unlink()
        assert "0 samples written" in predict(job, "--samples", 2).output
        assert contents(tmp_path / NAME) == before

    sample_file(tmp_path, 1, 1, "confidences.json").write_text("half")
    mended = predict(job, "--samples", 2)
    assert "1 sample written; 1 sample was there already" in mended.output
    restored = contents(tmp_path / NAME)
    assert restored.keys() == before.keys()
    summary = f"seed-1_sample-1/{NAME}_seed-1_sample-1_summary_confidences.json"
    assert restored[summary] == before[summary]

    more = predict(job, "--samples", 3, "--seeds", "1,5", "--save-distogram")
    assert "4 samples written; 2 samples were there already" in more.output
    assert len((tmp_path / NAME / f"{NAME}_ranking_scores.csv").read_text().splitlines()) == 7
    assert (tmp_path / NAME / "seed-1_distogram").is_dir()


def test_other_results_of_the_name_are_kept_unless_overwritten(predict, tmp_path, job):
    assert predict(job, "--samples", 2).exit_code == 0
    before = contents(tmp_path / NAME)
    other = predict(job, "--samples", 1, "--steps", 4)
    assert other.exit_code == 4
    assert "steps (3 there, 4 wanted)" in other.output and "--overwrite" in other.output
    shorter = write_job(tmp_path, [1], {"id": "B", "smiles": "CCO"})
    assert "made from something else: job (" in predict(shorter, "--samples", 1).output
    assert contents(tmp_path / NAME) == before
    result = predict(shorter, "--samples", 1, "--overwrite")
    assert "1 sample written\n" in result.output
    assert not (tmp_path / NAME / "seed-1_sample-1").exists()
    assert "0 samples written" in predict(shorter, "--samples", 1, "--overwrite").output


def test_a_job_that_another_process_is_at_fails_alone(predict, tmp_path, job):
    (tmp_path / "in").mkdir()
    other = write_job(tmp_path / "in", [1], name="other")
    (tmp_path / NAME).mkdir()
    with only_writer(tmp_path / NAME):
        result = predict(job, other, "--samples", 1)
    assert result.exit_code == 1
    assert "being written by process" in result.output
    assert "1 sample written" in result.output
    assert "1 seed failed: mini job (seed 1)" in result.output
    assert predict(job, "--samples", 1).exit_code == 0


def test_what_another_process_has_made_meanwhile_is_not_made_again(predict, job, monkeypatch):
    def missing_at_first(tasks, identities, settings):
        return {task: missing_of(task.seed, (), settings) for task in tasks}

    assert "1 sample written" in predict(job, "--samples", 1).output
    monkeypatch.setattr(prediction_run, "missing_parts", missing_at_first)
    again = predict(job, "--samples", 1)
    assert "0 samples written; 1 sample was there already" in again.output


def test_equal_jobs_are_computed_once(predict, job):
    result = predict(job, job, "--samples", 1)
    assert "1 sample written" in result.output and "1 seed," in result.output


def test_jobs_that_differ_in_seeds_share_a_folder(predict, tmp_path, job):
    (tmp_path / "in").mkdir()
    other = write_job(tmp_path / "in", [2])
    assert "2 samples written" in predict(job, other, "--samples", 1).output
    assert read_job(tmp_path / NAME / f"{NAME}_data.json").seeds == (1, 2)
    table = (tmp_path / NAME / f"{NAME}_ranking_scores.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in table[1:]] == ["1", "2"]
    before = times(tmp_path / NAME)
    assert "0 samples written" in predict(job, other, "--samples", 1).output
    assert times(tmp_path / NAME) == before
    (tmp_path / NAME / f"{NAME}_data.json").unlink()
    predict(job, other, "--samples", 1)
    assert read_job(tmp_path / NAME / f"{NAME}_data.json").seeds == (1, 2)


def times(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_run_goes_on_where_it_was(predict, tmp_path, reduced_weights, cache, number):
    job = write_job(tmp_path, [1, 2])
    options = ("--samples", 4)
    command = ("predict", job, *settings(reduced_weights), "--out-dir", tmp_path, *options)
    stop(cache, tmp_path, number, "(seed 1): sample 1", *command)
    finished = len(list((tmp_path / NAME).glob("seed-*_sample-*")))
    assert 2 <= finished < 8
    if number == signal.SIGINT:
        table = (tmp_path / NAME / f"{NAME}_ranking_scores.csv").read_text()
        assert len(table.splitlines()) == 1 + finished
    again = predict(job, *options)
    assert f"{8 - finished} samples written; {finished} samples were there" in again.output
    table = (tmp_path / NAME / f"{NAME}_ranking_scores.csv").read_text()
    assert len(table.splitlines()) == 9
    assert not list((tmp_path / NAME).glob(".*.part"))
