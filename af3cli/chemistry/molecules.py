"""Components as RDKit molecules, built in the way that the official program builds them.

The order of atoms, the explicit hydrogens and the stereochemistry all decide what conformer RDKit
makes for a given seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, Int32

from af3cli.chemistry.component import Component
from af3cli.chemistry.quiet_rdkit import quiet_rdkit
from af3cli.chemistry.smiles import mol_from_smiles

if TYPE_CHECKING:
    from rdkit.Chem import Mol


@dataclass(frozen=True, eq=False)
class Molecule:
    """A sanitised RDKit molecule with explicit hydrogens.

    `component_row[i]` is the component's row of the molecule's atom `i`. `charge` is in the
    component's order; sanitisation may have moved charges between atoms.
    """

    mol: Mol
    component_row: Int32[np.ndarray, "atom"]
    charge: Float32[np.ndarray, "atom"]


@lru_cache(maxsize=1024)
def molecule(component: Component, needs_ideal: bool = True) -> Molecule | None:
    """Returns the component's molecule, `None` if RDKit cannot make one of what is known.

    It cannot where a charge, a bond order or an element is unknown, where an atom has an
    impossible valence, or, if it `needs_ideal` coordinates, where one of those is unknown.
    Stereochemistry is that of the ideal coordinates, else of the model's.
    """
    if component.smiles is not None:
        mol = mol_from_smiles(component.smiles)
        row = np.arange(mol.GetNumAtoms(), dtype=np.int32)
    else:
        position = component.ideal_position
        if not needs_ideal and np.isnan(position).any():
            position = np.nan_to_num(component.model_position)
        is_known = np.isfinite(position).all() and np.isfinite(component.charge).all()
        if not is_known or not component.bond_order.all():
            return None
        row = np.array(sorted(component.atom_row.values(), key=component.atom_name.item), np.int32)
        with quiet_rdkit():
            mol = _build(component, position, row)
        if mol is None:
            return None
    charge = np.empty(len(row), np.float32)
    charge[row] = [atom.GetFormalCharge() for atom in mol.GetAtoms()]
    return Molecule(mol, row, charge)


def _build(
    component: Component, position: Float32[np.ndarray, "atom 3"], row: Int32[np.ndarray, "atom"]
) -> Mol | None:
    """Returns the sanitised molecule with its atoms in the order `row`."""
    from rdkit import Chem

    mol = Chem.RWMol()
    try:
        for element, charge in zip(component.element, component.charge, strict=True):
            atom = Chem.Atom("*" if element == "X" else element.capitalize())
            atom.SetNoImplicit(True)
            atom.SetFormalCharge(int(charge))
            mol.AddAtom(atom)
    except RuntimeError:  # not an element
        return None
    kinds = (None, Chem.BondType.SINGLE, Chem.BondType.DOUBLE, Chem.BondType.TRIPLE)
    for bond, (ends, order) in enumerate(
        zip(component.bond_atoms.tolist(), component.bond_order, strict=True)
    ):
        mol.AddBond(*ends, kinds[order])
        mol.GetBondWithIdx(bond).SetIsAromatic(bool(component.bond_is_aromatic[bond]))
    conformer = Chem.Conformer(len(component.atom_name))
    for atom, place in enumerate(position.tolist()):
        conformer.SetAtomPosition(atom, place)
    mol.UpdatePropertyCache(strict=False)
    mol.AddConformer(conformer)
    try:
        Chem.AssignStereochemistryFrom3D(mol)
        Chem.SanitizeMol(mol)
    except (ValueError, RuntimeError):  # what RDKit's sanitisation raises
        return None
    return Chem.RenumberAtoms(mol, row.tolist())
