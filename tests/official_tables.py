"""The official program's atom layout (in a case's `features.npz`) as our `Tokens` and `Atoms`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from af3cli.tokens.types import Atoms, MoleculeType, Tokens

_MOLECULE_TYPES = {
    "polypeptide(L)": MoleculeType.PROTEIN,
    "polyribonucleotide": MoleculeType.RNA,
    "polydeoxyribonucleotide": MoleculeType.DNA,
    "non-polymer": MoleculeType.LIGAND,
    "branched": MoleculeType.LIGAND,
}


def tables_from_official(official: Mapping[str, np.ndarray]) -> tuple[Tokens, Atoms]:
    """Returns both tables of a golden case, without padding."""
    num_tokens = int(official["seq_length"])
    filled = np.asarray(official["pred_dense_atom_mask"], bool)[:num_tokens]
    layout = {
        name: np.asarray(official[f"token_atoms_layout.{name}"])[:num_tokens]
        for name in ("atom_name", "res_id", "chain_id", "atom_element", "res_name", "chain_type")
    }
    token, slot = np.nonzero(filled)
    first_slot = filled.argmax(axis=1)
    of_token = {name: column[np.arange(num_tokens), first_slot] for name, column in layout.items()}
    kind = np.array([_MOLECULE_TYPES[name] for name in of_token["chain_type"]], dtype=object)
    counts = filled.sum(axis=1).astype(np.int32)
    ref_space_uid = official["ref_space_uid"][:num_tokens, 0].astype(np.int32)
    is_atom = np.bincount(ref_space_uid)[ref_space_uid] > 1
    is_atom |= kind == MoleculeType.LIGAND
    names = layout["atom_name"][filled].astype(object)
    starts = (np.cumsum(counts) - counts).astype(np.int32)
    centre = np.asarray(official["residue_center_index"])[:num_tokens]
    atoms = Atoms(
        token=token.astype(np.int32),
        slot=slot.astype(np.int32),
        name=names,
        element=layout["atom_element"][filled].astype(object),
    )
    tokens = Tokens(
        chain_id=of_token["chain_id"].astype(object),
        molecule_type=kind,
        residue_id=of_token["res_id"].astype(np.int32),
        residue_name=of_token["res_name"].astype(object),
        atom_name=np.where(is_atom, names[starts], ""),
        is_modified=is_atom & (kind != MoleculeType.LIGAND),
        residue_type=official["aatype"][:num_tokens].astype(np.int32),
        ref_space_uid=ref_space_uid,
        atom_start=starts,
        atom_count=counts,
        representative_atom=np.array(
            [np.flatnonzero(filled.ravel()).searchsorted(24 * i + c) for i, c in enumerate(centre)],
            dtype=np.int32,
        ),
        **{
            name: official[name][:num_tokens].astype(np.int32)
            for name in ("asym_id", "entity_id", "sym_id")
        },
    )
    return tokens, atoms
