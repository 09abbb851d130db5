"""`af3 predict` from end to end: jobs in, official files out."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from af3cli import open_embeddings
from af3cli.inference import predict as inference
from af3cli.inference.heads import Heads
from af3cli.job import read_job
from af3cli.locking import only_writer
from af3cli.model.config import reduced
from af3cli.weights.families import OPENFOLD3
from af3cli.weights.provenance import NATIVE_FORMAT
from af3cli.weights.safetensors_file import write_safetensors
from af3cli.weights.synthetic import synthetic_parameters
from tests.cli.commands import EXAMPLES
from tests.cli.predictions import LACTATE, NAME, coordinates, sample_file, settings, write_job
from tests.output.jobs import what_chains_are

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


def test_ligands_alone_come_back_from_their_structure(predict, af3, tmp_path):
    """Those, too, that would be additives in a crystal, under ids that no crystal has."""
    ligands = [{"id": "LACTATE", "smiles": LACTATE["smiles"]}, {"id": "B", "ccdCodes": ["GOL"]}]
    path = tmp_path / "job.json"
    content = {
        **{"name": "ligands", "modelSeeds": [1], "dialect": "alphafold3", "version": 3},
        "sequences": [{"ligand": ligand} for ligand in ligands],
    }
    path.write_text(json.dumps(content))
    result = predict(path, "--samples", 1)
    assert result.exit_code == 0, result.output
    structure, converted = tmp_path / "ligands" / "ligands_model.cif", tmp_path / "converted.json"
    assert af3("check", structure).exit_code == 0
    result = af3("convert", structure, converted)
    assert result.exit_code == 0 and "note:" not in result.output
    assert what_chains_are(read_job(converted)) == what_chains_are(read_job(path))


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


def test_parameters_of_other_depths_than_known_models_are_warned_of(af3, tmp_path, job):
    config = reduced(OPENFOLD3)
    metadata = {"format": NATIVE_FORMAT, "format_version": "1", "family": "openfold3"}
    path = tmp_path / "short.safetensors"
    arrays = dict(synthetic_parameters(config))
    write_safetensors(path, arrays, metadata | {"source_sha256": "0" * 64})
    (tmp_path / NAME).mkdir()
    with only_writer(tmp_path / NAME):  # so that nothing is computed
        result = af3("predict", *settings(path), "--out-dir", tmp_path, job)
    assert "as any model known here (blocks: 2 pairformer, " in result.output
    assert "being written by process" in result.output and "Traceback" not in result.output


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
