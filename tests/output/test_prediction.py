"""Prediction folders: the official layout, nothing half done, nothing done twice."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from af3cli import whole_files
from af3cli.errors import Af3cliError, InputError, OutputError
from af3cli.job import read_job, to_alphafold3_json
from af3cli.output.complexes import Complex
from af3cli.output.prediction import PredictionFolder, prediction_bytes
from af3cli.output.prediction_ranking import complete_ranking
from af3cli.output.prediction_records import finished_parts, finished_scores
from af3cli.scores import score_sample
from af3cli.whole_files import writing
from tests.official_runs import OfficialRun
from tests.output.complexes import golden_complex

CASE = "covalent_ligand"
IDENTITY = {"job": "a digest", "parameters": "another", "recycles": 10}


@pytest.fixture(scope="module")
def complex_() -> Complex:
    return golden_complex(CASE)


def write_samples(folder: PredictionFolder, *numbers: tuple[int, int]) -> None:
    """Writes the official run's samples under these seeds and numbers."""
    run = OfficialRun(CASE)
    for seed, sample in numbers:
        drawn = sample % run.num_samples
        coordinates, confidences = run.coordinates(drawn), run.confidences(drawn)
        scores = score_sample(*run.tables, run.has_frame, coordinates, confidences)
        folder.write_sample(seed, sample, coordinates, confidences, scores)


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_layout_is_the_official_one(tmp_path, complex_):
    with PredictionFolder(tmp_path, complex_, IDENTITY) as folder:
        write_samples(folder, (1, 0), (1, 1))
        assert folder.write_ranking() == (1, 1)
    run = OfficialRun(CASE)
    official = files_below(run.folder) - {"metadata.json", "raw.npz", "sampler_draws.npz"}
    ours = files_below(tmp_path / CASE)
    extra = {f"seed-1_sample-{i}/{CASE}_seed-1_sample-{i}_run.json" for i in range(2)}
    assert ours == official | extra | {f"{CASE}_data.json", "TERMS_OF_USE.md"}
    for name in official:
        if name.endswith(".json"):
            assert (tmp_path / CASE / name).read_bytes() == (run.folder / name).read_bytes()
    with (tmp_path / CASE / f"{CASE}_ranking_scores.csv").open() as file:
        rows = list(csv.reader(file))
    with (run.folder / f"{CASE}_ranking_scores.csv").open() as file:
        expected = list(csv.reader(file))
    assert rows[0] == expected[0]
    np.testing.assert_allclose(np.float64(rows[1:]), np.float64(expected[1:]), atol=1e-12)
    assert read_job(tmp_path / CASE / f"{CASE}_data.json") == complex_.job
    terms = (tmp_path / CASE / "TERMS_OF_USE.md").read_text()
    assert "do what you like" in terms and "https://example.org/terms" in terms


def test_the_job_file_is_the_users_and_names_all_seeds(tmp_path, complex_):
    path = tmp_path / CASE / f"{CASE}_data.json"
    path.parent.mkdir()
    content = json.loads(to_alphafold3_json(complex_.job)) | {"modelSeeds": [3, 1]}
    own = json.dumps(content, indent=7)

    def enter(content: str, **changes: object) -> str:
        path.write_text(content)
        job = replace(complex_.job, **changes)
        with PredictionFolder(tmp_path, replace(complex_, job=job), IDENTITY):
            return path.read_text()

    assert enter(own, seeds=(1,)) == own
    assert read_job(path).seeds == (3, 1)
    assert enter(own, seeds=(8, 1)) == to_alphafold3_json(replace(complex_.job, seeds=(3, 1, 8)))
    another = replace(complex_.job, seeds=(1,), bonds=())
    for other in (to_alphafold3_json(another), "half"):
        assert enter(other, seeds=(8,)) == to_alphafold3_json(replace(complex_.job, seeds=(8,)))


def test_finished_samples_are_found_and_damaged_ones_are_not(tmp_path, complex_):
    assert finished_parts(tmp_path, CASE, IDENTITY) == set()
    with PredictionFolder(tmp_path, complex_, IDENTITY) as folder:
        write_samples(folder, (1, 0), (1, 1), (20, 0))
        scores = finished_scores(folder.path, CASE)
    names = {"seed-1_sample-0", "seed-1_sample-1", "seed-20_sample-0"}
    assert finished_parts(tmp_path, CASE, IDENTITY) == names
    assert set(scores) == {(1, 0), (1, 1), (20, 0)}
    assert scores[1, 1] == pytest.approx(0.7736369584744078, abs=1e-12)
    damaged = tmp_path / CASE / "seed-1_sample-1"
    structure = damaged / f"{CASE}_{damaged.name}_model.cif"
    structure.write_bytes(structure.read_bytes()[:-1])
    (tmp_path / CASE / "seed-20_sample-0" / f"{CASE}_seed-20_sample-0_confidences.json").unlink()
    assert finished_parts(tmp_path, CASE, IDENTITY) == {"seed-1_sample-0"}
    with PredictionFolder(tmp_path, complex_, IDENTITY) as folder:
        write_samples(folder, (1, 1))
        assert set(finished_scores(folder.path, CASE)) == {(1, 0), (1, 1)}


def test_what_fails_half_way_leaves_nothing(tmp_path, complex_, monkeypatch):
    with PredictionFolder(tmp_path, complex_, IDENTITY) as folder:
        write_samples(folder, (1, 0))
        before = files_below(tmp_path)

        def full(path: Path) -> None:
            if path.name.endswith("summary_confidences.json"):
                raise OSError(28, "No space left on device")

        monkeypatch.setattr(whole_files, "_sync", full)
        with pytest.raises(OutputError, match="disk is full"):
            write_samples(folder, (1, 1))
        assert files_below(tmp_path) == before


def test_what_a_killed_process_leaves_is_removed(tmp_path, complex_):
    part = tmp_path / CASE / ".seed-1_sample-0.part"
    part.mkdir(parents=True)
    (part / "half").touch()
    with PredictionFolder(tmp_path, complex_, IDENTITY) as folder:
        assert not part.exists()
        write_samples(folder, (1, 0))


@pytest.mark.parametrize("identity", [IDENTITY, IDENTITY | {"recycles": 3}])
def test_a_kill_while_a_folder_is_removed_leaves_nothing_in_the_way(
    tmp_path, complex_, monkeypatch, identity
):
    """A damaged sample is replaced, or one of other settings overwritten."""
    with PredictionFolder(tmp_path, complex_, IDENTITY) as folder:
        write_samples(folder, (1, 0))
        record = folder.path / "seed-1_sample-0" / f"{CASE}_seed-1_sample-0_run.json"
        (record.parent / f"{CASE}_seed-1_sample-0_confidences.json").write_text("half")

    def killed(folder: Path, ignore_errors: bool = False) -> None:
        (folder / record.name).unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("shutil.rmtree", killed)
        with PredictionFolder(tmp_path, complex_, identity, overwrite=True) as folder:
            write_samples(folder, (1, 0))
    with PredictionFolder(tmp_path, complex_, identity) as folder:
        assert not list(folder.path.glob(".*.part"))
        write_samples(folder, (1, 0))
        assert folder.finished() == {"seed-1_sample-0"}


def test_another_input_is_an_error_unless_overwritten(tmp_path, complex_):
    with PredictionFolder(tmp_path, complex_, IDENTITY) as folder:
        write_samples(folder, (1, 0))
        folder.write_ranking()
    other = IDENTITY | {"recycles": 3}
    with pytest.raises(OutputError, match=r"recycles \(10 there, 3 wanted\).*--overwrite"):
        finished_parts(tmp_path, CASE, other)
    assert finished_parts(tmp_path, CASE, other, overwrite=True) == set()
    with pytest.raises(OutputError, match="recycles"), PredictionFolder(tmp_path, complex_, other):
        pass
    keepsake = tmp_path / CASE / "notes.txt"
    keepsake.touch()
    with PredictionFolder(tmp_path, complex_, IDENTITY, overwrite=True) as folder:
        assert set(finished_scores(folder.path, CASE)) == {(1, 0)}
    with PredictionFolder(tmp_path, complex_, other, overwrite=True) as folder:
        assert finished_scores(folder.path, CASE) == {}
    assert files_below(tmp_path / CASE) == {"notes.txt", f"{CASE}_data.json", "TERMS_OF_USE.md"}


def test_other_programs_results_are_not_touched(tmp_path, complex_):
    foreign = tmp_path / CASE / "seed-1_sample-0"
    foreign.mkdir(parents=True)
    (foreign / f"{CASE}_seed-1_sample-0_model.cif").touch()
    with pytest.raises(OutputError, match="not written by this program"):
        finished_parts(tmp_path, CASE, IDENTITY)


def test_one_writer_at_a_time(tmp_path, complex_):
    with (
        PredictionFolder(tmp_path, complex_, IDENTITY),
        pytest.raises(OutputError, match="being written"),
        PredictionFolder(tmp_path, complex_, IDENTITY),
    ):
        pass


@pytest.mark.parametrize("name", ["..", ".", "...", "///", ""])
def test_names_that_are_no_folders_are_refused(tmp_path, complex_, name):
    job = replace(complex_.job, name=name)
    with pytest.raises(InputError, match="name"):
        PredictionFolder(tmp_path, replace(complex_, job=job), IDENTITY)


def test_unknown_scores_rank_last(tmp_path, complex_):
    run = OfficialRun(CASE)
    nowhere = np.full_like(run.coordinates(0), np.nan)
    unknown = score_sample(*run.tables, run.has_frame, nowhere, run.confidences(0))
    job = replace(complex_.job, seeds=(5, 1))
    with PredictionFolder(tmp_path, replace(complex_, job=job), IDENTITY) as folder:
        assert folder.write_ranking() is None
        folder.write_sample(5, 0, nowhere, run.confidences(0), unknown)
        assert folder.write_ranking() == (5, 0)
        write_samples(folder, (1, 0))
        assert folder.write_ranking() == (1, 0)
    text = (tmp_path / CASE / f"{CASE}_ranking_scores.csv").read_text().splitlines()
    assert text[:2] == ["seed,sample,ranking_score", "5,0,nan"] and text[2].startswith("1,0,0.77")
    folder = tmp_path / CASE / "seed-5_sample-0"
    for suffix in ("run", "summary_confidences"):
        content = (folder / f"{CASE}_{folder.name}_{suffix}.json").read_text()
        assert json.loads(content, parse_constant=pytest.fail)["ranking_score"] is None


def test_arrays_of_seeds(tmp_path, complex_):
    generator = np.random.default_rng(0)
    single, pair, distogram = (
        generator.normal(size=shape).astype(np.float32)
        for shape in ((4, 384), (4, 4, 128), (4, 4, 64))
    )
    with PredictionFolder(tmp_path, complex_, IDENTITY) as folder:
        folder.write_embeddings(1, {"single": single, "pair": pair}, writing(b"as HDF5"))
        folder.write_distogram(1, distogram)
        parts = finished_parts(tmp_path, CASE, IDENTITY)
        assert parts == {"seed-1_embeddings", "seed-1_distogram"}
        assert not finished_scores(folder.path, CASE)
        with pytest.raises(Af3cliError, match="float16"):
            folder.write_distogram(2, distogram * 1e6)
    path = tmp_path / CASE / "seed-1_embeddings" / f"{CASE}_seed-1_embeddings.npz"
    with np.load(path) as arrays:
        assert set(arrays) == {"single_embeddings", "pair_embeddings"}
        assert np.array_equal(arrays["pair_embeddings"], pair.astype(np.float16))
    assert (path.parent / "emb.h5").read_bytes() == b"as HDF5"
    path = tmp_path / CASE / "seed-1_distogram" / f"{CASE}_seed-1_distogram.npz"
    with np.load(path) as arrays:
        assert np.array_equal(arrays["distogram"], distogram.astype(np.float16))


def test_size_is_known_beforehand(tmp_path, complex_):
    with PredictionFolder(tmp_path, complex_, IDENTITY) as folder:
        write_samples(folder, (1, 0), (1, 1))
        folder.write_ranking()
    written = sum((tmp_path / CASE / name).stat().st_size for name in files_below(tmp_path / CASE))
    estimate = prediction_bytes(len(complex_.tokens), len(complex_.atoms), num_samples=2)
    assert written == pytest.approx(estimate, rel=0.3)


def test_a_ranking_that_a_killed_process_did_not_write_is_made_up_for(tmp_path, complex_):
    with PredictionFolder(tmp_path, complex_, IDENTITY) as folder:
        write_samples(folder, (1, 0), (1, 1))
    path = tmp_path / CASE
    assert not (path / f"{CASE}_ranking_scores.csv").exists()
    complete_ranking(path, CASE, [1])
    best = (path / f"{CASE}_model.cif").read_bytes()
    assert best == (path / "seed-1_sample-1" / f"{CASE}_seed-1_sample-1_model.cif").read_bytes()
    before = {file: file.stat().st_mtime_ns for file in path.glob(f"{CASE}_*")}
    complete_ranking(path, CASE, [1])
    assert before == {file: file.stat().st_mtime_ns for file in path.glob(f"{CASE}_*")}
    (path / f"{CASE}_model.cif").unlink()
    complete_ranking(path, CASE, [1])
    assert (path / f"{CASE}_model.cif").read_bytes() == best
    complete_ranking(tmp_path / "absent", CASE, [1])
