"""Hits and alignment rows are those of the HMMER programs on the same files."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from af3cli.job import Protein
from af3cli.job.a3m import a3m_problem
from af3cli.search.a3m import merge_rows
from af3cli.search.catalogue import search_options
from af3cli.search.hmmer import database_size, sequence_query
from af3cli.search.rna_alignment import align_to_query
from af3cli.search.scan import scan
from tests.search import binaries, synthetic

PROTEINS = synthetic.protein_queries()
RNAS = synthetic.rna_queries()


@pytest.fixture(scope="module")
def protein_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("protein") / "db.fasta"
    synthetic.write_protein_database(path, PROTEINS)
    return path


@pytest.fixture(scope="module")
def rna_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rna") / "db.fasta"
    synthetic.write_rna_database(path, RNAS)
    return path


def _protein_rows(database: Path, z: float | None = None) -> list[list[tuple[str, str]]]:
    queries = [sequence_query(s, "protein", search_options("uniref90", len(s))) for s in PROTEINS]
    found = scan(database, queries, z, num_threads=2, block_bytes=20_000)
    return [[(row.header, row.aligned) for row in rows] for rows in found]


@binaries.needs_hmmer
@pytest.mark.parametrize("z", [None, 5e7])
def test_protein_rows(protein_database: Path, tmp_path: Path, z: float | None) -> None:
    options = () if z is None else ("-Z", str(z), "--domZ", str(z))
    found = _protein_rows(protein_database, z)
    for query, rows in zip(PROTEINS, found, strict=True):
        assert rows == binaries.jackhmmer(tmp_path, query, protein_database, *options), query
    numbers = [len(rows) for rows in found]
    assert numbers[-1] == 0 and sum(number > 10 for number in numbers) >= 18
    assert any(letter.islower() for rows in found for _, row in rows for letter in row)


@binaries.needs_hmmer
@pytest.mark.parametrize("z", [None, 400.5])
def test_rna_rows(rna_database: Path, tmp_path: Path, z: float | None) -> None:
    queries = [sequence_query(s, "rna", search_options("rfam", len(s))) for s in RNAS]
    size = None if z is None else database_size(z, "rna")
    found = scan(rna_database, queries, size, num_threads=2, block_bytes=20_000)
    options = () if z is None else ("-Z", str(z))
    for query, rows in zip(RNAS, found, strict=True):
        aligned = [(row.header, row.aligned) for row in align_to_query(query, rows)]
        assert aligned == binaries.nhmmer(tmp_path, query, rna_database, *options), query
    numbers = [len(rows) for rows in found]
    assert numbers[-1] == 0 and sum(number > 5 for number in numbers) >= 5


def _with_odd_letter(path: Path, query: str, residues: str, letter: str) -> Path:
    """A database of relatives of the query that have the letter between two residues."""
    rng = random.Random(7)
    relatives = [synthetic.mutated(rng, query, 0.02 * i, residues) for i in range(8)]
    records = (f">s{i}\n{s[:40]}{letter}{s[40:]}\n" for i, s in enumerate(relatives))
    path.write_text("".join(records))
    return path


@pytest.mark.parametrize("letter", ["*", "~", ".", "_"])
def test_letters_of_proteins_that_are_no_residues(tmp_path: Path, letter: str) -> None:
    query = PROTEINS[8]
    database = _with_odd_letter(tmp_path / "db.fasta", query, synthetic.AMINO_ACIDS, letter)
    searched = sequence_query(query, "protein", search_options("uniref90", len(query)))
    (rows,) = scan(database, [searched])
    assert any("x" in row.aligned for row in rows)
    assert a3m_problem(merge_rows(query, [rows], True), Protein(("A",), query)) is None


@binaries.needs_hmmer
def test_stop_in_a_protein(tmp_path: Path) -> None:
    """Rows are the program's but for the stop, for which it writes a letter that A3M has not."""
    query = PROTEINS[8]
    database = _with_odd_letter(tmp_path / "db.fasta", query, synthetic.AMINO_ACIDS, "*")
    searched = sequence_query(query, "protein", search_options("uniref90", len(query)))
    (rows,) = scan(database, [searched])
    expected = binaries.jackhmmer(tmp_path, query, database)
    assert [(row.header, row.aligned.upper()) for row in rows] == [
        (header, aligned.replace("*", "X").upper()) for header, aligned in expected
    ]


@binaries.needs_hmmer
@pytest.mark.parametrize("letter", ["*", "~"])
def test_letters_of_rna_that_are_no_residues(tmp_path: Path, letter: str) -> None:
    query = RNAS[4]
    database = _with_odd_letter(tmp_path / "db.fasta", query, synthetic.NUCLEOTIDES, letter)
    searched = sequence_query(query, "rna", search_options("rfam", len(query)))
    rows = align_to_query(query, scan(database, [searched])[0])
    found = [(row.header, row.aligned) for row in rows]
    as_unknown = _with_odd_letter(tmp_path / "db.fasta", query, synthetic.NUCLEOTIDES, "N")
    assert found == binaries.nhmmer(tmp_path, query, as_unknown) != []


@binaries.needs_hmmer
def test_long_record(tmp_path: Path) -> None:
    """A chromosome is longer than a block, and than a pipe."""
    rng = random.Random(5)
    query, database = RNAS[4], tmp_path / "db.fasta"
    first, second, third = (
        synthetic.mutated(rng, query, 0.1, synthetic.NUCLEOTIDES) for _ in range(3)
    )
    between = synthetic.random_rna(rng, 600_000)
    database.write_text(f">long one\n{first}{between}{second}{between}\n>short\n{third}\n")
    searched = sequence_query(query, "rna", search_options("rfam", len(query)))
    (rows,) = scan(database, [searched])
    aligned = [(row.header, row.aligned) for row in align_to_query(query, rows)]
    assert aligned == binaries.nhmmer(tmp_path, query, database)
    assert len(aligned) == 3
