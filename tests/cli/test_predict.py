"""`af3 predict` from end to end: jobs in, official files out, nothing lost or done twice."""

from __future__ import annotations

import csv
import json
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import gemmi
import numpy as np
import pytest
from click.testing import Result

from af3cli import open_embeddings
from af3cli.inference import predict as inference
from af3cli.inference.heads import Heads
from af3cli.job import Dna, Job, Ligand, Protein, Rna, read_job, to_alphafold3_json
from af3cli.locking import only_writer
from af3cli.runs import prediction as prediction_run
from af3cli.runs.prediction_plan import missing_of
from af3cli.weights import Weights
from tests.cli.commands import EXAMPLES, stop
from tests.output.jobs import EVERYTHING

Predict = Callable[..., Result]
NAME = "mini_job"
PROTEIN = {"id": "A", "sequence": "ACDEFG", "unpairedMsa": "", "pairedMsa": "", "templates": []}
LACTATE = {"id": "B", "smiles": "C[C@H](O)C(=O)O"}
NOWHERE = """data_NOWHERE
_chem_comp.id NOWHERE
_chem_comp.name nowhere
_chem_comp.type non-polymer
_chem_comp.formula 'C2 O'
_chem_comp.mon_nstd_parent_comp_id ?
_chem_comp.pdbx_synonyms ?
_chem_comp.formula_weight 40
loop_
_chem_comp_atom.comp_id
_chem_comp_atom.atom_id
_chem_comp_atom.type_symbol
_chem_comp_atom.charge
_chem_comp_atom.pdbx_leaving_atom_flag
_chem_comp_atom.pdbx_model_Cartn_x_ideal
_chem_comp_atom.pdbx_model_Cartn_y_ideal
_chem_comp_atom.pdbx_model_Cartn_z_ideal
NOWHERE C1 C 0 N ? ? ?
NOWHERE C2 C 0 N ? ? ?
NOWHERE O1 O 0 N ? ? ?
loop_
_chem_comp_bond.atom_id_1
_chem_comp_bond.atom_id_2
_chem_comp_bond.value_order
_chem_comp_bond.pdbx_aromatic_flag
C1 C2 SING N
C2 O1 SING N
"""


@pytest.fixture(scope="module")
def loaded() -> Callable:
    """Places parameters once for all tests, which then share compiled programs."""
    place, models = inference.load_prediction_model, {}

    def load(weights: Weights, precision: str) -> inference.PredictionModel:
        key = weights.path, precision
        if key not in models:
            models[key] = place(weights, precision=precision)
        return models[key]

    return load


@pytest.fixture
def predict(af3, loaded, monkeypatch, tmp_path, reduced_weights) -> Predict:
    """Call it with jobs and options; few passes and steps are made of it.

    All jobs of up to twelve tokens are put into one bucket, and their samples made one by one, so
    that few programs are compiled.
    """
    monkeypatch.setattr(inference, "load_prediction_model", loaded)

    def run(*options: object) -> Result:
        return af3("predict", *settings(reduced_weights), "--out-dir", tmp_path, *options)

    return run


def settings(weights: Path) -> tuple[object, ...]:
    few = ("--recycles", 0, "--steps", 3, "--samples-at-once", 1)
    return ("--weights", weights, *few, "--buckets", 12)


@pytest.fixture
def job(tmp_path) -> Path:
    return write_job(tmp_path, [1])


def write_job(folder: Path, seeds: list[int], *ligands: dict, **fields: object) -> Path:
    """Writes a job of six residues and a ligand."""
    entities = [{"protein": PROTEIN}, *({"ligand": ligand} for ligand in ligands or (LACTATE,))]
    content = {
        **{"name": "mini job", "modelSeeds": seeds, "sequences": entities},
        **{"dialect": "alphafold3", "version": 3},
    }
    path = folder / "job.json"
    path.write_text(json.dumps(content | fields))
    return path


def sample_file(folder: Path, seed: int, sample: int, ending: str) -> Path:
    stem = f"seed-{seed}_sample-{sample}"
    return folder / NAME / stem / f"{NAME}_{stem}_{ending}"


def coordinates(folder: Path, seed: int, sample: int) -> np.ndarray:
    structure = gemmi.read_structure(str(sample_file(folder, seed, sample, "model.cif")))
    return np.array([cra.atom.pos.tolist() for cra in structure[0].all()])


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(".lock")
    }


def test_a_run_writes_what_the_official_program_does(predict, tmp_path):
    options = ("--samples", 2, "--samples-at-once", 2, "--save-embeddings", "--save-distogram")
    result = predict(write_job(tmp_path, [7]), "--seeds", "2,1", *options)
    assert result.exit_code == 0, result.output
    assert "1 job, 2 seeds, 24 tokens in all; by bucket: 2 of 12 tokens" in result.output
    assert "2 samples at once" in result.output and "the device has" in result.output
    assert "random, so all values are meaningless" in result.output
    assert "[2/2] mini job (seed 1): sample 1, ranking score" in result.output
    assert "4 samples written" in result.output
    samples = [f"seed-{seed}_sample-{sample}" for seed in (1, 2) for sample in (0, 1)]
    arrays = [f"seed-{seed}_{kind}" for seed in (1, 2) for kind in ("distogram", "embeddings")]
    folders = {path.name for path in (tmp_path / NAME).iterdir() if path.is_dir()}
    assert folders == {*samples, *arrays}
    for place, prefix in ((NAME, NAME), (f"{NAME}/{samples[0]}", f"{NAME}_{samples[0]}")):
        for ending in ("model.cif", "confidences.json", "summary_confidences.json"):
            assert (tmp_path / place / f"{prefix}_{ending}").is_file()
    with (tmp_path / NAME / f"{NAME}_ranking_scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["seed"], row["sample"]) for row in rows] == [*zip("2211", "0101", strict=True)]
    assert read_job(tmp_path / NAME / f"{NAME}_data.json").seeds == (2, 1)
    assert "mean nothing" in (tmp_path / NAME / "TERMS_OF_USE.md").read_text()
    assert "mean nothing" in sample_file(tmp_path, 1, 0, "model.cif").read_text()
    record = json.loads(sample_file(tmp_path, 1, 0, "run.json").read_text())
    assert record["made_on"].endswith(", plain attention")  # float32

    embeddings = tmp_path / NAME / "seed-1_embeddings"
    official = np.load(embeddings / f"{NAME}_seed-1_embeddings.npz")
    with open_embeddings(embeddings / "emb.h5") as file:
        entry = file["mini_job_seed-1"]
        np.testing.assert_array_equal(entry.pair, official["pair_embeddings"])
        assert list(entry.tokens["chain_id"]) == ["A"] * 6 + ["B"] * 6
    distogram = np.load(tmp_path / NAME / "seed-1_distogram" / f"{NAME}_seed-1_distogram.npz")
    assert distogram["distogram"].shape == (12, 12, 64)


def test_samples_depend_on_their_seed_and_number_alone(predict, tmp_path, job):
    """Neither on how many are computed together, nor on the bucket."""
    together, alone = tmp_path / "together", tmp_path / "alone"
    options = {together: ("--samples-at-once", 2), alone: ("--buckets", "exact")}
    for place, own in options.items():
        assert predict(job, "--samples", 3, "--out-dir", place, *own).exit_code == 0
    for sample in range(3):
        np.testing.assert_allclose(
            coordinates(alone, 1, sample), coordinates(together, 1, sample), atol=2e-3
        )
    assert np.abs(coordinates(alone, 1, 0) - coordinates(alone, 1, 1)).max() > 1


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


def test_arrays_that_must_not_be_stored_cost_no_structure(predict, tmp_path, job, monkeypatch):
    arrays = SimpleNamespace(single=np.full((12, 384), 7e4), pair=np.ones((12, 12, 128)))
    monkeypatch.setattr(inference.PreparedJob, "embeddings", lambda self: arrays)
    result = predict(job, "--samples", 1, "--save-embeddings", "--save-distogram")
    assert result.exit_code == 1
    assert "1 sample written" in result.output and "1 seed failed" in result.output
    assert "An npz file is always float16" in result.output and "--dtype" not in result.output
    assert (tmp_path / NAME / f"{NAME}_model.cif").is_file()
    assert (tmp_path / NAME / "seed-1_distogram").is_dir()
    assert not (tmp_path / NAME / "seed-1_embeddings").exists()


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


def test_every_kind_of_molecule_comes_back_from_its_structure(predict, af3, tmp_path):
    """What `af3 check` reads from the file is the job: its chains, modifications and bonds."""
    known = [  # the last is a component of the job's own; unknown bases are spelt N
        replace(entity, sequence=entity.sequence.replace("X", "N"))
        if isinstance(entity, Rna | Dna)
        else entity
        for entity in EVERYTHING.entities[:-1]
    ]
    wanted = replace(EVERYTHING, name="kinds", seeds=(1,), entities=tuple(known), user_ccd=None)
    path = tmp_path / "kinds.json"
    path.write_text(to_alphafold3_json(wanted))
    result = predict(path, "--samples", 1)
    assert result.exit_code == 0, result.output
    structure = tmp_path / "kinds" / "kinds_model.cif"
    checked = af3("check", structure)
    assert checked.exit_code == 0, checked.output
    assert "ligand NAG-NAG-FUC (chain F)" in checked.output
    converted = tmp_path / "converted.json"
    assert af3("convert", structure, converted).exit_code == 0
    found = read_job(converted)
    assert chains(found) == chains(wanted)
    polymers = {chain for chain, (kind, *_) in chains(wanted).items() if kind is not Ligand}
    of_ligands = [
        bond for bond in wanted.bonds if not all(atom.chain_id in polymers for atom in bond)
    ]
    assert {frozenset(bond) for bond in found.bonds} == {frozenset(bond) for bond in of_ligands}


def chains(job: Job) -> dict[str, tuple]:
    """What each chain is."""
    described = {}
    for entity in job.entities:
        match entity:
            case Ligand():
                what = (Ligand, entity.ccd_codes, entity.smiles)
            case Protein() | Rna() | Dna():
                what = (type(entity), entity.sequence, frozenset(entity.modifications))
        described |= dict.fromkeys(entity.ids, what)
    return described


@pytest.fixture
def small_memory(monkeypatch) -> list[int]:
    """The device has room for one sample; returns how many each step was asked for."""
    step, sizes = Heads.step.func, []

    def limited(self: Heads) -> Callable:
        run = step(self)

        def with_room_for_one(positions, *arguments):
            sizes.append(len(positions))
            if len(positions) > 1:
                raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes")
            return run(positions, *arguments)

        return with_room_for_one

    monkeypatch.setattr(Heads, "step", property(limited))
    return sizes


def test_without_enough_memory_samples_are_computed_one_by_one(
    predict, tmp_path, job, small_memory
):
    result = predict(job, "--samples", 3, "--samples-at-once", 3)
    assert result.exit_code == 0, result.output
    assert "3 samples at once do not fit into the device's memory" in result.output
    assert "with 12 tokens they need about" in result.output
    assert "--samples-at-once 1" in result.output
    assert small_memory == [3] + [1] * 9
    assert "3 samples written" in result.output


def test_a_job_that_does_not_fit_at_all_says_what_it_needs(predict, job, monkeypatch):
    def full(*_):
        raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes")

    monkeypatch.setattr(Heads, "step", property(lambda heads: full))
    result = predict(job, "--samples", 2, "--samples-at-once", 2)
    assert result.exit_code == 1
    assert "does not fit into the device's memory: 12 tokens need about" in result.output
    assert "1 seed failed: mini job (seed 1)" in result.output
    assert "Traceback" not in result.output


def test_a_ligand_without_a_conformer_is_named(predict, tmp_path):
    job = write_job(tmp_path, [1], {"id": "L", "ccdCodes": ["NOWHERE"]}, userCCD=NOWHERE)
    result = predict(job, "--samples", 1)
    assert result.exit_code == 0, result.output
    assert "no reference conformer is known of L 1 (NOWHERE)" in result.output
    summary = json.loads(sample_file(tmp_path, 1, 0, "summary_confidences.json").read_text())
    assert summary["chain_ptm"][1] is None and summary["chain_ptm"][0] is not None


def test_without_coordinates_confidences_are_null(predict, tmp_path, monkeypatch):
    def nowhere(heads, context, draws, config, report):
        positions = draws.start(len(context.atom_mask))
        return np.full_like(positions, np.nan)

    monkeypatch.setattr(inference, "sample_positions", nowhere)
    job = write_job(tmp_path, [1], {"id": "L", "ccdCodes": ["NOWHERE"]}, userCCD=NOWHERE)
    result = predict(job, "--samples", 1)
    assert result.exit_code == 0, result.output
    assert "atoms have no coordinates, without a reference conformer: L 1 (NOWHERE)" in (
        result.output
    )
    summary = json.loads(sample_file(tmp_path, 1, 0, "summary_confidences.json").read_text())
    assert summary["ptm"] is None and summary["ranking_score"] is None
    arrays = json.loads(sample_file(tmp_path, 1, 0, "confidences.json").read_text())
    assert set(arrays["atom_plddts"]) == {None} and arrays["pae"][0][0] is None
    assert predict(job, "--samples", 1).output.count("1 sample was there already") == 1


def test_different_jobs_do_not_share_a_folder(af3, tmp_path):
    first = write_job(tmp_path, [1])
    second = first.rename(tmp_path / "first.json")
    first = write_job(tmp_path, [1], {"id": "B", "smiles": "CCO"}, name="mini/_job")
    result = af3("predict", first, second, "--out-dir", tmp_path / "out")
    assert result.exit_code == 2
    assert "the same folder 'mini_job': 'mini/_job' and 'mini job'" in result.output
    nameless = write_job(tmp_path, [1], name="..")
    assert "at least one letter or digit" in af3("predict", nameless, "--out-dir", tmp_path).output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("option", "value", "code"),
    [("--seeds", "1,x", 2), ("--samples", "0", 2), ("--steps", "-1", 2), ("--buckets", "9,8", 2)],
)
def test_bad_options_are_explained(af3, tmp_path, option, value, code):
    result = af3("predict", EXAMPLES / "ion.json", "--out-dir", tmp_path / "out", option, value)
    assert result.exit_code == code
    assert value.split(",")[-1] in result.output
