"""Template search: hits as hmmsearch has them, and the official filters."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from af3cli.errors import InputError
from af3cli.features.template_structure import read_template
from af3cli.job.a3m import parse_a3m
from af3cli.job.types import Template
from af3cli.search.a3m import merge_rows
from af3cli.search.catalogue import search_options
from af3cli.search.hits import Row
from af3cli.search.hmmer import sequence_query
from af3cli.search.profile import expand_insertions, profile_query
from af3cli.search.scan import scan
from af3cli.search.structures import StructureFolder
from af3cli.search.template_filter import (
    StructureChain,
    TemplateHit,
    choose_templates,
    residue_mapping,
)
from tests.search import binaries, synthetic

DATA = Path(__file__).parents[1] / "data"
QUERY = "ACDEFGHIKLMNPQRSTVWYACDEFGHIKLMNPQRSTVWY"
LATEST = date(2021, 9, 30)


def test_insertions_get_columns() -> None:
    assert expand_insertions(["abCD", "CgD", "fCDa"]) == ["ABC-D-", "--CGD-", "F-C-DA"]


@binaries.needs_hmmer
def test_hits_of_a_profile(tmp_path: Path) -> None:
    queries = synthetic.protein_queries()
    database = tmp_path / "db.fasta"
    synthetic.write_protein_database(database, queries, 500)
    chosen = [queries[i] for i in (4, 6, 8, -1)]
    found = scan(
        database,
        [sequence_query(q, "protein", search_options("uniref90", len(q))) for q in chosen],
    )
    for query, rows in zip(chosen, found, strict=True):
        a3m = merge_rows(query, [rows], deduplicate=True)
        expanded = expand_insertions(parse_a3m(a3m)[1])
        reference = "".join("." if letter == "-" else "x" for letter in expanded[0])
        lines = [f"s{i} {row}" for i, row in enumerate(expanded)]
        text = "\n".join(["# STOCKHOLM 1.0", "", *lines, f"#=GC RF {reference}", "//", ""])
        (hits,) = scan(database, [profile_query(a3m)], block_bytes=30_000)
        expected = binaries.hmmsearch(tmp_path, text, database)
        assert [(hit.header, hit.aligned) for hit in hits] == expected
        assert len(expected) > 20


def _row(chain: str, aligned: str, start: int = 1, length: int | None = None) -> Row:
    sequence = aligned.replace("-", "").upper()
    end = start + len(sequence) - 1
    description = f"[subseq from] mol:protein length:{length or end}  A PROTEIN"
    return Row(f"{chain}/{start}-{end}", description, 1e-5, 100.0, aligned)


def _fetch(
    sequences: dict[str, str], released: str = "2020-01-01", unresolved: range = range(0)
) -> Callable[[str, str], StructureChain | None]:
    def fetch(entry: str, chain: str) -> StructureChain | None:
        sequence = sequences.get(f"{entry}_{chain}")
        if sequence is None:
            return None
        template = Template(entry, (), ())
        return StructureChain(
            sequence, frozenset(unresolved), date.fromisoformat(released), template
        )

    return fetch


def test_hits_become_templates_in_order() -> None:
    half, other = QUERY[:20] + "-" * 20, "-" * 10 + QUERY[10:30].replace("F", "Y") + "-" * 10
    rows = [_row("1abc_A", half), _row("2abc_B", other), _row("3abc_AA", half)]
    sequences = {"1abc_A": half.strip("-"), "2abc_B": other.strip("-"), "3abc_AA": QUERY[:20]}
    chosen = choose_templates(QUERY, rows, _fetch(sequences), LATEST, print)
    assert [template.mmcif for template in chosen] == [
        "1abc",
        "2abc",
    ]  # the third is like the first
    assert chosen[1].query_indices == tuple(range(10, 30))
    assert chosen[1].template_indices == tuple(range(20))


def test_no_more_than_four() -> None:
    rows, sequences = [], {}
    for i in range(6):
        aligned = "-" * i + QUERY[i : i + 20] + "-" * (20 - i)
        rows.append(_row(f"{i}abc_A", aligned))
        sequences[f"{i}abc_A"] = aligned.strip("-")
    assert len(choose_templates(QUERY, rows, _fetch(sequences), LATEST, print)) == 4


@pytest.mark.parametrize(
    ("aligned", "released", "unresolved"),
    [
        (QUERY, "2020-01-01", range(0)),  # the query itself
        (QUERY[:20] + "-" * 20, "2021-10-01", range(0)),  # too new
        (QUERY[:9] + "-" * 31, "2020-01-01", range(0)),  # too short
        (QUERY[:20] + "-" * 20, "2020-01-01", range(20)),  # nothing seen
        ("acdefghik" + "A" + "-" * 39, "2020-01-01", range(0)),  # hardly anything aligned
    ],
)
def test_hits_that_are_not_used(aligned: str, released: str, unresolved: range) -> None:
    sequences = {"1abc_A": aligned.replace("-", "").upper()}
    fetch = _fetch(sequences, released, unresolved)
    assert choose_templates(QUERY, [_row("1abc_A", aligned)], fetch, LATEST, print) == ()


def test_structure_with_missing_residues_is_aligned_again() -> None:
    hit = TemplateHit("1abc", "A", 3, 11, 12, "---DEFGHIJK-")
    expected = {3: 1, 4: 2, 5: 3, 6: 4, 7: 5, 10: 6}
    assert residue_mapping(hit, "XDEFGHKL") == expected
    # equally good ways to align: the one with more residues missing before the hit
    assert residue_mapping(TemplateHit("1abc", "A", 1, 4, 5, "CCC"), "DCD") == {0: 0, 1: 1, 2: 2}
    assert residue_mapping(hit, "X" * 13) is None
    assert residue_mapping(hit, "X" * 12) == {i: i for i in range(3, 11)}


def test_record_that_is_longer_than_it_says() -> None:
    """The structure has as many residues as stated, and lacks the first of the record."""
    row = _row("1abc_A", QUERY[:20] + "-" * 20, start=11, length=20)
    (template,) = choose_templates(QUERY, [row], _fetch({"1abc_A": QUERY[:20]}), LATEST, print)
    assert template.query_indices == template.template_indices == tuple(range(20))


def test_length_that_is_no_number() -> None:
    row = replace(_row("1abc_A", QUERY), description=f"mol:protein length:{'9' * 5000}")
    with pytest.raises(InputError, match="no PDB chain"):
        choose_templates(QUERY, [row], _fetch({}), LATEST, print)


def test_header_that_is_not_of_the_pdb() -> None:
    row = replace(_row("1abc_A", QUERY), name="UniRef90_Q1/1-40")
    with pytest.raises(InputError, match=r"UniRef90_Q1.*no PDB chain"):
        choose_templates(QUERY, [row], _fetch({}), LATEST, print)
    notes: list[str] = []
    rows = [row, row, _row("1abc_A", QUERY[:20] + "-" * 20)]
    fetch = _fetch({"1abc_A": QUERY[:20]})
    assert len(choose_templates(QUERY, rows, fetch, LATEST, notes.append)) == 1
    assert len(notes) == 1 and "UniRef90_Q1" in notes[0] and "2 such hits of 3" in notes[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    job = json.loads((DATA / "template_5y2e/job.json").read_text())
    mmcif = job["sequences"][0]["protein"]["templates"][0]["mmcif"]
    (tmp_path / "5y2e.cif").write_text(mmcif)
    (tmp_path / "bad1.cif").write_text("data_bad1\nloop_\n")
    (tmp_path / "date.cif").write_text(
        mmcif.replace("_pdbx_audit_revision_history.revision_date", "_pdbx_x.revision_date")
    )
    return tmp_path


def test_structures(folder: Path) -> None:
    notes: list[str] = []
    structures = StructureFolder(folder, notes.append)
    found = structures.chain("5y2e", "A")
    assert found is not None and not notes
    job = json.loads((DATA / "template_5y2e/job.json").read_text())
    given = job["sequences"][0]["protein"]["templates"][0]
    assert found.sequence.startswith("MIE") and found.release_date < LATEST
    seen = read_template(given["mmcif"], "given").mask.any(axis=1)
    assert found.unresolved == frozenset(np.flatnonzero(~seen))
    ours, theirs = (read_template(text, "") for text in (found.template.mmcif, given["mmcif"]))
    assert ours.residue_names == theirs.residue_names
    assert np.array_equal(ours.positions, theirs.positions)
    notes.clear()
    assert structures.chain("bad1", "A") is None and structures.chain("none", "A") is None
    assert structures.chain("date", "A") is None
    assert len(notes) == 3 and "bad1" in notes[0] and "not in" in notes[1] and "date" in notes[2]


def test_release_date_is_the_first_that_is_known(folder: Path) -> None:
    path = folder / "5y2e.cif"
    tag = "_pdbx_audit_revision_history.revision_date"
    (line,) = (line for line in path.read_text().splitlines() if line.startswith(tag))
    path.write_text(
        path.read_text().replace(line, f"loop_\n{tag}\n?\n2019-01-02\n.\n2020-01-02\n#")
    )
    found = StructureFolder(folder, print).chain("5y2e", "A")
    assert found is not None and found.release_date == date(2019, 1, 2)


def test_folder_must_be_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no folder"):
        StructureFolder(tmp_path / "nowhere", print)
