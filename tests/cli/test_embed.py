"""`af3 embed` from end to end: jobs in, the official numbers out, nothing lost or done twice."""

from __future__ import annotations

import json
import shutil
import signal
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from af3cli import open_embeddings
from af3cli.inference import compile_cache, memory
from af3cli.runs import embeddings as embeddings_run
from tests.cli.commands import EXAMPLES, GOLDEN, golden_job, stop

STRUCTURES = GOLDEN / "structures"


def relative_rms(ours: np.ndarray, official: np.ndarray) -> float:
    difference = np.asarray(ours, np.float64) - official
    return float(np.sqrt(np.mean(difference**2) / np.mean(np.square(official, dtype=np.float64))))


@pytest.mark.parametrize("buckets", ["exact", "32"])
def test_the_official_numbers_come_out(af3, tmp_path, reduced_weights, buckets):
    """Features, network and file together, against the official program's run of the same job."""
    out, npz = tmp_path / "emb.h5", tmp_path / "npz"
    result = af3(
        *("embed", GOLDEN / "dna_duplex" / "job.json", "--weights", reduced_weights),
        *("--recycles", 1, "--dtype", "float32", "--include", "single,pair,target_feat"),
        *("--buckets", buckets, "--out", out, "--npz", npz),
    )
    assert result.exit_code == 0, result.output
    official = np.load(GOLDEN / "dna_duplex" / "network_reduced_f32.npz")
    with open_embeddings(out) as file:
        entry = file["dna_duplex"]
        assert entry.pair.shape == (24, 24, 128)
        assert relative_rms(entry.target_feat, official["target_feat"]) < 5e-5
        assert relative_rms(entry.single, official["trunk1.single"]) < 5e-5
        assert relative_rms(entry.pair[official["pair_rows"]], official["trunk1.pair"]) < 5e-5
        assert list(entry.rows(chain="B", residue=12)) == [23]
    exported = np.load(npz / "dna_duplex_seed-1_embeddings.npz")
    assert {key: (exported[key].shape, exported[key].dtype.name) for key in exported} == {
        "single_embeddings": ((24, 384), "float16"),
        "pair_embeddings": ((24, 24, 128), "float16"),
    }


def test_a_run_tells_what_it_does_and_labels_what_means_nothing(af3, tmp_path, reduced_weights):
    job = golden_job("dna_duplex", tmp_path, modelSeeds=[1, 2])
    out = tmp_path / "emb.h5"
    arguments = ("embed", job, "--weights", reduced_weights, "--recycles", 0, "--out", out)
    first = af3(*arguments, "--buckets", "exact")
    assert first.exit_code == 0, first.output
    assert "1 job, 2 entries, 48 tokens in all; by bucket: 2 of 24 tokens" in first.output
    assert "are free there" in first.output
    assert "for 24 tokens (program " in first.output and "may not fit" not in first.output
    assert "random, so all values are meaningless" in first.output
    assert "[2/2] dna_duplex (seed 2): 24 tokens" in first.output
    with h5py.File(out) as file:
        assert list(file) == ["dna_duplex_seed-1", "dna_duplex_seed-2"]
        assert file.attrs["weights_name"] == "synthetic-reduced"
        assert "meaningless" in file.attrs["meaningless"]
        entry = file["dna_duplex_seed-2"].attrs
        assert "meaningless" in entry["meaningless"]
        assert (entry["name"], entry["seed"], entry["status"]) == ("dna_duplex", 2, "complete")
        assert len(entry["ccd_sha256"]) == 64 and entry["rdkit_version"]
        assert entry["made_on"].endswith(", plain attention")  # float32
    shown = af3("show", out).output
    assert "2 entries, made with the parameters synthetic-reduced" in shown
    assert "The values are meaningless" in shown and "\ndna_duplex_seed-2  24 " in shown


def test_little_memory_and_no_place_for_programs_are_warned_of(
    af3, tmp_path, reduced_weights, monkeypatch
):
    monkeypatch.setattr(memory, "host_bytes", lambda: 10**6)
    monkeypatch.setattr(compile_cache, "keep_compiled_programs", lambda: None)
    job = golden_job("dna_duplex", tmp_path)
    options = ("--weights", reduced_weights, "--recycles", 0, "--buckets", "exact")
    result = af3("embed", job, *options, "--out", tmp_path / "emb.h5")
    assert "the device has 1 MB" in result.output
    assert "may not fit; what is lower with it: --precision bfloat16, --buckets" in result.output
    assert "each run compiles anew; name a folder that you can write to" in result.output
    assert result.exit_code == 0, result.output


def test_rows_of_a_structure_have_its_authors_numbers(af3, tmp_path, reduced_weights):
    """The table in the file is that of `af3 tokens`; what was left out is told, options count."""
    structure, out = STRUCTURES / "1bna.cif.xz", tmp_path / "emb.h5"
    settings = ("--weights", reduced_weights, "--recycles", 0, "--buckets", "exact", "--out", out)
    result = af3("embed", structure, *settings, "--assembly", 1)
    assert result.exit_code == 0, result.output
    assert "note: 1BNA: left out: waters (80)" in result.output
    with open_embeddings(out) as file:
        table = file["1BNA"].tokens
        rows = [dict(zip(table.dtype.names, row, strict=True)) for row in table.tolist()]
    shown = af3("tokens", structure, "--assembly", 1, "--format", "json")
    assert rows == json.loads(shown.output)
    assert [row["author_residue_id"] for row in rows] == [str(number) for number in range(1, 25)]
    assert [row["residue_id"] for row in rows] == [*range(1, 13), *range(1, 13)]
    assert {(row["chain_id"], row["author_chain_id"]) for row in rows} == {("A", "A"), ("B", "B")}


def test_only_what_is_missing_is_computed(af3, tmp_path, reduced_weights):
    out = tmp_path / "emb.h5"
    settings = ("--weights", reduced_weights, "--recycles", 0, "--buckets", "exact", "--out", out)
    job = golden_job("dna_duplex", tmp_path)
    assert af3("embed", job, *settings).exit_code == 0
    again = af3("embed", job, *settings)
    assert "0 entries written; 1 entry was there already" in again.output

    more = golden_job("dna_duplex", tmp_path, name="more")
    result = af3("embed", job, more, *settings, "--npz", tmp_path / "npz")
    assert "1 entry written; 1 entry was there already" in result.output
    assert len(list((tmp_path / "npz").iterdir())) == 2  # also of the entry that was there

    sequences = json.loads(job.read_text())["sequences"][:1]
    other = golden_job("dna_duplex", tmp_path, sequences=sequences)
    conflict = af3("embed", other, *settings)
    assert conflict.exit_code == 4
    assert "already has an entry 'dna_duplex' that differs in the job's content" in conflict.output
    assert af3("embed", other, *settings, "--overwrite").exit_code == 0
    with open_embeddings(out) as file:
        assert file["dna_duplex"].num_tokens == 12
        assert file["more"].num_tokens == 24

    recycled = af3("embed", job, *settings, "--recycles", 1, "--overwrite")
    assert recycled.exit_code == 4
    assert "num_recycles (0 there, 1 wanted)" in recycled.output


@pytest.mark.parametrize(
    ("include", "dtype", "keys"),
    [
        ("single,pair", "float16", {"single_embeddings", "pair_embeddings"}),
        ("single,target_feat", "float32", {"single_embeddings"}),
        ("pair", "bfloat16", {"pair_embeddings"}),
    ],
)
def test_npz_files_hold_what_is_included_whenever_they_are_made(
    af3, tmp_path, reduced_weights, include, dtype, keys
):
    job = golden_job("dna_duplex", tmp_path)
    settings = ("--weights", reduced_weights, "--recycles", 0, "--buckets", "exact")
    settings += ("--include", include, "--dtype", dtype, "--out", tmp_path / "emb.h5")
    fresh = af3("embed", job, *settings, "--npz", tmp_path / "fresh")
    again = af3("embed", job, *settings, "--npz", tmp_path / "again")
    assert "1 entry written" in fresh.output, fresh.output
    assert "0 entries written; 1 entry was there already" in again.output, again.output
    (first,), (second,) = ((tmp_path / name).iterdir() for name in ("fresh", "again"))
    assert first.name == second.name == "dna_duplex_seed-1_embeddings.npz"
    assert set(np.load(first)) == keys
    assert first.read_bytes() == second.read_bytes()


def test_npz_files_of_another_run_are_neither_replaced_nor_taken(af3, tmp_path, reduced_weights):
    job, npz = golden_job("dna_duplex", tmp_path), tmp_path / "npz"
    settings = ("--weights", reduced_weights, "--buckets", "exact", "--npz", npz)
    mine = (*settings, "--recycles", 1, "--out", tmp_path / "mine.h5")
    other = (*settings, "--recycles", 0, "--out", tmp_path / "other.h5")
    assert af3("embed", job, *mine).exit_code == 0
    (file,) = npz.iterdir()
    kept = file.read_bytes()
    refused = af3("embed", job, *other)
    assert (refused.exit_code, file.read_bytes()) == (4, kept)
    unknown = "is there, and its entry is not in the HDF5 file: it is not known to be of this run."
    assert f"{file} {unknown} Move it away, give another --npz, or" in refused.output
    assert af3("embed", job, *mine).exit_code == 0  # nothing is missing

    assert af3("embed", job, *other, "--overwrite").exit_code == 0
    replaced = file.read_bytes()
    assert replaced != kept
    mixed = af3("embed", job, *mine)
    assert (mixed.exit_code, file.read_bytes()) == (4, replaced)
    assert f"{file} is there and holds something else than its entry in the" in mixed.output
    file.write_bytes(b"no npz file")
    assert af3("embed", job, *mine).exit_code == 4
    file.unlink()
    assert af3("embed", job, *mine).exit_code == 0
    assert file.read_bytes() == kept


def test_a_value_too_large_for_npz_costs_no_entry(af3, tmp_path, reduced_weights, monkeypatch):
    """Of two jobs, one has a value that float32 holds and an npz file does not."""
    computed = []

    def embed(model, features, **_):
        num_tokens = int(features.tokens.mask.sum())
        computed.append(num_tokens)
        single = np.full((num_tokens, 384), 7e4 if num_tokens == 12 else 1.0, np.float32)
        return SimpleNamespace(single=single, pair=np.ones((num_tokens, num_tokens, 128)))

    monkeypatch.setattr(embeddings_run, "embed", embed)
    job = golden_job("dna_duplex", tmp_path)
    half = json.loads(job.read_text())["sequences"][:1]
    large = golden_job("dna_duplex", tmp_path, name="large", sequences=half)
    options = ("--weights", reduced_weights, "--recycles", 0, "--buckets", "exact", "--dtype")
    options += ("float32", "--out", tmp_path / "emb.h5", "--npz", tmp_path / "npz")
    first = af3("embed", large, *options)
    again = af3("embed", large, job, *options)
    assert (first.exit_code, again.exit_code, computed) == (1, 1, [12, 24]), again.output
    assert "1 entry written\n" in first.output
    assert "1 entry written; 1 entry was there already" in again.output
    for result in (first, again):
        assert "1 entry failed: large (seed 1)" in result.output
        assert "float16 ends at 6.55e+04" in result.output
        assert "An npz file is always float16" in result.output
        assert "--dtype" not in result.output
    with open_embeddings(tmp_path / "emb.h5") as file:
        assert list(file) == ["dna_duplex", "large"]
    assert [path.name for path in (tmp_path / "npz").iterdir()] == [
        "dna_duplex_seed-1_embeddings.npz"
    ]


def test_an_npz_folder_that_cannot_be_made_is_told_before_anything_is_computed(
    af3, tmp_path, reduced_weights
):
    (tmp_path / "file").touch()
    job, out = golden_job("dna_duplex", tmp_path), tmp_path / "emb.h5"
    options = ("--weights", reduced_weights, "--out", out, "--npz", tmp_path / "file" / "npz")
    result = af3("embed", job, *options)
    assert result.exit_code == 4 and not out.exists()
    assert "file is not a folder" in result.output


def test_npz_files_without_arrays_are_refused(af3, tmp_path):
    npz = tmp_path / "npz"
    result = af3("embed", EXAMPLES / "ion.json", "--include", "target_feat", "--npz", npz)
    assert result.exit_code == 2
    assert "npz files hold single and pair; include at least one" in result.output


def test_all_that_is_wrong_is_said_before_anything_is_computed(af3, tmp_path):
    missing = tmp_path / "missing.json"
    broken = tmp_path / "broken.json"
    broken.write_text('{"name": "broken", "sequences": []')
    result = af3("embed", missing, broken, EXAMPLES / "ion.json", "--out", tmp_path / "emb.h5")
    assert result.exit_code == 2
    assert "missing.json" in result.output and "broken.json" in result.output
    assert not (tmp_path / "emb.h5").exists()


def test_jobs_of_one_name_are_refused(af3, tmp_path):
    job = EXAMPLES / "ion.json"
    result = af3("embed", job, job, "--out", tmp_path / "emb.h5")
    assert result.exit_code == 2
    assert "several jobs would have the same entry: 'zif268_finger'" in result.output


@pytest.mark.parametrize("command", [("embed", "--npz"), ("predict", "--out-dir")])
def test_names_too_long_for_files_are_refused_at_once(af3, tmp_path, command):
    name, option = command
    job = golden_job("dna_duplex", tmp_path, name="long" * 62)
    result = af3(name, job, option, tmp_path / "out")
    assert result.exit_code == 2
    assert "characters too long for files to be called after it" in result.output
    assert not (tmp_path / "out").exists()


def test_without_parameters_the_ways_to_get_them_are_named(af3, tmp_path):
    result = af3("embed", EXAMPLES / "ion.json", "--out", tmp_path / "emb.h5")
    assert result.exit_code == 3
    assert "--weights synthetic" in result.output
    assert not (tmp_path / "emb.h5").exists()


@pytest.mark.parametrize(
    ("option", "value", "code"),
    [
        ("--seeds", "1,x", 2),
        ("--seeds", "1,1", 2),
        ("--seeds", "", 2),
        ("--buckets", "", 2),
        ("--buckets", "256,128", 2),
        ("--include", "single,triple", 2),
        ("--ccd", "absent.cif", 2),
    ],
)
def test_bad_options_are_explained(af3, tmp_path, option, value, code):
    result = af3("embed", EXAMPLES / "ion.json", option, value, "--out", tmp_path / "emb.h5")
    assert result.exit_code == code
    assert value.split(",")[-1] in result.output


def test_one_job_that_fails_loses_no_other(af3, tmp_path, reduced_weights):
    """The alignment of the first job does not begin with its sequence; only featurising sees it."""
    job = json.loads((EXAMPLES / "protein.json").read_text())
    job["sequences"][0]["protein"]["unpairedMsa"] = ">query\nAAAA\n"
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps(job))
    good = golden_job("dna_duplex", tmp_path)
    result = af3(
        *("embed", bad, good, "--weights", reduced_weights, "--recycles", 0),
        *("--buckets", "exact", "--out", tmp_path / "emb.h5"),
    )
    assert result.exit_code in (1, 2)
    if result.exit_code == 1:
        assert "1 entry failed: trp_cage (seed 1)" in result.output
        with open_embeddings(tmp_path / "emb.h5") as file:
            assert list(file) == ["dna_duplex"]
    assert "Traceback" not in result.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_run_goes_on_where_it_was(af3, tmp_path, reduced_weights, cache, number):
    job = golden_job("dna_duplex", tmp_path, modelSeeds=list(range(1, 9)))
    out = tmp_path / "emb.h5"
    settings = ("--weights", reduced_weights, "--recycles", 0, "--buckets", "exact")
    stop(cache, tmp_path, number, "[2/8]", "embed", job, *settings, "--out", out)
    with open_embeddings(out) as file:
        num_finished = len(file)
    assert 2 <= num_finished < 8
    copy = shutil.copy(out, tmp_path / "copy.h5")
    again = af3("embed", job, *settings, "--out", copy)
    assert f"{num_finished} entries were there already" in again.output
    with open_embeddings(copy) as file:
        assert len(file) == 8
