"""A database in shards gives the rows of all of them, in the official order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from af3cli.search.cache import Cache
from af3cli.search.catalogue import search_options
from af3cli.search.database_rows import DatabaseRows
from af3cli.search.databases import find_databases
from af3cli.search.hits import Row, merge_shards
from tests.search import binaries, synthetic

_SIZE = 150e6


@pytest.fixture
def shards(tmp_path: Path) -> list[Path]:
    """Three shards, with some records in more than one."""
    queries = synthetic.protein_queries()
    whole = tmp_path / "whole.fasta"
    synthetic.write_protein_database(whole, queries, 600)
    records = [f">{record}" for record in whole.read_text().split(">")[1:]]
    paths = [tmp_path / f"db-{i:05d}-of-00003.fasta" for i in range(3)]
    for i, path in enumerate(paths):
        path.write_text("".join(records[i::3]))
    return paths


@binaries.needs_hmmer
def test_rows_of_shards_are_merged_by_printed_evalue(shards: list[Path], tmp_path: Path) -> None:
    queries = synthetic.protein_queries()[5:11]
    database = find_databases([f"uniref90={tmp_path}/db@3.fasta"], [f"uniref90={_SIZE}"])[
        "uniref90"
    ]
    assert database.files == tuple(shards)
    found = DatabaseRows(Cache(tmp_path / "cache"), lambda event: None, 2).find(
        database, {query: query[:5] for query in queries}
    )
    for query in queries:
        expected = []
        for shard in shards:
            scores = binaries.evalues_and_scores(tmp_path, query, shard, _SIZE)
            options = ("-Z", str(_SIZE), "--domZ", str(_SIZE))
            for header, row in binaries.jackhmmer(tmp_path, query, shard, *options):
                name = header.split("/")[0]
                evalue, score = scores[name]
                expected.append(((evalue, -score, name), header, row))
        expected.sort(key=lambda item: item[0])  # stable, as a merge of sorted lists
        assert [(row.header, row.aligned) for row in found[query]] == [
            (header, row) for _, header, row in expected
        ]
    assert sum(map(len, found.values())) > 50


def test_printed_ties_are_broken_by_score_then_name() -> None:
    options = search_options("uniref90", 10)
    first = [Row("b/1-5", "", 1.04e-9, 50.0, "A"), Row("a/1-5", "", 2e-9, 49.0, "A")]
    second = [Row("c/1-5", "", 1.01e-9, 51.26, "A"), Row("a/9-9", "", 1.02e-9, 50.04, "A")]
    merged = merge_shards([first, second], options)
    assert [row.name for row in merged] == ["c/1-5", "a/9-9", "b/1-5", "a/1-5"]
    assert len(merge_shards([first, second], replace(options, max_rows=3))) == 2


def test_number_of_shards_is_found(shards: list[Path], tmp_path: Path) -> None:
    found = find_databases([f"mgnify={tmp_path}/db@*.fasta"], ["mgnify=1e6"])["mgnify"]
    assert found.files == tuple(shards) and found.is_sharded and found.z == 1e6
