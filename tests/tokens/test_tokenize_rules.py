"""Rules of the tokenizer; the expected rows were seen in the official program's own output."""

from __future__ import annotations

import logging

import pytest

from af3cli.chemistry import ComponentDictionary, open_dictionary
from af3cli.errors import InputError
from af3cli.features.bonds import bond_features
from af3cli.job import AtomAddress, Dna, Entity, Job, Ligand, Modification, Protein, Rna
from af3cli.tokens import Atoms, Tokens, tokenize


@pytest.fixture(scope="module")
def components() -> ComponentDictionary:
    return open_dictionary()


def job(*entities: Entity, bonds: tuple = ()) -> Job:
    pairs = tuple((AtomAddress(*first), AtomAddress(*second)) for first, second in bonds)
    return Job("test", (1,), entities, pairs)


def names(tokens: Tokens, atoms: Atoms, token: int) -> str:
    start = tokens.atom_start[token]
    return " ".join(atoms.name[start : start + tokens.atom_count[token]])


def test_unknown_letters_become_unknown_residues(components: ComponentDictionary) -> None:
    entities = Protein(("A",), "UGX"), Rna(("B",), "AT"), Dna(("C",), "AU")
    tokens, atoms = tokenize(job(*entities), components)
    assert tokens.residue_name.tolist() == ["UNK", "GLY", "UNK", "A", "N", "DA", "DN"]
    assert tokens.residue_type.tolist() == [20, 7, 20, 22, 30, 26, 30]
    assert names(tokens, atoms, 0) == "N CA C O"
    assert names(tokens, atoms, 2) == "N CA C O OXT"


def test_chains_of_unknown_residues_are_left_out_and_said_to_be(
    components: ComponentDictionary, caplog: pytest.LogCaptureFixture
) -> None:
    entities = (
        Protein(("A",), "AG"),
        Protein(("B",), "XXX"),
        Rna(("C",), "N"),
        Ligand(("D",), ("MG",)),
    )
    with caplog.at_level(logging.WARNING):
        tokens, _ = tokenize(job(*entities), components)
    assert tokens.chain_id.tolist() == ["A", "A", "D"]
    assert tokens.asym_id.tolist() == [1, 1, 2]
    assert [record.args[1] for record in caplog.records] == ["B", "C"]
    with pytest.raises(InputError, match="only unknown residues"):
        tokenize(job(Protein(("A",), "XX")), components)


def test_chains_are_in_spreadsheet_order_and_numbered_by_sequence(
    components: ComponentDictionary,
) -> None:
    entities = Protein(("AA", "B", "AAA"), "AG"), Protein(("BA", "Z"), "GG"), Protein(("AB",), "AG")
    tokens, _ = tokenize(job(*entities), components)
    assert tokens.chain_id[::2].tolist() == ["B", "Z", "AA", "BA", "AB", "AAA"]
    assert tokens.asym_id[::2].tolist() == [1, 2, 3, 4, 5, 6]
    assert tokens.entity_id[::2].tolist() == [1, 2, 1, 2, 1, 1]
    assert tokens.sym_id[::2].tolist() == [1, 1, 2, 2, 3, 4]


def test_equal_smiles_ligands_are_different_entities(components: ComponentDictionary) -> None:
    tokens, atoms = tokenize(job(Ligand(("A", "B"), smiles="[2H]OCCl")), components)
    assert tokens.residue_name.tolist() == ["LIG_A"] * 3 + ["LIG_B"] * 3
    assert tokens.atom_name.tolist() == ["O1", "C1", "CL1"] * 2
    assert atoms.element.tolist() == ["O", "C", "Cl"] * 2
    assert tokens.entity_id.tolist() == [1, 1, 1, 2, 2, 2]
    assert tokens.sym_id.tolist() == [1] * 6


def test_modified_residues_are_atoms_unless_standard_or_selenomethionine(
    components: ComponentDictionary,
) -> None:
    codes = {1: "ACE", 2: "SEP", 3: "MSE", 4: "ALA", 5: "NH2"}
    modifications = tuple(Modification(code, position) for position, code in codes.items())
    tokens, atoms = tokenize(job(Protein(("A",), "GGGGG", modifications)), components)
    per_residue = [int((tokens.residue_id == position).sum()) for position in codes]
    assert per_residue == [3, 10, 1, 1, 1]
    assert tokens.is_modified.all()
    assert sorted(set(tokens.residue_type[tokens.residue_id == 2])) == [15]
    assert tokens.residue_type[tokens.residue_id == 3] == 12
    assert "SE" in names(tokens, atoms, 13)


def test_nucleic_modifications_take_the_type_of_their_parent(
    components: ComponentDictionary,
) -> None:
    rna = Rna(
        ("A",), "AAAA", (Modification("PSU", 1), Modification("DA", 2), Modification("ATP", 4))
    )
    dna = Dna(("B",), "AA", (Modification("5CM", 2),))
    tokens, atoms = tokenize(job(rna, dna), components)
    first_rows = {
        (chain, residue): tokens.residue_type[
            (tokens.chain_id == chain) & (tokens.residue_id == residue)
        ][0]
        for chain, residue in [("A", 1), ("A", 2), ("A", 4), ("B", 2)]
    }
    assert list(first_rows.values()) == [25, 22, 30, 28]
    assert set(tokens.residue_id[atoms.token[atoms.name == "OP3"]]) == {1}


def test_sugars_lose_their_anomeric_oxygen_unless_it_is_bonded(
    components: ComponentDictionary,
) -> None:
    tokens, atoms = tokenize(job(Ligand(("A",), ("NAG",)), Ligand(("B",), ("ATP",))), components)
    assert "O1" not in atoms.name
    assert len(tokens) == 14 + 31
    entities = Protein(("A",), "S"), Ligand(("B", "C"), ("NAG",))
    bonds = [(("A", 1, "OG"), ("B", 1, "O1"))]
    _, atoms = tokenize(job(*entities, bonds=bonds), components)
    assert atoms.name.tolist().count("O1") == 1


def test_a_second_bond_of_an_atom_does_not_keep_the_anomeric_oxygen(
    components: ComponentDictionary, caplog: pytest.LogCaptureFixture
) -> None:
    entities = Protein(("A",), "AS"), Ligand(("B", "C"), ("NAG",))
    bonds = [(("A", 2, "OG"), ("B", 1, "C1")), (("A", 2, "OG"), ("C", 1, "O1"))]
    tokens, _ = tokenize(job(*entities, bonds=bonds), components)
    assert set(tokens.chain_id) == {"A", "B"}
    assert "chain C" in caplog.text
    bonds[0] = ("A", 2, "OG"), ("B", 1, "H1")  # a bond that is not one
    tokens, atoms = tokenize(job(*entities, bonds=bonds), components)
    assert "O1" in atoms.name[tokens.chain_id[atoms.token] == "C"]


def test_bonded_terminal_oxygen_stays_inside_a_chain(components: ComponentDictionary) -> None:
    entities = Protein(("A",), "GGG"), Ligand(("B",), ("ATP",))
    bonds = [(("A", 2, "OXT"), ("B", 1, "PG"))]
    tokens, atoms = tokenize(job(*entities, bonds=bonds), components)
    assert [names(tokens, atoms, i).count("OXT") for i in range(3)] == [0, 1, 1]


def test_bonds_of_polymers_go_to_their_centres(components: ComponentDictionary) -> None:
    modifications = Modification("SEP", 2), Modification("NH2", 3)
    entities = (
        Protein(("A",), "CGGC", modifications),
        Ligand(("B",), ("ATP",)),
        Ligand(("C",), ("HG",)),
    )
    bonds = [
        (("A", 1, "SG"), ("B", 1, "PG")),
        (("B", 1, "PB"), ("A", 2, "OG")),
        (("A", 3, "N"), ("B", 1, "PA")),  # NH2 has no CA
        (("A", 1, "SG"), ("A", 4, "SG")),  # between polymers
        (("A", 1, "HA"), ("B", 1, "PG")),  # hydrogen
        (("B", 1, "PG"), ("B", 1, "C8")),  # inside a ligand
        (("C", 1, "HG"), ("B", 1, "PG")),  # called H...
    ]
    complex_ = job(*entities, bonds=bonds)
    tokens, atoms = tokenize(complex_, components)
    found = bond_features(complex_, tokens, atoms, components.for_job(complex_)).tokens
    rows = {
        (c, r, n): i
        for i, (c, r, n) in enumerate(
            zip(tokens.chain_id, tokens.residue_id.tolist(), tokens.atom_name, strict=True)
        )
    }
    between = [(0, rows["B", 1, "PG"]), (rows["B", 1, "PB"], rows["A", 2, "CA"])]
    assert found[:2].tolist() == [list(pair) for pair in between]
    num_sep, num_atp = 9, 33
    assert len(found) == 2 + num_sep + num_atp


def test_atoms_beyond_the_24th_slot_are_dropped(components: ComponentDictionary) -> None:
    lines = ["data_ALA", "_chem_comp.id ALA", "_chem_comp.type 'L-PEPTIDE LINKING'", "loop_"]
    lines += ["_chem_comp_atom.atom_id", "_chem_comp_atom.type_symbol", "_chem_comp_atom.charge"]
    lines += [f"C{i} C 0" for i in range(30)]
    user = Job("test", (1,), (Protein(("A",), "GAG"),), user_ccd="\n".join(lines) + "\n")
    tokens, atoms = tokenize(user, components)
    assert tokens.atom_count.tolist() == [4, 24, 5]
    assert atoms.slot[atoms.token == 1].tolist() == list(range(24))


def test_wrong_components_and_atoms_are_named(components: ComponentDictionary) -> None:
    with pytest.raises(InputError) as caught:
        tokenize(job(Ligand(("A",), ("NAG", "QQQQ")), Ligand(("B",), ("atp",))), components)
    assert "chain A, residue 2" in str(caught.value)
    assert "ATP" in str(caught.value)
    bonds = [(("A", 1, "CX"), ("B", 1, "PG"))]
    with pytest.raises(InputError, match=r"residue 1 of chain A is GLY.*'CX'"):
        tokenize(job(Protein(("A",), "GG"), Ligand(("B",), ("ATP",)), bonds=bonds), components)
    entities = Dna(("A",), "AA"), Ligand(("B",), ("ATP",))
    tokenize(job(*entities, bonds=[(("A", 1, "OP3"), ("B", 1, "PG"))]), components)
    with pytest.raises(InputError, match=r"residue 2 of chain A has no atom 'OP3'"):
        tokenize(job(*entities, bonds=[(("A", 2, "OP3"), ("B", 1, "PG"))]), components)
    with pytest.raises(InputError, match=r"UNL.*no atoms"):
        tokenize(job(Ligand(("A",), ("UNL",))), components)
