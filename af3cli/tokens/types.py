"""`Tokens` and `Atoms`: two tables, held as one array per column.

A token is a standard residue, or one heavy atom of a ligand or of a modified residue.
Atoms are one flat table in token order; `Atoms.token` says to which row of `Tokens` each belongs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Bool, Int32, Shaped


class MoleculeType(StrEnum):
    """What kind of molecule a chain is."""

    PROTEIN = "protein"
    RNA = "rna"
    DNA = "dna"
    LIGAND = "ligand"


@dataclass(frozen=True)
class Tokens:
    """One row per token, in the order of the network's axes.

    `chain_id`, `residue_name` (CCD code) and `atom_name` (empty for whole-residue tokens) are
    arrays of `str` objects, `molecule_type` of `MoleculeType` values. `residue_id` is 1-based as
    in the job. `asym_id`, `entity_id` and `sym_id` are the official 1-based chain numbers.
    `residue_type` is the class 0..30 that the network reads. `ref_space_uid` numbers the residues
    from 0. `atom_start` and `atom_count` give each token's rows in `Atoms`;
    `representative_atom` is the row of its CA, C1' or only atom.
    """

    chain_id: Shaped[np.ndarray, "token"]
    asym_id: Int32[np.ndarray, "token"]
    entity_id: Int32[np.ndarray, "token"]
    sym_id: Int32[np.ndarray, "token"]
    molecule_type: Shaped[np.ndarray, "token"]
    residue_id: Int32[np.ndarray, "token"]
    residue_name: Shaped[np.ndarray, "token"]
    atom_name: Shaped[np.ndarray, "token"]
    is_modified: Bool[np.ndarray, "token"]
    residue_type: Int32[np.ndarray, "token"]
    ref_space_uid: Int32[np.ndarray, "token"]
    atom_start: Int32[np.ndarray, "token"]
    atom_count: Int32[np.ndarray, "token"]
    representative_atom: Int32[np.ndarray, "token"]

    def __len__(self) -> int:
        return len(self.asym_id)

    @property
    def residue_start(self) -> Int32[np.ndarray, "residue"]:
        """The first row of each residue."""
        return np.flatnonzero(np.diff(self.ref_space_uid, prepend=-1)).astype(np.int32)


@dataclass(frozen=True)
class Atoms:
    """One row per heavy atom that the model predicts, in token order.

    `slot` is the atom's place among the heavy atoms of its component's CCD entry (0 for atoms
    that are tokens by themselves); `name` and `element` are arrays of `str` objects.
    """

    token: Int32[np.ndarray, "atom"]
    slot: Int32[np.ndarray, "atom"]
    name: Shaped[np.ndarray, "atom"]
    element: Shaped[np.ndarray, "atom"]

    def __len__(self) -> int:
        return len(self.token)
