"""The official program's feature batch (`features.npz` of a golden case) as our `Features`.

The official layout has 24 atom slots per token. The flat atoms are its filled slots, row by row.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Int32

from af3cli.features.types import (
    AtomFeatures,
    BondFeatures,
    Features,
    FrameFeatures,
    MsaFeatures,
    TemplateFeatures,
    TokenFeatures,
)

GOLDEN_CASES = sorted(
    path.parent for path in (Path(__file__).parent / "data").glob("*/features.npz")
)

_GLYCINE = 7
_UNKNOWN, _GAP = 20, 21


def features_from_official(official: Mapping[str, np.ndarray]) -> Features:
    """Returns the official features, with or without token padding, at their natural size."""
    num_tokens = int(official["seq_length"])
    official = _Cropped(official, num_tokens)
    return Features(
        tokens=_token_features(official),
        atoms=_atom_features(official),
        msa=_msa_features(official),
        templates=reduce_official_templates(
            official["template_aatype"],
            official["template_atom_positions"],
            official["template_atom_mask"],
        ),
        bonds=_bond_features(official),
        frames=_frame_features(official),
    )


def reduce_official_templates(
    residue_type: Int32[np.ndarray, "4 token"],
    positions: Float32[np.ndarray, "4 token 24 3"],
    mask: Bool[np.ndarray, "4 token 24"],
) -> TemplateFeatures:
    """Returns what the official network picks from its template arrays, without empty rows.

    Slots 0 to 4 of a standard amino acid are N, CA, C, O and CB; the network picks slot 0 for
    everything in a residue that is unknown or a gap.
    """
    residue_type, positions, mask = map(np.asarray, (residue_type, positions, mask))
    is_real = (residue_type != 0).any(axis=1) | mask.any(axis=(1, 2))
    residue_type, positions, mask = residue_type[is_real], positions[is_real], mask[is_real]
    is_standard = residue_type < _UNKNOWN
    beta_slot = np.where(is_standard, np.where(residue_type == _GLYCINE, 1, 4), 0)[..., None]
    backbone_slots = np.where(is_standard[..., None], np.arange(3), 0)

    def pick_positions(slots: np.ndarray) -> np.ndarray:
        return np.take_along_axis(positions, slots[..., None], axis=2)

    def pick_mask(slots: np.ndarray) -> np.ndarray:
        return np.take_along_axis(mask, slots, axis=2).astype(bool)

    return TemplateFeatures(
        mask=np.ones(len(residue_type), bool),
        residue_type=residue_type.astype(np.int32),
        pseudo_beta=pick_positions(beta_slot)[:, :, 0].astype(np.float32),
        pseudo_beta_mask=pick_mask(beta_slot)[:, :, 0],
        backbone=pick_positions(backbone_slots).astype(np.float32),
        backbone_mask=pick_mask(backbone_slots).all(axis=2),
    )


# Arrays whose first or second axis is the padded token axis.
_TOKENS_ON_AXIS_1 = (
    "msa",
    "msa_mask",
    "deletion_matrix",
    "template_aatype",
    "template_atom_positions",
    "template_atom_mask",
)


class _Cropped:
    """The official arrays by name, without token padding."""

    def __init__(self, arrays: Mapping[str, np.ndarray], num_tokens: int) -> None:
        self._arrays = arrays
        self.num_tokens = num_tokens

    def __getitem__(self, name: str) -> np.ndarray:
        array = np.asarray(self._arrays[name])
        if name in _TOKENS_ON_AXIS_1:
            return array[:, : self.num_tokens]
        if array.ndim and not name.endswith(("bonds:gather_idxs", "bonds:gather_mask")):
            return array[: self.num_tokens]
        return array

    @property
    def filled_slots(self) -> Bool[np.ndarray, "token 24"]:
        return self["pred_dense_atom_mask"].astype(bool)


def _token_features(official: _Cropped) -> TokenFeatures:
    atom_count = official.filled_slots.sum(axis=1).astype(np.int32)
    return TokenFeatures(
        mask=official["seq_mask"].astype(bool),
        token_index=official["token_index"].astype(np.int32),
        residue_index=official["residue_index"].astype(np.int32),
        residue_type=official["aatype"].astype(np.int32),
        asym_id=official["asym_id"].astype(np.int32),
        entity_id=official["entity_id"].astype(np.int32),
        sym_id=official["sym_id"].astype(np.int32),
        ref_space_uid=official["ref_space_uid"][:, 0].astype(np.int32),
        atom_start=(np.cumsum(atom_count) - atom_count).astype(np.int32),
        atom_count=atom_count,
    )


def _atom_features(official: _Cropped) -> AtomFeatures:
    filled = official.filled_slots
    token, slot = np.nonzero(filled)
    return AtomFeatures(
        mask=np.ones(len(token), bool),
        token=token.astype(np.int32),
        slot=slot.astype(np.int32),
        ref_position=official["ref_pos"][filled].astype(np.float32),
        ref_mask=official["ref_mask"][filled].astype(bool),
        element=official["ref_element"][filled].astype(np.int32),
        charge=official["ref_charge"][filled].astype(np.float32),
        name_chars=official["ref_atom_name_chars"][filled].astype(np.int32),
    )


def _msa_features(official: _Cropped) -> MsaFeatures:
    num_rows = int(official["num_alignments"])
    return MsaFeatures(
        row_mask=np.ones(num_rows, bool),
        rows=official["msa"][:num_rows].astype(np.int8),
        deletions=official["deletion_matrix"][:num_rows].astype(np.int8),
        profile=official["profile"].astype(np.float32),
        deletion_mean=official["deletion_mean"].astype(np.float32),
    )


def _bond_features(official: _Cropped) -> BondFeatures:
    pairs = []
    for kind in ("polymer_ligand", "ligand_ligand"):
        is_bond = official[f"tokens_to_{kind}_bonds:gather_mask"].all(axis=1)
        pairs.append(official[f"tokens_to_{kind}_bonds:gather_idxs"][is_bond])
    tokens = np.concatenate(pairs).astype(np.int32).reshape(-1, 2)
    return BondFeatures(mask=np.ones(len(tokens), bool), tokens=tokens)


def _frame_features(official: _Cropped) -> FrameFeatures:
    filled = official.filled_slots.ravel()
    atom_of_slot = np.cumsum(filled) - 1
    slots = official["token_atoms_to_pseudo_beta:gather_idxs"]
    return FrameFeatures(
        pseudo_beta_atom=atom_of_slot[slots].astype(np.int32),
        has_frame=official["frames_mask"].astype(bool),
    )
