"""The command `af3 check`."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from af3cli.cli import main
from af3cli.job import Job, Modification, Protein, Template, describe, remarks
from tests.job.jobs import EXAMPLES, everything


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["check", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


def test_examples_pass():
    code, output = run(*EXAMPLES)
    assert code == 0
    assert len(output.splitlines()) == len(EXAMPLES) + 1  # the server list holds two jobs
    assert "2PV7: protein of 298 residues (chains A, B); ligand NAD (chains C, D)" in output
    assert "MSA of 5 rows; templates none" in output
    assert "MSA wanted" in output


def test_rows_are_counted_as_they_are_read():
    protein = Protein(("A",), "MKVLAA", unpaired_msa=">q\nMKVLAA\n >h\nMKVLAA\n")
    assert "MSA of 2 rows;" in describe(Job("x", (1,), (protein,)))


def test_all_files_are_checked_and_the_exit_code_is_2(tmp_path):
    bad = tmp_path / "bad.json"
    document = everything() | {"modelSeeds": []}
    del document["sequences"][0]["protein"]["sequence"]
    bad.write_text(json.dumps(document))
    code, output = run(bad, tmp_path / "none.json", EXAMPLES[0])
    assert code == 2
    assert f"Error: {bad}: 2 problems\n  modelSeeds: must have" in output
    assert "sequences[0].protein.sequence: is missing" in output
    assert "none.json: does not exist" in output
    assert "2PV7" in output


def test_components_that_do_not_exist_are_named(tmp_path):
    path = tmp_path / "job.json"
    document = everything()
    document["sequences"][0]["protein"]["modifications"][0]["ptmType"] = "SEPP"
    document["sequences"][3]["ligand"]["ccdCodes"][1] = "nag"
    document["sequences"][4]["ligand"]["smiles"] = "C1CC("
    document["bondedAtomPairs"][1][0][2] = "SD"
    path.write_text(json.dumps(document))
    code, output = run(path)
    assert code == 2 and f"Error: {path}: 4 problems" in output
    assert "sequences[0].protein.modifications[0].ptmType: there is no chemical" in output
    assert "sequences[3].ligand.ccdCodes[1]: there is no chemical component 'nag'" in output
    assert "sequences[4].ligand.smiles: " in output
    assert "bondedAtomPairs[1][0][2]: CYS has no heavy atom 'SD'; it has " in output


def test_own_components_count(tmp_path):
    job = next(path for path in EXAMPLES if path.stem == "user_ccd")
    document = json.loads(job.read_text())
    document["userCCDPath"] = str(job.parent / document["userCCDPath"])
    document["bondedAtomPairs"][0][1][2] = "C9"
    path = tmp_path / "job.json"
    path.write_text(json.dumps(document))
    code, output = run(path)
    assert code == 2 and "CYS-CAP has no heavy atom 'C9'; it has" in output


def test_what_may_surprise_is_remarked(tmp_path):
    path = tmp_path / "job.json"
    document = everything()
    document["sequences"][1]["rna"]["sequence"] = "ATGU"
    document["sequences"][1]["rna"]["unpairedMsa"] = ">q\nATGU\n"
    document["bondedAtomPairs"].append([["A", 5, "SG"], ["B", 5, "SG"]])
    path.write_text(json.dumps(document))
    code, output = run(path)
    assert code == 0
    assert "note: sequences[1].rna.sequence: read as unknown residues (N): T at 2" in output
    assert "note: sequences[1].rna: the model takes no notice of alignments" in output
    assert "note: bondedAtomPairs[2]: models take no notice" in output
    assert "Protenix alone does" in output


@pytest.mark.parametrize(
    ("modified", "alignment", "what"),
    [
        ((), "", "templates"),
        ((), ">q\nMKSV\n", "alignments and templates"),
        ((Modification("SEP", 3),), ">q\nMKSV\n", "alignments"),
        ((Modification("SEP", 3),), "", None),
    ],
)
def test_what_a_short_chain_brings_in_vain_is_remarked(modified, alignment, what):
    """The templates of a modified one are read, as it has five tokens and more."""
    template = Template("data_x", (), ())
    protein = Protein(("A",), "MKSV", modified, alignment, "", (template,))
    notes = [
        f"sequences[0].protein: the model takes no notice of {what} of a chain of fewer than 5 "
        "residues"
    ]
    assert remarks(Job("x", (1,), (protein,))) == (notes if what else [])


def test_chains_without_rows_are_remarked(tmp_path):
    path = tmp_path / "job.json"
    document = everything()
    document["sequences"] += [
        {"dna": {"id": ["X", "Y"], "sequence": "N"}},
        {"ligand": {"id": "Z", "smiles": "[H][H]"}},
    ]
    path.write_text(json.dumps(document))
    code, output = run(path)
    assert code == 0
    for place in ("[5].dna: chain X", "[5].dna: chain Y", "[6].ligand: chain Z"):
        assert output.count(f"note: sequences{place} has no rows: like the official program") == 1
