"""The token table, its words, and `af3 tokens`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from af3cli.chemistry import open_dictionary
from af3cli.cli import main
from af3cli.job import Job, Ligand, Modification, Protein, to_alphafold3_json
from af3cli.tokens import tokenize
from af3cli.tokens.table import explain_chains, token_table

COLUMNS = [
    "chain_id",
    "asym_id",
    "entity_id",
    "sym_id",
    "molecule_type",
    "residue_id",
    "residue_name",
    "atom_name",
    "is_modified",
]
OF_STRUCTURES = ["label_chain_id", "author_chain_id", "author_residue_id"]
STRUCTURES = Path(__file__).parents[1] / "data" / "structures"
JOB = Job(
    "test",
    (1,),
    (
        Ligand(("B",), ("NAG", "NAG")),
        Protein(("A",), "MSG", (Modification("SEP", 2),), "", "", ()),
        Protein(("C",), "XX", (), "", "", ()),
    ),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "job.json"
    path.write_text(to_alphafold3_json(JOB))
    return path


def run(*arguments: object) -> str:
    result = CliRunner().invoke(main, ["tokens", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_table_has_the_columns_of_the_embedding_file() -> None:
    tokens, _ = tokenize(JOB, open_dictionary())
    table = token_table(tokens)
    assert list(table.dtype.names) == COLUMNS + OF_STRUCTURES
    assert table[1].tolist() == ("A", 1, 1, 1, "protein", 2, "SEP", "N", True, "", "", "")
    assert type(table["molecule_type"][0]) is str
    assert len(table) == 1 + 10 + 1 + 28


def test_every_chain_is_explained() -> None:
    tokens, _ = tokenize(JOB, open_dictionary())
    protein, ligand, unknown = explain_chains(JOB, tokens)
    assert protein == (
        "chain A, protein of 3 residues: rows 0 to 11, one for each residue; "
        "one for each heavy atom of modified residue 2 (SEP)"
    )
    assert ligand == "chain B, ligand NAG, NAG: rows 12 to 39, one for each heavy atom"
    assert "chain C" in unknown and "has no rows" in unknown


def test_json_and_tsv_have_the_same_rows(path: Path) -> None:
    objects = json.loads(run(path, "--format", "json"))
    assert [list(row) for row in objects] == [COLUMNS] * 40
    rows = list(csv.DictReader(io.StringIO(run(path, "--format", "tsv")), delimiter="\t"))
    assert [int(row.pop("row")) for row in rows] == list(range(40))
    for text, row in zip(rows, objects, strict=True):
        assert text == {
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in row.items()
        }


def test_table_says_the_chain_order(path: Path) -> None:
    first, *lines = run(path).splitlines()
    assert "official" in first
    assert [line[:7] for line in lines[:3]] == ["chain A", "chain B", "chain C"]
    assert lines[4].split() == ["row", *COLUMNS]
    assert len(lines) == 5 + 40


def test_residues_of_a_structure_have_the_numbers_of_its_author() -> None:
    structure = STRUCTURES / "1ncb.cif.xz"
    rows = json.loads(run(structure, "--format", "json"))
    (light, *heavy) = [row for row in rows if row["author_residue_id"] in ("82", "82A", "82B")][-4:]
    names = ("chain_id", "label_chain_id", "author_chain_id", "residue_id", "residue_name")
    assert [light[name] for name in names] == ["B", "B", "L", 82, "ASP"]
    assert [[row[name] for name in names] for row in heavy] == [
        ["C", "C", "H", 83, "ILE"],
        ["C", "C", "H", 84, "ASN"],
        ["C", "C", "H", 85, "ASN"],
    ]
    assert list(light) == COLUMNS + OF_STRUCTURES
    heading = run(structure, "--format", "tsv").splitlines()[0]
    assert heading.split("\t") == ["row", *COLUMNS, *OF_STRUCTURES]
    assert "author_residue_id" in run(structure)


def test_unknown_component_is_a_message(tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    path.write_text(to_alphafold3_json(Job("test", (1,), (Ligand(("A",), ("QQQQ",)),))))
    result = CliRunner().invoke(main, ["tokens", str(path)])
    assert result.exit_code == 2
    assert "QQQQ" in result.output and "Traceback" not in result.output
