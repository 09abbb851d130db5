"""Clashes between polymer chains."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from af3cli.tokens.types import Atoms, MoleculeType, Tokens

# Å; atoms of one residue or of neighbours in the sequence never clash
CLASH_DISTANCE = 1.1
MAX_CLASHING_ATOMS = 100
MAX_CLASHING_FRACTION = 0.5


def has_clash(tokens: Tokens, atoms: Atoms, coordinates: Float32[np.ndarray, "atom 3"]) -> bool:
    """Says whether more than 100 atoms, or half of the atoms, of some polymer chain clash.

    Coordinates are in Å and finite. Ligands neither clash nor count. Supplementary information of
    Abramson et al. 2024 (doi:10.1038/s41586-024-07487-w), "Confidence measures".
    """
    from scipy.spatial import cKDTree

    polymer = np.flatnonzero(tokens.molecule_type[atoms.token] != MoleculeType.LIGAND)
    if not len(polymer):
        return False
    token = atoms.token[polymer]
    chain, residue = tokens.asym_id[token], tokens.residue_id[token]
    tree = cKDTree(coordinates[polymer])
    left, right = tree.query_pairs(CLASH_DISTANCE, output_type="ndarray").T
    apart = (chain[left] != chain[right]) | (np.abs(residue[left] - residue[right]) > 1)
    clashing = np.zeros(len(polymer), dtype=bool)
    clashing[left[apart]] = clashing[right[apart]] = True
    clashes, sizes = np.bincount(chain, weights=clashing), np.bincount(chain)
    too_many = (clashes > MAX_CLASHING_ATOMS) | (clashes > MAX_CLASHING_FRACTION * sizes)
    return bool(too_many.any())
