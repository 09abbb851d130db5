"""`--msa` of `af3 embed` and `af3 predict`: what jobs lack is searched for, and this is told."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import h5py
import pytest
from click.testing import Result

from af3cli.job import read_job
from tests.cli.commands import EXAMPLES, stop
from tests.search import synthetic
from tests.search.server import MsaServer, running

PROTEIN = synthetic.random_protein(random.Random(11), 30)
OTHER = synthetic.random_protein(random.Random(12), 25)
RNA = synthetic.random_rna(random.Random(13), 30)
NOT_SEARCHED = "none, not searched for"
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def uniref90(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("databases") / "uniref90_small.fasta"
    synthetic.write_protein_database(path, [PROTEIN, OTHER, "A" * 30], 200)
    return path


@pytest.fixture
def embed(af3, tmp_path, reduced_weights, monkeypatch) -> Run:
    monkeypatch.delenv("AF3_DATABASES", raising=False)
    return partial(
        af3,
        *("embed", "--weights", reduced_weights, "--recycles", 0, "--buckets", 32),
        *("--out", tmp_path / "emb.h5", "--cache-dir", tmp_path / "searches"),
    )


def write_job(path: Path, **sequences: dict) -> Path:
    entities = [{kind: {"id": chr(65 + i), **values}} for i, (kind, values) in enumerate(
        sequences.items()
    )]  # fmt: skip
    job = {
        "name": path.stem,
        "modelSeeds": [1],
        "sequences": entities,
        "dialect": "alphafold3",
        "version": 1,
    }
    path.write_text(json.dumps(job))
    return path


def attributes(path: Path, entry: str) -> dict[str, list]:
    names = ("msa_chain_ids", "unpaired_msa_depth", "msa_source", "template_source")
    with h5py.File(path) as file:
        return {name: list(file[entry].attrs[name]) for name in names}


def test_what_is_lacking_is_searched_for_once_and_told(embed, uniref90, tmp_path):
    job = write_job(tmp_path / "one.json", protein={"sequence": PROTEIN}, ligand={"smiles": "CO"})
    result = embed(job, "--db", f"uniref90={uniref90}")
    assert result.exit_code == 0, result.output
    told = attributes(tmp_path / "emb.h5", "one")
    assert told["msa_chain_ids"] == ["A", "B"]
    depth = told["unpaired_msa_depth"][0]
    assert depth > 5 and told["unpaired_msa_depth"][1] == 0
    assert told["msa_source"] == ["searched: uniref90 (uniref90_small.fasta)", ""]
    assert told["template_source"] == [NOT_SEARCHED, ""]
    line = f"one: MSA A {depth} rows (searched: uniref90 (uniref90_small.fasta), {NOT_SEARCHED})"
    assert line in result.output

    again = embed(job, "--db", f"uniref90={uniref90}")
    assert "0 entries written; 1 entry was there already" in again.output, again.output
    assert "searching uniref90_small.fasta" in result.output
    assert "searching" not in again.output and "rows (kept)" in again.output


def test_the_numbers_are_those_of_the_filled_job(embed, af3, uniref90, tmp_path):
    """What is computed from a search is what is computed from the job that `af3 search` writes."""
    job = write_job(tmp_path / "one.json", protein={"sequence": PROTEIN})
    database = ("--db", f"uniref90={uniref90}")
    assert embed(job, *database).exit_code == 0
    searched = af3("search", job, *database, "--out-dir", tmp_path, "--cache-dir", tmp_path / "c")
    assert searched.exit_code == 0, searched.output
    filled = embed(tmp_path / "one_data.json")
    assert "0 entries written; 1 entry was there already" in filled.output, filled.output
    without = embed(job)
    assert without.exit_code == 4
    assert "differs in the job's content, alignments and templates included" in without.output


def test_databases_that_are_configured_are_searched_unless_told_otherwise(
    embed, uniref90, tmp_path, monkeypatch
):
    config = tmp_path / "databases.toml"
    config.write_text(f'uniref90 = "{uniref90}"')
    monkeypatch.setenv("AF3_DATABASES", str(config))
    job = write_job(tmp_path / "one.json", protein={"sequence": PROTEIN})
    assert embed(job).exit_code == 0
    assert attributes(tmp_path / "emb.h5", "one")["unpaired_msa_depth"][0] > 5
    without = embed(job, "--msa", "none", "--overwrite")
    assert without.exit_code == 0, without.output
    assert "one: MSA A none" in without.output
    assert "runs without the alignments or templates that are wanted there" in without.output
    told = attributes(tmp_path / "emb.h5", "one")
    assert (told["unpaired_msa_depth"], told["msa_source"]) == ([0], [NOT_SEARCHED])


def test_nobody_is_told_to_search_for_chains_that_are_not_searched(embed, uniref90, tmp_path):
    job = write_job(tmp_path / "short.json", protein={"sequence": "ACDE"}, rna={"sequence": "ACG"})
    without = embed(job)
    assert without.exit_code == 0 and "--msa" not in without.output
    assert attributes(tmp_path / "emb.h5", "short")["msa_source"] == [NOT_SEARCHED] * 2
    embed(job, "--db", f"uniref90={uniref90}", "--overwrite")
    assert attributes(tmp_path / "emb.h5", "short")["msa_source"] == ["none, too short"] * 2


def test_what_a_job_brings_is_told_as_given(embed, uniref90, tmp_path):
    a3m = f">query\n{PROTEIN}\n>x\n{PROTEIN}\n"
    job = write_job(
        tmp_path / "own.json",
        protein={"sequence": PROTEIN, "unpairedMsa": a3m, "pairedMsa": "", "templates": []},
        rna={"sequence": RNA, "unpairedMsa": ""},
    )
    result = embed(job, "--db", f"uniref90={uniref90}")
    assert result.exit_code == 0 and "searching" not in result.output
    told = attributes(tmp_path / "emb.h5", "own")
    assert told["unpaired_msa_depth"] == [2, 0]
    assert told["msa_source"] == ["given", "none"]
    assert told["template_source"] == ["none", ""]


def test_a_server_is_asked_where_one_is_named(embed, tmp_path):
    def files(_kind: str, sequences: list[str]) -> dict[str, str]:
        text = f">101\n{sequences[0]}\n>hit\n-{sequences[0][1:]}\n"
        return {"uniref.a3m": text}

    job = write_job(tmp_path / "one.json", protein={"sequence": PROTEIN})
    with running(MsaServer(files)) as url:
        server = ("--msa-server", url, "--msa", "server")
        result = embed(job, *server)
        assert result.exit_code == 0, result.output
    assert f"are sent to {url}" in result.output
    told = attributes(tmp_path / "emb.h5", "one")
    assert told["msa_source"] == [f"server: {url}"] and told["unpaired_msa_depth"] == [2]
    again = embed(job, *server)  # the server is gone
    assert "0 entries written; 1 entry was there already" in again.output, again.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--msa", "search"), "no database is configured"),
        (("--msa", "server"), "--msa-server URL"),
        (("--msa", "search", "--msa-server", "http://127.0.0.1:1"), "leave --msa-server out"),
        (("--db", "uniref90=absent.fasta"), "absent.fasta does not exist"),
    ],
)
def test_bad_combinations_are_explained(embed, tmp_path, options, message):
    result = embed(EXAMPLES / "ion.json", *options)
    assert result.exit_code == 2 and message in result.output
    assert not (tmp_path / "emb.h5").exists()


def test_what_cannot_be_searched_is_told_before_anything_is(embed, uniref90, tmp_path):
    good = write_job(tmp_path / "good.json", protein={"sequence": PROTEIN})
    rna = write_job(tmp_path / "rna.json", rna={"sequence": RNA})
    result = embed(good, rna, "--db", f"uniref90={uniref90}")
    assert result.exit_code == 2
    assert "rna A: there is no RNA database to search" in result.output
    assert "searching" not in result.output


def test_without_parameters_nothing_is_searched(af3, uniref90, tmp_path):
    job = write_job(tmp_path / "one.json", protein={"sequence": PROTEIN})
    result = af3("embed", job, "--db", f"uniref90={uniref90}", "--out", tmp_path / "emb.h5")
    assert result.exit_code == 3 and "searching" not in result.output


def test_many_jobs_are_told_of_together(embed, tmp_path):
    rng = random.Random(5)
    records = (f">s{i}\n{synthetic.random_protein(rng, 8)}\n" for i in range(25))
    fasta = tmp_path / "many.fasta"
    fasta.write_text("".join(records))
    result = embed(fasta)
    assert result.exit_code == 0, result.output
    assert f"MSA of 25 chains: {NOT_SEARCHED}\n" in result.output
    assert "s0, s1, s2, s3, s4 and 20 more: run without the alignments" in result.output
    assert result.output.count("MSA A none, ") == 25  # a line for each that is finished


@pytest.mark.parametrize("at", ["uniref90: ", "[2/4]"])
def test_a_killed_run_goes_on(embed, uniref90, reduced_weights, tmp_path, cache, at):
    """Whether it was killed while it searched or while it computed."""
    jobs = [
        write_job(tmp_path / f"job{i}.json", protein={"sequence": sequence})
        for i, sequence in enumerate((PROTEIN, OTHER, PROTEIN[:20], OTHER[:20]))
    ]
    out = tmp_path / "emb.h5"
    stop(
        *(cache, tmp_path, signal.SIGKILL, at, "embed", *jobs, "--db", f"uniref90={uniref90}"),
        *("--weights", reduced_weights, "--recycles", 0, "--buckets", 32),
        *("--out", out, "--cache-dir", tmp_path / "searches"),
    )
    if out.exists():
        os.replace(shutil.copy(out, tmp_path / "copy.h5"), out)
    again = embed(*jobs, "--db", f"uniref90={uniref90}")
    assert again.exit_code == 0, again.output
    if at.startswith("["):
        assert "searching" not in again.output and "0 entries were" not in again.output
    with h5py.File(out) as file:
        assert len(file) == 4
        assert all(group.attrs["unpaired_msa_depth"][0] > 1 for group in file.values())


def test_a_prediction_keeps_what_was_found_and_where(af3, uniref90, tmp_path, reduced_weights):
    job = write_job(tmp_path / "one.json", protein={"sequence": PROTEIN}, ligand={"smiles": "CO"})
    result = af3(
        *("predict", job, "--weights", reduced_weights, "--out-dir", tmp_path / "out"),
        *("--recycles", 0, "--samples", 1, "--steps", 3, "--buckets", "exact"),
        *("--db", f"uniref90={uniref90}", "--cache-dir", tmp_path / "searches"),
    )
    assert result.exit_code == 0, result.output
    folder = tmp_path / "out" / "one"
    record = json.loads((folder / "seed-1_sample-0/one_seed-1_sample-0_run.json").read_text())
    (chain,) = record["chains"].values()
    assert chain["msa_source"] == "searched: uniref90 (uniref90_small.fasta)"
    assert f"one: MSA A {chain['unpaired_msa_depth']} rows" in result.output
    data = read_job(folder / "one_data.json").entities[0].unpaired_msa
    assert data.count(">") == chain["unpaired_msa_depth"] > 5
