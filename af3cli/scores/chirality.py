"""Whether ligands came out with the chirality of their reference molecules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32

from af3cli.chemistry import JobComponents, molecule
from af3cli.chemistry.quiet_rdkit import quiet_rdkit
from af3cli.tokens.types import Atoms, MoleculeType, Tokens

if TYPE_CHECKING:
    from rdkit import Chem

# Only centres whose atoms' names begin with these are compared: not phosphorus, whose labels
# depend on where the double bond is drawn.
_CENTRES = ("C", "S")


def compare_chirality(
    tokens: Tokens,
    atoms: Atoms,
    coordinates: Float32[np.ndarray, "atom 3"],
    components: JobComponents,
) -> dict[str, bool]:
    """Returns, for each chain that is a ligand of one residue, whether its chirality is right.

    Coordinates are in Å. The reference is the ideal structure of the component, or the SMILES
    string it was made from. Ligands of which RDKit can make no molecule, or whose predicted atoms
    have no coordinates or coincide in a way that RDKit cannot read, are left out.
    """
    matches = {}
    for chain_id, rows in _single_residue_ligands(tokens, atoms).items():
        reference = _reference(components, tokens.residue_name[atoms.token[rows[0]]])
        if reference is None or not np.isfinite(coordinates[rows]).all():
            continue
        positions = dict(zip(atoms.name[rows], coordinates[rows].astype(np.float64), strict=True))
        predicted = _with_positions(reference, positions)
        if predicted is not None:
            matches[chain_id] = _centres_match(_centres(predicted), _centres(reference))
    return matches


def _single_residue_ligands(tokens: Tokens, atoms: Atoms) -> dict[str, np.ndarray]:
    """Returns the atom rows of each ligand chain of one residue, by chain id."""
    rows_of = {}
    for asym_id in np.unique(tokens.asym_id[tokens.molecule_type == MoleculeType.LIGAND]):
        chain = tokens.asym_id == asym_id
        if len(np.unique(tokens.residue_id[chain])) == 1:
            rows_of[str(tokens.chain_id[chain][0])] = np.flatnonzero(chain[atoms.token])
    return rows_of


def _reference(components: JobComponents, code: str) -> Chem.Mol | None:
    """Returns the component without hydrogens, each atom's name in its property `atom_name`."""
    from rdkit import Chem

    component = components.get(code)
    known = molecule(component)
    if known is None:
        return None
    mol = Chem.Mol(known.mol)
    for atom, row in zip(mol.GetAtoms(), known.component_row, strict=True):
        atom.SetProp("atom_name", component.atom_name[row])
    with quiet_rdkit():
        return Chem.RemoveHs(mol)


def _with_positions(
    reference: Chem.Mol, positions: Mapping[str, Float32[np.ndarray, "3"]]
) -> Chem.Mol | None:
    """Returns the reference's atoms that have a position, with the chirality that these show."""
    from rdkit import Chem

    mol = Chem.RWMol(reference)
    mol.RemoveAllConformers()
    names = [atom.GetProp("atom_name") for atom in mol.GetAtoms()]
    mol.BeginBatchEdit()
    for index, name in enumerate(names):
        if name not in positions:
            mol.RemoveAtom(index)
    mol.CommitBatchEdit()
    conformer = Chem.Conformer(mol.GetNumAtoms())
    conformer.SetPositions(np.array([positions[name] for name in names if name in positions]))
    mol.AddConformer(conformer)
    try:
        Chem.AssignStereochemistryFrom3D(mol)
    except RuntimeError:  # RDKit cannot normalise a vector between coinciding atoms
        return None
    return mol


def _centres(mol: Chem.Mol) -> dict[str, str]:
    """Returns the label (R, S or ?) of each chiral centre, by atom name."""
    from rdkit import Chem

    found = Chem.FindMolChiralCenters(
        mol, force=True, includeUnassigned=False, useLegacyImplementation=True
    )
    labels = {mol.GetAtomWithIdx(i).GetProp("atom_name"): label for i, label in found}
    return {name: label for name, label in labels.items() if name.upper().startswith(_CENTRES)}


def _centres_match(predicted: Mapping[str, str], reference: Mapping[str, str]) -> bool:
    """Says whether every predicted centre is one of the reference, with its label if it has one."""
    return all(reference.get(name) in (label, "?") for name, label in predicted.items())
