"""Clashes on a golden complex whose chains are laid over one another."""

from __future__ import annotations

import numpy as np

from af3cli.scores.clashes import has_clash
from tests.official_runs import OfficialRun


def spread_out(tables) -> np.ndarray:
    """Positions 3 Å apart on a line."""
    _, atoms = tables
    return (np.arange(len(atoms))[:, None] * np.array([3.0, 0, 0])).astype(np.float32)


def test_more_than_half_of_a_chain_clashes():
    tables = tokens, atoms = OfficialRun("heterodimer_paired").tables
    coordinates = spread_out(tables)
    assert not has_clash(*tables, coordinates)
    first, second = (np.flatnonzero(tokens.asym_id[atoms.token] == i) for i in (1, 2))
    half = len(second) // 2
    for overlapping, expected in ((half - 40, False), (101, True)):
        moved = coordinates.copy()
        moved[second[:overlapping]] = moved[first[:overlapping]] + np.float32([0, 1.09, 0])
        assert has_clash(*tables, moved) is expected
        moved[second[:overlapping], 1] = 1.2
        assert not has_clash(*tables, moved)


def test_neighbouring_residues_and_ligands_do_not_clash():
    tables = tokens, atoms = OfficialRun("covalent_ligand").tables
    token = atoms.token
    coordinates = spread_out(tables)
    coordinates[tokens.asym_id[token] == 2] = 0
    protein = tokens.asym_id[token] == 1
    pair_of_residues = tokens.residue_id[token[protein]] // 2
    coordinates[protein] = pair_of_residues[:, None] * np.float32([5, 0, 0])
    assert not has_clash(*tables, coordinates)
    coordinates[protein] = 0
    assert has_clash(*tables, coordinates)
