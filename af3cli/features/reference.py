"""Reference structure: each atom's place in a conformer of its residue, element, charge, name."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32, Int32

from af3cli.chemistry import Component, JobComponents, molecule, reference_conformers
from af3cli.chemistry.quiet_rdkit import quiet_rdkit
from af3cli.features.conventions import OFFICIAL_FEATURES, FeatureConventions
from af3cli.features.types import AtomFeatures
from af3cli.tokens.types import Atoms, Tokens

_NAME_LENGTH = 4


def atom_features(
    tokens: Tokens,
    atoms: Atoms,
    components: JobComponents,
    seed: int,
    conventions: FeatureConventions = OFFICIAL_FEATURES,
) -> AtomFeatures:
    """Returns the atom features at natural size.

    `seed` decides the conformers. It gives the official program's positions as long as the
    releases of RDKit and of the component dictionary are the same.
    """
    position, charge, is_known = reference_atoms(
        tokens, atoms, components, seed, conventions=conventions
    )
    return AtomFeatures(
        mask=np.ones(len(atoms), bool),
        token=atoms.token,
        slot=atoms.slot,
        ref_position=position,
        ref_mask=is_known,
        element=np.where(is_known, _atomic_numbers(atoms), 0).astype(np.int32),
        charge=charge,
        name_chars=np.where(is_known[:, None], _name_characters(atoms), 0).astype(np.int32),
    )


def reference_atoms(
    tokens: Tokens,
    atoms: Atoms,
    components: JobComponents,
    seed: int,
    wanted: Bool[np.ndarray, "residue"] | None = None,
    conventions: FeatureConventions = OFFICIAL_FEATURES,
) -> tuple[Float32[np.ndarray, "atom 3"], Float32[np.ndarray, "atom"], Bool[np.ndarray, "atom"]]:
    """Returns each atom's position (Å) and charge in its residue's conformer.

    They are zero where the component has no such atom, or by `conventions` no place for it, of
    which the third array tells, and in residues that are not `wanted`.
    """
    needs_ideal = conventions.conformers_need_ideal
    residues = residue_components(tokens, components)
    conformers = reference_conformers(residues, seed, wanted, needs_ideal)
    residue = tokens.ref_space_uid[atoms.token]
    row = _component_rows(residues, residue, atoms)
    is_known = row >= 0
    row = conformers.start[residue] + np.maximum(row, 0)
    if not needs_ideal:
        is_known &= np.concatenate([_has_place(component) for component in residues])[row]
    return (
        np.where(is_known[:, None], conformers.position[row], 0),
        np.where(is_known, conformers.charge[row], 0),
        is_known,
    )


def has_conformer(tokens: Tokens, features: AtomFeatures) -> Bool[np.ndarray, "atom"]:
    """Says of each atom whether a conformer of its residue is known; single atoms need none.

    Where none is known, all atoms of a residue are in one place.
    """
    residue = tokens.ref_space_uid[features.token]
    _, first = np.unique(residue, return_index=True)
    position = features.ref_position
    is_apart = (position != position[first][residue]).any(axis=1)
    has_extent = np.bincount(residue, is_apart) > 0
    is_single = np.bincount(residue) == 1
    return (has_extent | is_single)[residue]


def residue_components(tokens: Tokens, components: JobComponents) -> list[Component]:
    """Returns the component of each residue, by `ref_space_uid`."""
    return [components.get(code) for code in tokens.residue_name[tokens.residue_start]]


def _has_place(component: Component) -> Bool[np.ndarray, "atom"]:
    """Says of each atom whether its ideal coordinates are known, or RDKit can find it some."""
    is_ideal = np.isfinite(component.ideal_position).all(axis=1)
    return is_ideal | (molecule(component, needs_ideal=False) is not None)


def _component_rows(
    residues: list[Component], residue: Int32[np.ndarray, "atom"], atoms: Atoms
) -> Int32[np.ndarray, "atom"]:
    """Returns each atom's row in its residue's component, -1 if it has no such atom."""
    rows = (
        residues[index].atom_row.get(name, -1)
        for index, name in zip(residue, atoms.name, strict=True)
    )
    return np.fromiter(rows, np.int32, len(atoms))


def _atomic_numbers(atoms: Atoms) -> Int32[np.ndarray, "atom"]:
    """Returns atomic numbers, zero for what is not an element."""
    symbols, which = np.unique(atoms.element.astype(str), return_inverse=True)
    return np.array([_atomic_number(symbol) for symbol in symbols], np.int32)[which]


def _atomic_number(symbol: str) -> int:
    from rdkit.Chem import GetPeriodicTable

    try:
        with quiet_rdkit():
            return max(GetPeriodicTable().GetAtomicNumber(symbol.capitalize()), 0)
    except RuntimeError:
        return 0


def _name_characters(atoms: Atoms) -> Int32[np.ndarray, "atom 4"]:
    """Returns the characters of each name as their codes less 32, zero after the end."""
    names = atoms.name.astype(f"S{_NAME_LENGTH}")
    codes = names.view(np.uint8).reshape(-1, _NAME_LENGTH).astype(np.int32)
    return np.where(codes > 0, codes - 32, 0)
