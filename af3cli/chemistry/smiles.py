"""Components made from SMILES strings, with the official program's atom names."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from af3cli.chemistry.component import Component, Description
from af3cli.chemistry.quiet_rdkit import quiet_rdkit
from af3cli.errors import InputError

if TYPE_CHECKING:
    from rdkit.Chem import Mol


@lru_cache(maxsize=1024)
def component_from_smiles(code: str, smiles: str) -> Component:
    """Returns a component called `code` with all hydrogens and without coordinates.

    Atoms are in the order of the string, hydrogens last; each is named after its element and how
    many atoms of that element came before it. Bonds are those of the Kekulé form.

    Raises:
        InputError: RDKit cannot read the string, or the molecule does not fit the model's names.
    """
    from rdkit.Chem import BondType, Kekulize, Mol

    mol = mol_from_smiles(smiles)
    kekulized = Mol(mol)
    Kekulize(kekulized)
    orders = {BondType.SINGLE: 1, BondType.DATIVE: 1, BondType.DOUBLE: 2, BondType.TRIPLE: 3}
    bonds = list(kekulized.GetBonds())
    if any(bond.GetBondType() not in orders for bond in bonds):
        raise InputError(f"SMILES {smiles!r}: a bond is neither single, double nor triple")
    num_atoms = mol.GetNumAtoms()
    names = _atom_names(mol)
    if max(map(len, names)) > 4:
        raise InputError(
            f"SMILES {smiles!r}: too large: an atom name would have more than four characters"
        )
    unknown = np.full((num_atoms, 3), np.nan, np.float32)
    ends = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in bonds]
    return Component(
        code=code,
        type="NON-POLYMER",
        parent="",
        modified=None,
        atom_name=np.array(names, object),
        element=np.array([atom.GetSymbol() for atom in mol.GetAtoms()], object),
        charge=np.array([atom.GetFormalCharge() for atom in mol.GetAtoms()], np.float32),
        ideal_position=unknown,
        model_position=unknown,
        bond_atoms=np.array(ends, np.int32).reshape(-1, 2),
        bond_order=np.array([orders[bond.GetBondType()] for bond in bonds], np.int8),
        bond_is_aromatic=np.array([bond.GetIsAromatic() for bond in bonds], bool),
        description=Description(type="non-polymer"),
        smiles=smiles,
    )


def mol_from_smiles(smiles: str) -> Mol:
    """Returns the molecule with explicit hydrogens; raises `InputError` if RDKit cannot read it."""
    from rdkit.Chem import AddHs, MolFromSmiles

    with quiet_rdkit():
        mol = MolFromSmiles(smiles)
    if mol is None or not mol.GetNumAtoms():
        raise InputError(
            f"SMILES {smiles!r}: RDKit cannot make a molecule of it. A component of your own "
            "(userCCD) is another way to define a ligand"
        )
    return AddHs(mol)


def _atom_names(mol: Mol) -> list[str]:
    counts: Counter[str] = Counter()
    names = []
    for atom in mol.GetAtoms():
        element = atom.GetSymbol().upper()
        counts[element] += 1
        names.append(f"{element}{counts[element]}")
    return names
