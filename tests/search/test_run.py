"""Jobs are filled as by the official pipeline; nothing is searched twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from af3cli.cli import main
from af3cli.errors import InputError, OutputError
from af3cli.job import Job, Modification, Protein, Rna, parse_a3m, read_job, validate
from af3cli.search.databases import Database, find_databases
from af3cli.search.events import ChainSearched, Event, Note, ScanStarted
from af3cli.search.run import SearchPlan, search_jobs
from tests.search import synthetic

PROTEINS = synthetic.protein_queries()
RNAS = synthetic.rna_queries()


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Database]:
    folder = tmp_path_factory.mktemp("databases")
    for name, size in (("uniref90", 300), ("small_bfd", 200), ("mgnify", 100), ("uniprot", 250)):
        synthetic.write_protein_database(folder / name, PROTEINS, size)
    for name in ("rfam", "rnacentral"):
        synthetic.write_rna_database(folder / name, RNAS, 100)
    return find_databases([f"{path.name}={path}" for path in folder.iterdir()])


def _job(name: str, *entities: Protein | Rna) -> Job:
    return Job(name, (1,), entities)


def _search(jobs: list[Job], databases: dict[str, Database], cache: Path) -> tuple:
    events: list[Event] = []
    plan = SearchPlan(databases, num_threads=2, cache_folder=cache)
    return list(search_jobs(jobs, plan, events.append)), events


def _scans(events: list[Event]) -> list[tuple[str, tuple[str, ...]]]:
    return [(event.database, event.chains) for event in events if isinstance(event, ScanStarted)]


def test_filled_jobs_are_sound(databases: dict[str, Database], tmp_path: Path) -> None:
    first, odd = PROTEINS[6], PROTEINS[4]  # the second has letters that are no amino acid
    jobs = [
        _job("one", Protein(("A", "B"), first), Rna(("R",), RNAS[4])),
        _job(
            "two",
            Protein(("A",), first, (Modification("SEP", 3),)),
            Protein(("B",), odd, unpaired_msa="", paired_msa="", templates=()),
            Protein(("C",), odd),
            Protein(("D",), "ACDE"),
        ),
    ]
    filled, events = _search(jobs, databases, tmp_path)
    for job in filled:
        validate(job)
    assert [database for database, _ in _scans(events)] == [
        "uniref90", "small_bfd", "mgnify", "uniprot", "rfam", "rnacentral",
    ]  # fmt: skip
    assert _scans(events)[0][1] == ("one A", "two A", "two C")
    assert filled[1].entities[1] == jobs[1].entities[1]
    protein, rna = filled[0].entities
    assert protein.templates == () and len(parse_a3m(rna.unpaired_msa)[1]) > 3
    descriptions, rows = parse_a3m(protein.unpaired_msa)
    assert descriptions[0] == "query" and rows[0] == first
    columns = [row.translate({ord(c): None for c in "abcdefghijklmnopqrstuvwxyz"}) for row in rows]
    assert len(set(columns)) == len(columns) > 5
    assert len(parse_a3m(protein.paired_msa)[1]) > 5
    modified = filled[1].entities[0]
    assert parse_a3m(modified.unpaired_msa)[1][0][2] == "S"
    assert parse_a3m(filled[1].entities[3].unpaired_msa)[1] == ["ACDE"]
    notes = [event.text for event in events if isinstance(event, Note)]
    assert any("nt, seqres, pdb" in note for note in notes)
    assert any("two D" in note and "too short" in note for note in notes)


@pytest.mark.parametrize(
    ("known", "letters", "chain"),
    [
        (PROTEINS[6], "SWX", lambda seq: Protein(("A",), seq, (Modification("SEP", 3),))),
        (PROTEINS[6], "UXOJ", lambda seq: Protein(("A",), seq)),
        (RNAS[4], "ACX", lambda seq: Rna(("A",), seq, (Modification("PSU", 3),))),
    ],
)
def test_a_molecule_is_searched_whatever_letters_it_is_written_in(
    known: str,
    letters: str,
    chain: Callable[[str], Protein | Rna],
    databases: dict[str, Database],
    tmp_path: Path,
) -> None:
    written = [known[:2] + letter + known[3:] for letter in letters]
    jobs = [_job(f"job{i}", chain(sequence)) for i, sequence in enumerate(written)]
    chosen = {name: databases[name] for name in ("uniref90", "rfam")}
    filled, events = _search(jobs, chosen, tmp_path)
    assert len(_scans(events)) == 1 and _scans(events)[0][1] == ("job0 A",)
    (alignment,) = {job.entities[0].unpaired_msa for job in filled}
    assert len(parse_a3m(alignment)[1]) > 3
    assert [job.entities[0].sequence for job in filled] == written


def test_nothing_is_searched_twice(databases: dict[str, Database], tmp_path: Path) -> None:
    jobs = [_job("one", Protein(("A",), PROTEINS[6]))]
    filled, _ = _search(jobs, databases, tmp_path)
    again, events = _search([replace(jobs[0], name="again")], databases, tmp_path)
    assert not _scans(events)
    assert again[0].entities == filled[0].entities
    assert all(event.was_cached for event in events if isinstance(event, ChainSearched))
    _, events = _search([_job("other", Protein(("A",), PROTEINS[7]))], databases, tmp_path)
    assert len(_scans(events)) == 4


def test_rerun_after_a_crash_goes_on(databases: dict[str, Database], tmp_path: Path) -> None:
    broken = tmp_path / "mgnify"
    broken.write_bytes(databases["mgnify"].files[0].read_bytes()[:5000] + b"\n>cut off")
    jobs = [_job("one", Protein(("A",), PROTEINS[6]))]
    with pytest.raises(InputError, match="cut off"):
        _search(jobs, databases | {"mgnify": Database("mgnify", (broken,))}, tmp_path)
    _, events = _search(jobs, databases, tmp_path)
    assert [database for database, _ in _scans(events)] == ["mgnify", "uniprot"]


def test_a_changed_database_is_searched_again(tmp_path: Path) -> None:
    path = tmp_path / "database"
    synthetic.write_protein_database(path, PROTEINS, 50)
    found = find_databases([f"uniref90={path}"])
    jobs = [_job("one", Protein(("A",), PROTEINS[6]))]
    _search(jobs, found, tmp_path / "cache")
    synthetic.write_protein_database(path, PROTEINS, 60)
    _, events = _search(jobs, found, tmp_path / "cache")
    assert len(_scans(events)) == 1


def test_damaged_cache_is_searched_again(databases: dict[str, Database], tmp_path: Path) -> None:
    chosen = {"uniref90": databases["uniref90"]}
    jobs = [_job("one", Protein(("A",), PROTEINS[6]))]
    filled, _ = _search(jobs, chosen, tmp_path)
    for path in tmp_path.rglob("*.zst"):
        path.write_bytes(path.read_bytes()[:-5])
    again, events = _search(jobs, chosen, tmp_path)
    assert len(_scans(events)) == 1 and again == filled


def test_a_cache_that_cannot_be_written_is_told_before_the_search(
    databases: dict[str, Database], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    plan = SearchPlan(databases, cache_folder=tmp_path / "file" / "cache")
    events: list[Event] = []
    with pytest.raises(OutputError, match=r"cannot be written: Not a directory"):
        list(search_jobs([_job("one", Protein(("A",), PROTEINS[6]))], plan, events.append))
    assert events == []


def test_kind_without_a_database(databases: dict[str, Database], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one A: there is no protein database"):
        _search([_job("one", Protein(("A",), PROTEINS[6]))], {"rfam": databases["rfam"]}, tmp_path)
    with pytest.raises(InputError, match="one R: there is no RNA database"):
        _search([_job("one", Rna(("R",), RNAS[4]))], {"mgnify": databases["mgnify"]}, tmp_path)


def test_long_sequence(databases: dict[str, Database], tmp_path: Path) -> None:
    sequence = "".join(PROTEINS[i % 24] for i in range(40))[:5000]
    chosen = {"mgnify": databases["mgnify"]}
    (filled,), _ = _search([_job("long", Protein(("A",), sequence))], chosen, tmp_path)
    assert len(parse_a3m(filled.entities[0].unpaired_msa)[1]) > 5


def test_command(databases: dict[str, Database], tmp_path: Path) -> None:
    job = tmp_path / "job.json"
    content = {
        "name": "my job", "modelSeeds": [1], "dialect": "alphafold3", "version": 1,
        "sequences": [{"protein": {"id": "A", "sequence": PROTEINS[6]}}],
    }  # fmt: skip
    job.write_text(json.dumps(content))
    out, cache = tmp_path / "out", tmp_path / "cache"
    arguments = ["search", str(job), "--out-dir", str(out), "--cache-dir", str(cache)]
    given = ["--db", f"uniref90={databases['uniref90'].files[0]}"]
    result = CliRunner().invoke(main, [*arguments, *given])
    assert result.exit_code == 0, result.output
    assert "my job A: uniref90:" in result.stderr and "MSA of" in result.stdout
    filled = read_job(out / "my_job_data.json")
    assert len(parse_a3m(filled.entities[0].unpaired_msa)[1]) > 5
    assert [path.name for path in out.iterdir()] == ["my_job_data.json"]
    result = CliRunner().invoke(main, arguments, env={"AF3_DATABASES": ""})
    assert result.exit_code == 2 and "no database is configured" in result.stderr
    result = CliRunner().invoke(main, [*arguments, *given, str(job)])
    assert result.exit_code == 2 and "called like one" in result.stderr
    missing = [str(tmp_path / name) for name in ("one.json", "two.fasta")]
    result = CliRunner().invoke(main, [*arguments, *given, *missing])
    assert result.exit_code == 2 and all(name in result.stderr for name in missing)
