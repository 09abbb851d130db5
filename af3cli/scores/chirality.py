"""Whether ligands came out with the chirality of their reference molecules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32

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
    references: Mapping[str, Chem.Mol],
) -> dict[str, bool]:
    """Returns, for each chain that is a ligand of one residue, whether its chirality is right.

    Coordinates are in Å. `references` are sanitised molecules by residue name, with stereochemistry
    assigned and every atom's name in its property `atom_name`; hydrogens do not matter. Ligands
    without a reference, and those whose atoms coincide or have no coordinates, are left out.
    """
    matches = {}
    for chain_id, rows in _single_residue_ligands(tokens, atoms).items():
        reference = references.get(tokens.residue_name[atoms.token[rows[0]]])
        if reference is None or not np.isfinite(coordinates[rows]).all():
            continue
        positions = dict(zip(atoms.name[rows], coordinates[rows].astype(np.float64), strict=True))
        predicted = _with_positions(reference, positions)
        if predicted is not None:
            matches[chain_id] = _centres_match(_centres(predicted), _centres(_bare(reference)))
    return matches


def _single_residue_ligands(tokens: Tokens, atoms: Atoms) -> dict[str, np.ndarray]:
    """Returns the atom rows of each ligand chain of one residue, by chain id."""
    rows_of = {}
    for asym_id in np.unique(tokens.asym_id[tokens.molecule_type == MoleculeType.LIGAND]):
        chain = tokens.asym_id == asym_id
        if len(np.unique(tokens.residue_id[chain])) == 1:
            rows_of[str(tokens.chain_id[chain][0])] = np.flatnonzero(chain[atoms.token])
    return rows_of


def _bare(molecule: Chem.Mol) -> Chem.Mol:
    from rdkit import Chem

    return Chem.RemoveHs(molecule)


def _with_positions(
    reference: Chem.Mol, positions: Mapping[str, Float32[np.ndarray, "3"]]
) -> Chem.Mol | None:
    """Returns the reference's atoms that have a position, with the chirality that these show."""
    from rdkit import Chem

    molecule = Chem.RWMol(_bare(reference))
    molecule.RemoveAllConformers()
    names = [atom.GetProp("atom_name") for atom in molecule.GetAtoms()]
    molecule.BeginBatchEdit()
    for index, name in enumerate(names):
        if name not in positions:
            molecule.RemoveAtom(index)
    molecule.CommitBatchEdit()
    conformer = Chem.Conformer(molecule.GetNumAtoms())
    conformer.SetPositions(np.array([positions[name] for name in names if name in positions]))
    molecule.AddConformer(conformer)
    try:
        Chem.AssignStereochemistryFrom3D(molecule)
    except RuntimeError:  # RDKit cannot normalise a vector between coinciding atoms
        return None
    return molecule


def _centres(molecule: Chem.Mol) -> dict[str, str]:
    """Returns the label (R, S or ?) of each chiral centre, by atom name."""
    from rdkit import Chem

    found = Chem.FindMolChiralCenters(
        molecule, force=True, includeUnassigned=False, useLegacyImplementation=True
    )
    labels = {molecule.GetAtomWithIdx(i).GetProp("atom_name"): label for i, label in found}
    return {name: label for name, label in labels.items() if name.upper().startswith(_CENTRES)}


def _centres_match(predicted: Mapping[str, str], reference: Mapping[str, str]) -> bool:
    """Says whether every predicted centre is one of the reference, with its label if it has one."""
    return all(reference.get(name) in (label, "?") for name, label in predicted.items())
