"""Frame features: the atom that stands for a token in distances, and whether it has a frame."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32, Int32

from af3cli.chemistry import JobComponents
from af3cli.features.conventions import OFFICIAL_FEATURES, FeatureConventions
from af3cli.features.reference import reference_atoms
from af3cli.features.types import FrameFeatures
from af3cli.tokens.types import Atoms, MoleculeType, Tokens

_SEED = 12312837
"""Conformers for frames come from this seed, whatever the job's seed."""

_MIN_BEND = 0.0937
"""1 - |cos| of the angle at a frame's origin; below it the three atoms are in a line."""

_FAR = 1e8
_PURINES = ("A", "G", "DA", "DG")


def frame_features(
    tokens: Tokens,
    atoms: Atoms,
    components: JobComponents,
    conventions: FeatureConventions = OFFICIAL_FEATURES,
) -> FrameFeatures:
    """Returns the frame features at natural size.

    Every token of a polymer has a frame. A ligand's atom has one if its two nearest neighbours in
    the residue's conformer are not in line with it.
    """
    return FrameFeatures(
        pseudo_beta_atom=_pseudo_beta_atoms(tokens, atoms, components),
        has_frame=_has_frame(tokens, atoms, components, conventions),
    )


def _pseudo_beta_atoms(
    tokens: Tokens, atoms: Atoms, components: JobComponents
) -> Int32[np.ndarray, "token"]:
    """Returns CB, or CA; C4 of purines, C2 of other bases; else the token's first atom."""
    kind = tokens.molecule_type[atoms.token]
    is_nucleic = (kind == MoleculeType.RNA) | (kind == MoleculeType.DNA)
    parents = {code: components.get(code).parent or code for code in set(tokens.residue_name)}
    is_purine = np.isin([parents[code] for code in tokens.residue_name], _PURINES)[atoms.token]
    is_protein = kind == MoleculeType.PROTEIN
    name = atoms.name
    preference = np.select(
        [
            is_protein & (name == "CB"),
            is_protein & (name == "CA"),
            is_nucleic & (name == np.where(is_purine, "C4", "C2")),
        ],
        [0, 1, 0],
        default=2,
    )
    best_first = np.lexsort((np.arange(len(atoms)), preference, atoms.token))
    return best_first[tokens.atom_start].astype(np.int32)


def _has_frame(
    tokens: Tokens,
    atoms: Atoms,
    components: JobComponents,
    conventions: FeatureConventions,
) -> Bool[np.ndarray, "token"]:
    residue, num_residues = tokens.ref_space_uid, int(tokens.ref_space_uid[-1]) + 1
    is_ligand = tokens.molecule_type == MoleculeType.LIGAND
    num_atoms = np.bincount(residue[is_ligand], minlength=num_residues)
    needed = num_atoms >= 3
    position, _, is_known = reference_atoms(tokens, atoms, components, _SEED, needed, conventions)
    has_frame = ~is_ligand
    for number in np.flatnonzero(needed):
        of_residue = np.flatnonzero(residue == number)
        rows = tokens.representative_atom[of_residue]
        has_frame[of_residue] = _is_bent(position[rows], is_known[rows])
    return has_frame


def _is_bent(
    position: Float32[np.ndarray, "atom 3"], is_known: Bool[np.ndarray, "atom"]
) -> Bool[np.ndarray, "atom"]:
    """Returns whether each atom is not in a line with its two nearest neighbours."""
    distance = np.linalg.norm(position[:, None] - position, axis=-1)
    cost = distance + _FAR * ~is_known + _FAR * np.eye(len(position))
    nearest = np.argsort(cost, axis=-1)[:, :2]
    arms = position[nearest] - position[:, None]
    lengths = np.linalg.norm(arms, axis=-1)
    coincides = np.isclose(lengths, 0).any(axis=1)
    arms = arms / np.where(lengths > 0, lengths, 1)[..., None]
    cosine = np.einsum("ac,ac->a", arms[:, 0], arms[:, 1])
    return ~coincides & (1 - np.abs(cosine) >= _MIN_BEND)
