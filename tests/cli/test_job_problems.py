"""What is wrong with jobs is told alike by every command that tokenizes them."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from af3cli.cli import main
from tests.job.jobs import EXAMPLES, everything


@pytest.fixture
def bad_jobs(tmp_path):
    """A job with problems of form and of components, and a list whose second job has one."""
    document = everything() | {"modelSeeds": []}
    document["sequences"][3]["ligand"]["ccdCodes"][1] = "nag"
    ligands = [{"ligand": {"ligand": code}} for code in ("CCD_ATP", "CCD_QQQ9")]
    server = [{"name": "x", "sequences": [ligand]} for ligand in ligands]
    paths = tmp_path / "one.json", tmp_path / "list.json"
    for path, content in zip(paths, (document, server), strict=True):
        path.write_text(json.dumps(content))
    return paths


def errors(*arguments: object) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 2, result.output
    return result.stderr.replace("Error: ", "")


def test_runs_report_what_check_does(bad_jobs, tmp_path):
    told = errors("check", *bad_jobs, EXAMPLES[0])
    assert "one.json: 2 problems\n  modelSeeds: must have" in told
    assert "  sequences[3].ligand.ccdCodes[1]: there is no chemical component 'nag'" in told
    assert "list.json: 1 problem\n  [1].sequences[0].ligand.ligand: there is no chemical" in told
    for command in (("embed", "--out"), ("predict", "--out-dir")):
        out = tmp_path / "out"
        assert errors(*command, out, "--weights", "none", *bad_jobs, EXAMPLES[0]) == told
        assert not out.exists()
    database = tmp_path / "db.fasta"
    database.write_text(">a\nMKL\n")
    sources = ("--db", f"uniref90={database}", "--out-dir", out, "--cache-dir", out)
    assert errors("search", *sources, *bad_jobs, EXAMPLES[0]) == told
    assert not out.exists()


def test_tokens_reports_what_check_does(bad_jobs):
    for path in bad_jobs:
        assert errors("tokens", path, "--name", "x") == errors("check", path)
