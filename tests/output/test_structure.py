"""Structures against the official program's own files, table by table."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import gemmi
import numpy as np
import pytest
from biotite.structure.io import pdbx
from gemmi import cif

from af3cli.job import Dna, Ligand, Rna, read_job
from af3cli.output.structure import structure_mmcif
from af3cli.tokens import tokenize
from tests.official_runs import DATA, RUN_CASES, OfficialRun
from tests.output.complexes import Source, complex_of, components, golden_complex, scattered
from tests.output.jobs import EVERYTHING, what_chains_are

CASES = sorted(path.parent.name for path in DATA.glob("*/features.npz"))
# What the official program says of itself, and in place of which ours says what made the file.
OWN_ITEMS = {
    "_audit_author.": {"name", "pdbx_ordinal"},
    "_ma_model_list.": {"model_group_name", "model_name"},
    "_pdbx_data_usage.": {"id", "type", "details", "url"},
    "_software.": {"name", "version", "description"},
}
IMPLIED_BONDS = {"ptm_nad_mg": 2, "rna_mod_msa": 4}


def tables(text: str, category: str) -> dict[str, list]:
    return cif.read_string(text).sole_block().get_mmcif_category(category)


def assert_same_tables(ours: str, official: str, *but: str) -> None:
    """Compares all items of the official file but those of some categories."""
    for category in cif.read_string(official).sole_block().get_mmcif_category_names():
        if category in but:
            continue
        expected, found = tables(official, category), tables(ours, category)
        for item in expected.keys() - OWN_ITEMS.get(category, set()):
            assert found.get(item) == expected[item], f"{category}{item}"


@pytest.mark.parametrize("case", RUN_CASES)
def test_official_structures_come_out_the_same(case):
    run = OfficialRun(case)
    for sample in range(run.num_samples):
        text = structure_mmcif(
            golden_complex(case), run.coordinates(sample), run.confidences(sample).plddt
        )
        assert_same_tables(text, run.official_file(sample, "model.cif").read_text())


@pytest.mark.parametrize("case", CASES)
def test_every_kind_of_molecule_is_laid_out_as_in_the_official_program(case):
    official = str(OfficialRun(case).features["empty_output_struc.cif"])
    complex_ = golden_complex(case)
    num_atoms = len(complex_.atoms)
    text = structure_mmcif(
        complex_, np.zeros((num_atoms, 3), np.float32), np.zeros(num_atoms, np.float32)
    )
    assert_same_tables(text, official, "_struct_conn.")
    given, found = tables(official, "_struct_conn."), tables(text, "_struct_conn.")
    num_given = len(given.get("id", []))
    assert len(found.get("id", [])) == num_given + IMPLIED_BONDS.get(case, 0)
    for item, values in given.items():
        assert found[item][:num_given] == values


def test_the_file_does_not_claim_to_be_the_official_programs():
    text = structure_mmcif(complex_of(EVERYTHING), *scattered(complex_of(EVERYTHING)))
    assert tables(text, "_software.")["name"] == ["af3cli"]
    assert not tables(text, "_audit_author.")


@pytest.mark.parametrize("case", CASES)
def test_biotite_reads_the_atoms_and_bonds_back(case):
    complex_ = golden_complex(case)
    coordinates, plddt = scattered(complex_)
    file = pdbx.CIFFile.read(StringIO(structure_mmcif(complex_, coordinates, plddt)))
    found = pdbx.get_structure(file, model=1, extra_fields=["b_factor"], include_bonds=True)
    assert found.atom_name.tolist() == complex_.atoms.name.tolist()
    chains, names = complex_.tokens.chain_id, complex_.tokens.residue_name
    assert found.chain_id.tolist() == chains[complex_.atoms.token].tolist()
    assert found.res_name.tolist() == names[complex_.atoms.token].tolist()
    np.testing.assert_allclose(found.coord, coordinates, atol=6e-4)
    np.testing.assert_allclose(found.b_factor, plddt, atol=6e-3)
    assert len(np.unique(found.bonds.as_array()[:, :2])) >= len(found) - 1  # an ion has none


def test_every_kind_of_molecule_comes_back(tmp_path):
    """What is read from the file is the job: its chains, modifications and bonds."""
    known = [  # the last is a component of the job's own; unknown bases are spelt N
        replace(entity, sequence=entity.sequence.replace("X", "N"))
        if isinstance(entity, Rna | Dna)
        else entity
        for entity in EVERYTHING.entities[:-1]
    ]
    wanted = replace(EVERYTHING, entities=tuple(known), user_ccd=None)
    path = tmp_path / "model.cif"
    path.write_text(structure_mmcif(complex_of(wanted), *scattered(complex_of(wanted))))
    found = read_job(path)
    chains = what_chains_are(wanted)
    assert what_chains_are(found) == chains
    of_ligands = {
        frozenset(bond)
        for bond in wanted.bonds
        if any(chains[atom.chain_id][0] is Ligand for atom in bond)
    }
    assert {frozenset(bond) for bond in found.bonds} == of_ligands


@pytest.mark.parametrize("case", [case for case in CASES if case != "user_ccd"])
def test_molecules_come_back_as_a_job(case, tmp_path):
    complex_ = golden_complex(case)
    path = tmp_path / f"{case}_model.cif"
    path.write_text(structure_mmcif(complex_, *scattered(complex_)))
    found, job = read_job(path), complex_.job
    tokens, atoms = tokenize(found, components())
    assert tokens.residue_name.tolist() == complex_.tokens.residue_name.tolist()
    assert tokens.chain_id.tolist() == complex_.tokens.chain_id.tolist()
    assert atoms.name.tolist() == complex_.atoms.name.tolist()
    assert set(map(frozenset, found.bonds)) >= set(map(frozenset, job.bonds))


def test_unknown_coordinates_are_unknown_in_the_file():
    complex_ = golden_complex("smiles_ligand")
    coordinates, plddt = scattered(complex_)
    coordinates[-1] = np.nan
    plddt[-1] = np.nan
    text = structure_mmcif(complex_, coordinates, plddt)
    atoms = tables(text, "_atom_site.")
    for item in ("Cartn_x", "Cartn_y", "Cartn_z", "B_iso_or_equiv"):
        assert atoms[item][-1] is None
        assert None not in atoms[item][:-1]
    assert tables(text, "_ma_qa_metric_global.")["metric_value"] == [None]
    assert "nan" not in text


def test_terms_and_meaningless_parameters_are_told():
    coordinates, plddt = scattered(complex_of(EVERYTHING))
    real = structure_mmcif(complex_of(EVERYTHING), coordinates, plddt)
    usage = tables(real, "_pdbx_data_usage.")
    assert usage["url"] == ["https://example.org/terms", None]
    assert "nobody's" in usage["details"][0] and "do what you like" in usage["details"][0]
    assert "random" not in real
    bound = Source(output_terms_url="https://example.org/results")
    text = structure_mmcif(complex_of(EVERYTHING, bound), coordinates, plddt)
    usage = tables(text, "_pdbx_data_usage.")
    assert usage["url"] == ["https://example.org/results", None]
    assert "agree to the terms at <https://example.org/results>" in usage["details"][0]
    assert "agree" not in real
    random = Source(is_meaningless=True, terms_url=None)
    text = structure_mmcif(complex_of(EVERYTHING, random), coordinates, plddt)
    assert "mean nothing" in " ".join(tables(text, "_pdbx_data_usage.")["details"])


def test_gemmi_reads_the_job_back(capfd):
    complex_ = complex_of(EVERYTHING)
    text = structure_mmcif(complex_, *scattered(complex_))
    structure = gemmi.make_structure_from_block(cif.read_string(text).sole_block())
    assert capfd.readouterr() == ("", "")
    assert [chain.name for chain in structure[0]] == [*"ABCDEFGHI", "AA"]
    entities = {entity.name: entity for entity in structure.entities}
    assert entities["1"].full_sequence == ["MSE", "LYS", "CYS", "SEP", "UNK", "ASN"]
    assert entities["2"].full_sequence == ["G", "PSU", "N"]
    assert entities["3"].full_sequence == ["DC", "5CM", "DN"]
    kinds = [entities[str(number)].polymer_type for number in (1, 2, 3)]
    assert kinds == [gemmi.PolymerType.PeptideL, gemmi.PolymerType.Rna, gemmi.PolymerType.Dna]
    assert entities["6"].entity_type == gemmi.EntityType.Branched
    residues = {chain.name: [residue.name for residue in chain] for chain in structure[0]}
    assert residues["F"] == ["NAG", "NAG", "FUC"]
    assert residues["G"] == ["LIG_G"] and residues["H"] == ["MG"] and residues["I"] == ["MINE-1"]
    assert residues["AA"] == ["MSE", "LYS", "CYS", "SEP", "UNK", "ASN"]
    assert structure[0]["E"][0]["PA"][0].element == gemmi.Element("P")
    assert structure[0]["G"][0]["CL1"][0].element == gemmi.Element("Cl")
    assert structure[0].count_atom_sites() == len(complex_.atoms)


def test_gemmi_reads_the_bonds_back():
    complex_ = complex_of(EVERYTHING)
    text = structure_mmcif(complex_, *scattered(complex_))
    structure = gemmi.make_structure_from_block(cif.read_string(text).sole_block())

    def address(partner: gemmi.AtomAddress) -> tuple[str, int, str]:
        return partner.chain_name, partner.res_id.seqid.num, partner.atom_name

    bonds = {
        (*address(bond.partner1), *address(bond.partner2)): bond.type
        for bond in structure.connections
    }
    covale = gemmi.ConnectionType.Covale
    assert bonds == {
        ("A", 6, "ND2", "F", 1, "C1"): covale,
        ("F", 1, "O4", "F", 2, "C1"): covale,
        ("F", 1, "O6", "F", 3, "C1"): covale,
        ("A", 3, "SG", "AA", 3, "SG"): gemmi.ConnectionType.Disulf,
        ("A", 1, "C", "A", 2, "N"): covale,
        ("A", 3, "C", "A", 4, "N"): covale,
        ("A", 4, "C", "A", 5, "N"): covale,
        ("AA", 1, "C", "AA", 2, "N"): covale,
        ("AA", 3, "C", "AA", 4, "N"): covale,
        ("AA", 4, "C", "AA", 5, "N"): covale,
        ("B", 1, "O3'", "B", 2, "P"): covale,
        ("B", 2, "O3'", "B", 3, "P"): covale,
        ("C", 1, "O3'", "C", 2, "P"): covale,
        ("C", 2, "O3'", "C", 3, "P"): covale,
    }
    for connection in structure.connections:
        assert all(
            structure[0].find_cra(p).atom for p in (connection.partner1, connection.partner2)
        )


def test_elements_are_spelt_as_in_their_components():
    complex_ = complex_of(EVERYTHING)
    text = structure_mmcif(complex_, *scattered(complex_))
    assert {"Cl", "P"} <= set(tables(text, "_atom_type.")["symbol"])


@pytest.mark.parametrize("code", ["LIG_G", "MINE-1", "NAD", "NAG", "SEP"])
def test_bonds_of_components_make_the_molecule(code):
    from rdkit import Chem

    complex_ = complex_of(EVERYTHING)
    text = structure_mmcif(complex_, *scattered(complex_))
    atoms, bonds = tables(text, "_chem_comp_atom."), tables(text, "_chem_comp_bond.")
    molecule, index = Chem.RWMol(), {}
    for comp, name, symbol, charge in zip(
        atoms["comp_id"], atoms["atom_id"], atoms["type_symbol"], atoms["charge"], strict=True
    ):
        if comp == code:
            atom = Chem.Atom(symbol.capitalize())
            atom.SetFormalCharge(int(charge))
            index[name] = molecule.AddAtom(atom)
    orders = {"SING": Chem.BondType.SINGLE, "DOUB": Chem.BondType.DOUBLE}
    for comp, one, other, order in zip(
        bonds["comp_id"], bonds["atom_id_1"], bonds["atom_id_2"], bonds["value_order"], strict=True
    ):
        if comp == code:
            molecule.AddBond(index[one], index[other], orders[order])
    Chem.SanitizeMol(molecule)
    expected = {
        "LIG_G": "OC(=O)c1ccc(Cl)cc1",
        "MINE-1": "CCO",
        "NAD": "NC(=O)c1ccc[n+](c1)C1OC(COP([O-])(=O)OP(O)(=O)OCC2OC(C(O)C2O)n2cnc3c(N)ncnc23)"
        "C(O)C1O",
        "NAG": "CC(=O)NC1C(O)OC(CO)C(O)C1O",
        "SEP": "NC(COP(O)(O)=O)C(O)=O",
    }[code]
    assert Chem.MolToSmiles(molecule) == Chem.CanonSmiles(expected)


def test_texts_of_users_do_not_break_the_file():
    complex_ = complex_of(EVERYTHING)
    text = structure_mmcif(complex_, *scattered(complex_))
    descriptions = tables(text, "_entity.")["pdbx_description"]
    assert descriptions[0] == "it's \"5'\"\n ;data_x\nloop_"
    assert descriptions[1] is False
