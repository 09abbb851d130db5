"""Warnings about atoms without coordinates name the residues that are to blame."""

from __future__ import annotations

import numpy as np

from af3cli.scores import explain_conformers, explain_unplaced
from tests.official_runs import OfficialRun


def test_the_ligand_without_a_conformer_is_named():
    tokens, atoms = OfficialRun("covalent_ligand").tables
    coordinates = np.zeros((len(atoms), 3), np.float32)
    known = np.ones(len(atoms), bool)
    assert explain_unplaced(tokens, atoms, coordinates, known) is None
    ligand = tokens.chain_id[atoms.token] == "B"
    everywhere = np.full_like(coordinates, np.nan)
    message = explain_unplaced(tokens, atoms, everywhere, ~ligand)
    assert message.startswith("181 of 181 atoms")
    assert "B 1 (MOV)" in message and "A 1" not in message
    coordinates[0, 1] = np.inf
    message = explain_unplaced(tokens, atoms, coordinates, known)
    assert message.startswith("1 of 181 atoms") and "A 1 (MET)" in message


def test_a_ligand_without_a_conformer_is_named_although_it_is_placed():
    tokens, atoms = OfficialRun("covalent_ligand").tables
    ligand = tokens.chain_id[atoms.token] == "B"
    assert explain_conformers(tokens, atoms, np.ones(len(atoms), bool)) is None
    message = explain_conformers(tokens, atoms, ~ligand)
    assert "no reference conformer is known of B 1 (MOV):" in message
