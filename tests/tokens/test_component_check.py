"""Components are looked up whatever else is wrong with a job, and nothing is said twice."""

from __future__ import annotations

import json
import lzma
import re
from pathlib import Path

import pytest

from af3cli.chemistry import ComponentDictionary, open_dictionary
from af3cli.errors import InputError
from af3cli.features.featurise import featurise
from af3cli.job import Job, Ligand, Modification, Protein, read_file, read_job
from af3cli.job.textfile import read_text
from af3cli.tokens import tokenize
from af3cli.tokens.component_check import check_components, checked_jobs
from tests.job.jobs import STRUCTURES, everything, set_at


@pytest.fixture(scope="module")
def components() -> ComponentDictionary:
    return open_dictionary()


def problems_of(path: Path, components: ComponentDictionary) -> list[str]:
    """What is wrong with the jobs of a file, a line for each problem."""
    with pytest.raises(InputError) as caught:
        checked_jobs(read_file(path), components)
    first, *lines = str(caught.value).splitlines()
    assert first == f"{path}: {len(lines)} problem{'s'[: len(lines) > 1]}"
    return [line.strip() for line in lines]


def written(folder: Path, document: object) -> Path:
    path = folder / "job.json"
    path.write_text(json.dumps(document))
    return path


def changed(changes: dict[str, object]) -> dict:
    """A document in which all components and bonded atoms exist, with some places changed."""
    document = everything()
    for place, value in changes.items():
        set_at(document, place, value)
    return document


def test_problems_of_form_and_of_components_come_together(tmp_path, components):
    changes = {
        "modelSeeds": [],
        "sequences.0.protein.sequnce": "MK",
        "sequences.0.protein.modifications.0": {"ptmType": "SEPP", "ptmPosition": 70},
        "sequences.3.ligand.ccdCodes": ["NAG", "NAG", "nag"],
        "sequences.4": {"ligand": {"smiles": "C1CC("}},
        "bondedAtomPairs.0.0.2": "O40",
    }
    lines = problems_of(written(tmp_path, changed(changes)), components)
    assert [line.split(": ")[0] for line in lines] == [
        "bondedAtomPairs[0][0][2]",
        "modelSeeds",
        "sequences[0].protein.modifications[0].ptmPosition",
        "sequences[0].protein.modifications[0].ptmType",
        "sequences[0].protein.sequnce",
        "sequences[3].ligand.ccdCodes[2]",
        "sequences[4].ligand.id",
        "sequences[4].ligand.smiles",
    ]


PHOSPHATE = [["A", 5, "P"], ["E", 1, "O4"]]
SECOND_NAG = [["A", 5, "SG"], ["E", 2, "XX"]]


@pytest.mark.parametrize(
    ("bond", "place", "value", "line"),
    [
        (PHOSPHATE, "sequences.0.protein.sequence", "mkstcge", "sequence: must be upper-case"),
        (PHOSPHATE, "sequences.0.protein.sequence", 5, "sequence: must be a string"),
        (PHOSPHATE, "sequences.0.protein.modifications", 5, "modifications: must be a list"),
        (
            PHOSPHATE,
            "sequences.0.protein.modifications.0",
            5,
            "modifications[0]: must be an object",
        ),
        (
            PHOSPHATE,
            "sequences.0.protein.modifications.0.ptmPosition",
            0,
            "modifications[0].ptmPosition: 0 is not a residue of 1 to 7",
        ),
        (
            PHOSPHATE,
            "sequences.0.protein.modifications.0",
            {"ptmType": 5, "ptmPosition": 5},
            "modifications[0].ptmType: must be a string",
        ),
        (SECOND_NAG, "sequences.3.ligand.ccdCodes", "NAG", "ccdCodes: must be a list"),
        (SECOND_NAG, "sequences.3.ligand.ccdCodes.1", "CCD_NAG", "ccdCodes[1]: write the code"),
        (SECOND_NAG, "sequences.3.ligand.ccdCodes.1", "NAGG", "ccdCodes[1]: there is no chemical"),
        (SECOND_NAG, "sequences.2.dna.id", "E", "id: chain E is already at"),
    ],
)
def test_atoms_of_residues_that_are_not_known_are_not_missed(
    tmp_path, components, bond, place, value, line
):
    document = changed({place: value, "bondedAtomPairs": [bond]})
    (found,) = problems_of(written(tmp_path, document), components)
    assert line in found and not found.startswith("bondedAtomPairs")


def test_modifications_under_a_misspelt_key_are_not_missed(tmp_path, components):
    document = changed({"bondedAtomPairs": [PHOSPHATE]})
    protein = document["sequences"][0]["protein"]
    protein["modification"] = protein.pop("modifications")
    (line,) = problems_of(written(tmp_path, document), components)
    assert line.startswith("sequences[0].protein.modification: unknown key")


@pytest.mark.parametrize("key", ["userCDD", "userCCDPath", "userCcdPaths"])
def test_own_components_that_could_not_be_read_are_not_missed(tmp_path, components, key):
    document = changed({"sequences.3.ligand.ccdCodes": ["OWN1", "NAG"]}) | {key: "none.cif"}
    document["bondedAtomPairs"] = [[["A", 5, "SG"], ["E", 1, "C1"]]]
    (line,) = problems_of(written(tmp_path, document), components)
    assert line.startswith(f"{key}: ")


def test_all_jobs_of_a_list_are_looked_at_and_its_own_places_named(tmp_path, components):
    protein = {"sequence": "MKL", "modifications": [{"ptmType": "CCD_SEPP", "ptmPosition": 1}]}
    jobs = [
        {"name": "one", "sequences": [{"ligand": {"ligand": "CCD_QQQ9"}}]},
        {"name": "two", "sequences": [{"ion": {"ion": "MG"}, "count": 2}]},
        {"name": "three", "sequences": [{"ion": {"ion": "MGG9"}}, {"proteinChain": protein}]},
    ]
    lines = problems_of(written(tmp_path, jobs), components)
    assert [line.split(": ")[0] for line in lines] == [
        "[0].sequences[0].ligand.ligand",
        "[1].sequences[0].count",
        "[2].sequences[0].ion.ion",
        "[2].sequences[1].proteinChain.modifications[0].ptmType",
    ]


def test_components_without_atoms_are_named(tmp_path, components):
    changes = {
        "sequences.0.protein.modifications.0.ptmType": "UNL",
        "sequences.3.ligand.ccdCodes": ["NAG", "NAG", "UNL"],
    }
    assert problems_of(written(tmp_path, changed(changes)), components) == [
        "sequences[0].protein.modifications[0].ptmType: component 'UNL' has no atoms",
        "sequences[3].ligand.ccdCodes[2]: component 'UNL' has no atoms",
    ]


def test_a_component_of_hydrogens_alone_is_no_residue_of_a_polymer(tmp_path, components):
    """It would have no token, and a chain's alignment a column too many."""
    changes = {
        "sequences.0.protein.modifications.0.ptmType": "D8U",
        "sequences.1.rna.modifications.0.modificationType": "D8U",
    }
    why = "component 'D8U' is all hydrogens, and no residue of a polymer"
    assert problems_of(written(tmp_path, changed(changes)), components) == [
        f"sequences[0].protein.modifications[0].ptmType: {why}",
        f"sequences[1].rna.modifications[0].modificationType: {why}",
    ]


def test_a_component_of_hydrogens_alone_has_no_atom_to_bond(tmp_path, components):
    bond = [["A", 5, "SG"], ["E", 1, "H3"]]
    document = changed({"sequences.3.ligand.ccdCodes": ["D8U"], "bondedAtomPairs": [bond]})
    assert problems_of(written(tmp_path, document), components) == [
        "bondedAtomPairs[0][1][2]: D8U has no heavy atom 'H3'; all its atoms are hydrogens"
    ]


def test_a_job_of_unknown_residues_alone_has_nothing_to_model(tmp_path, components):
    job = Job("x", (1,), (Protein(("A",), "XXX", (), "", "", ()),))
    with pytest.raises(InputError, match="job: 1 problem\n  sequences: has no atoms to model"):
        check_components(job, components)
    fasta = tmp_path / "x.fasta"
    fasta.write_text(">a\nMKL\n>b\nXXX\n>c|rna\nNN\n")
    assert problems_of(fasta, components) == [
        "record 2 (b): has no atoms to model, only unknown residues",
        "record 3 (c): has no atoms to model, only unknown residues",
    ]


def test_a_name_that_a_smiles_ligand_has_too_is_told(components):
    """The tokenizer's own errors are reported in any case."""
    user_ccd = (STRUCTURES.parents[2] / "examples" / "user_ccd_component.cif").read_text()
    own = user_ccd.replace("CYS-CAP", "LIG_B")
    job = Job("x", (1,), (Ligand(("B",), smiles="CC"), Ligand(("C",), ("LIG_B",))), user_ccd=own)
    with pytest.raises(InputError, match="'LIG_B' has the name of a ligand made from SMILES"):
        check_components(job, components)


def test_components_of_a_structure_are_named_by_their_chains(tmp_path, components):
    text = lzma.decompress((STRUCTURES / "1ncb.cif.xz").read_bytes()).decode()
    path = tmp_path / "x.cif"
    path.write_text(re.sub(r"^(G \d+ )CA\b", r"\1QQ9Q", text, flags=re.M))
    (line,) = problems_of(path, components)
    assert line.startswith("chain G.ccdCodes[0]: there is no chemical component")


def test_alignments_have_the_letter_of_the_parent_for_a_modified_residue(tmp_path, components):
    """What the features would refuse of a chain that is read; B and D are read alike."""
    protein, rna = (f"sequences.{number}" for number in ("0.protein", "1.rna"))
    changes = {
        f"{protein}.sequence": "MKSDCGE",
        f"{protein}.unpairedMsa": ">q\nMKWDCGE\n>r\nMKSDCGE\n",
        f"{protein}.pairedMsa": ">q\naMKSBCGE\n",
        f"{protein}.modifications": [
            {"ptmType": "SEP", "ptmPosition": 3},
            {"ptmType": "PHD", "ptmPosition": 4},
        ],
        f"{rna}.unpairedMsa": ">q\nACGC\n",
    }
    path = written(tmp_path, changed(changes))
    told = "the first row must have the letter of its parent for a modified residue, but at residue"
    assert problems_of(path, components) == [
        f"sequences[0].protein.unpairedMsa: {told} 3 (SEP) it has W where S is wanted",
        f"sequences[1].rna.unpairedMsa: {told} 4 (PSU) it has C where U is wanted",
    ]
    sound = changes | {f"{protein}.unpairedMsa": ">q\nMKSDCGE\n", f"{rna}.unpairedMsa": ""}
    (job,) = checked_jobs(read_file(written(tmp_path, changed(sound))), components)
    featurise(job, *tokenize(job, components), components, 1)


def test_parents_of_unknown_components_are_not_guessed(tmp_path, components):
    changes = {
        "sequences.0.protein.modifications.0.ptmType": "SEPP",
        "sequences.0.protein.unpairedMsa": ">q\nMKWTCGE\n",
    }
    (line,) = problems_of(written(tmp_path, changed(changes)), components)
    assert line.startswith("sequences[0].protein.modifications[0].ptmType: there is no chemical")


@pytest.mark.parametrize("a3m", ["MKS", ">q\nMK\n"])
def test_alignments_without_the_modified_residue_are_no_failure(components, a3m):
    """Of a job made by hand, of which `validate` says what is wrong with them."""
    modified = (Modification("SEP", 3),)
    check_components(Job("x", (1,), (Protein(("A",), "MKS", modified, a3m, ""),)), components)


def pdb_ligand(folder: Path, code: str, atoms: str) -> Path:
    """A file with a ligand that has these atoms, beside a part of a protein."""
    text = read_text(STRUCTURES / "rnase_frag.pdb.xz")
    lines = [line for line in text.splitlines() if line.startswith("ATOM")]
    for atom in atoms.split():
        place = f"X   1    {len(lines):8.3f} 900.000 900.000  1.00  0.00"
        lines.append(f"HETATM 9000  {atom:3} {code:3} {place}           {atom[0]}")
    path = folder / "x.pdb"
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize(
    ("code", "atoms"),
    [
        ("LIG", "C1 C2 C3 C4 C5 C6"),  # as any ligand is called
        ("LIG", "N1 N3 C4 C5"),
        ("ADE", "N9 C8 N7 C5 C6 N6 N1 C2 N3 C4 C11"),  # more than the dictionary's
        ("CT3", "N CAT"),  # few, and none of the dictionary's
    ],
)
def test_a_ligand_that_is_another_molecule_in_the_dictionary_is_refused(
    tmp_path, components, code, atoms
):
    (line,) = problems_of(pdb_ligand(tmp_path, code, atoms), components)
    place = r"chain C.ccdCodes\[0\]"
    assert re.match(rf"{place}: {code} in the component dictionary is another molecule, ", line)


@pytest.mark.parametrize(
    ("code", "atoms"),
    [
        ("LIG", "N1 N3 C4 C5 C6 C7 C8 C10 N12 C13 C15 C17 C20 C21 C22 C24 C26 C28"),
        ("ADE", "N9 C8"),  # a part of it
        ("ADE", "N1 N2 N3 N4 N5 C1 C2 C3 C4 C5"),  # atoms have other names
        ("ADE", "N9 C8 N7 C5 C6 N6 N1 C2 N3 C4 H8 H2"),
    ],
)
def test_a_ligand_that_may_be_that_of_the_dictionary_is_taken(tmp_path, components, code, atoms):
    (job,) = checked_jobs(read_file(pdb_ligand(tmp_path, code, atoms)), components)
    assert job.entities[-1].ccd_codes == (code,)


@pytest.mark.parametrize("path", sorted(STRUCTURES.glob("*.?z")), ids=lambda path: path.name)
def test_structures_of_the_archive_have_the_molecules_of_the_dictionary(path, components):
    assert read_job(path).seen
    checked_jobs(read_file(path), components)
