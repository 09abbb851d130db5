"""The command `af3 convert`."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from af3cli.cli import convert, main
from af3cli.errors import InputError
from af3cli.job import Job, read_job, read_jobs
from af3cli.job.structure.selection import ADDITIVES
from tests.job.jobs import REPOSITORY, STRUCTURES


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["convert", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


def test_a_structure_becomes_a_job(tmp_path: Path):
    target = tmp_path / "deep" / "job.json"
    code, output = run(STRUCTURES / "1ncb.cif.xz", target)
    assert code == 0
    assert read_job(target) == read_job(STRUCTURES / "1ncb.cif.xz")
    assert "note: left out: waters (72)" in output
    assert [path.name for path in target.parent.iterdir()] == ["job.json"]


def test_options_reach_the_reader(tmp_path: Path):
    target = tmp_path / "job.json"
    arguments = ("--keep", "MPD,ACT", "--drop", "MSE", "--as-templates", "--assembly", "1")
    code, _ = run(STRUCTURES / "5i55.cif.xz", target, *arguments)
    assert code == 0
    protein, *ligands = read_job(target).entities
    assert not protein.modifications and len(protein.templates) == 1
    assert {ligand.ccd_codes for ligand in ligands} == {("MPD",), ("ACT",)}


def test_many_jobs_go_into_a_folder(tmp_path: Path):
    fasta = tmp_path / "two.fasta"
    fasta.write_text(">a\nMKL\n>b\nMKV\n")
    code, output = run(fasta, tmp_path / "job.json")
    assert code == 2 and "give a folder" in output
    code, _ = run(fasta, tmp_path / "jobs")
    assert code == 0
    assert sorted(path.name for path in (tmp_path / "jobs").iterdir()) == ["a.json", "b.json"]
    code, _ = run(fasta, tmp_path / "job.json", "--complex")
    assert code == 0 and len(read_job(tmp_path / "job.json").entities) == 2
    server = REPOSITORY / "examples" / "server.json"
    code, _ = run(server, tmp_path / "server")
    assert code == 0
    assert [read_job(path) for path in sorted((tmp_path / "server").iterdir())] == read_jobs(server)


def test_the_names_of_thousands_of_jobs_are_compared():
    jobs = [Job(f"p{i}", (1,), ()) for i in (*range(20_000), 7, 3)]
    start = time.process_time()
    with pytest.raises(InputError, match="several jobs are called p3, p7"):
        convert._paths(jobs, Path("many.json"), Path("out"))
    assert time.process_time() - start < 2


def test_files_are_not_replaced_unasked(tmp_path: Path):
    target = tmp_path / "job.json"
    target.write_text("mine")
    code, output = run(STRUCTURES / "1bna.cif.xz", target)
    assert code == 4 and "--overwrite replaces it" in output and target.read_text() == "mine"
    code, _ = run(STRUCTURES / "1bna.cif.xz", target, "--overwrite")
    assert code == 0 and read_job(target)


def test_places_that_cannot_be_written_are_explained(tmp_path: Path):
    (tmp_path / "file").write_text("")
    code, output = run(STRUCTURES / "1bna.cif.xz", tmp_path / "file" / "job.json")
    assert code == 4 and "cannot be written" in output


def test_what_is_left_out_of_structures_is_told_whole():
    document = (REPOSITORY / "docs" / "input.md").read_text()
    for text in (convert.command.help, document):
        listed = text.split("bonded to", 1)[1].split(":", 1)[1].split(".")[0]
        assert set(listed.split()) == ADDITIVES
