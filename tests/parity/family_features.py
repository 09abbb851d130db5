"""Recorded inputs of the OpenFold3 and Protenix networks as our `Features`.

Both have 32 residue classes in an order of their own, flat atoms, symmetric bonds, and templates as
distances and directions.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int, Shaped

from af3cli.features.types import (
    AtomFeatures,
    BondFeatures,
    Features,
    FrameFeatures,
    MsaFeatures,
    TemplateFeatures,
    TokenFeatures,
)
from af3cli.model.config import NUM_DISTANCE_BINS
from af3cli.model.template import TemplateGeometry
from af3cli.weights.torch_blocks import CLASSES

Arrays = Mapping[str, np.ndarray]

_OUR_CLASS = np.argsort(CLASSES)
_ALANINE, _GLYCINE, _UNKNOWN = 0, 7, 20
_PURINES = (22, 23, 26, 27)


def features_from_family(arrays: Arrays) -> Features:
    """Returns the features at their natural size; templates are only in `template_geometry`."""
    token = _first(arrays, "atom_to_token_index", "atom_to_token_idx").astype(np.int32)
    num_tokens, num_atoms = len(arrays["asym_id"]), len(token)
    count = np.bincount(token, minlength=num_tokens).astype(np.int32)
    start = (np.cumsum(count) - count).astype(np.int32)
    slot = _first(arrays, "atom_slot_af3", "atom_to_tokatom_idx").astype(np.int32)
    tokens = TokenFeatures(
        mask=np.ones(num_tokens, bool),
        residue_type=_one_hot_class(arrays["restype"]),
        ref_space_uid=arrays["ref_space_uid"][start].astype(np.int32),
        atom_start=start,
        atom_count=count,
        **{
            name: arrays[name].astype(np.int32)
            for name in ("token_index", "residue_index", "asym_id", "entity_id", "sym_id")
        },
    )
    atoms = AtomFeatures(
        mask=np.ones(num_atoms, bool),
        token=token,
        slot=slot,
        ref_position=arrays["ref_pos"].astype(np.float32),
        ref_mask=arrays["ref_mask"].astype(bool),
        element=_atomic_number(arrays["ref_element"]),
        charge=arrays["ref_charge"].astype(np.float32),
        name_chars=arrays["ref_atom_name_chars"].argmax(axis=-1).astype(np.int32),
    )
    return Features(
        tokens=tokens,
        atoms=atoms,
        msa=_msa_features(arrays),
        templates=_no_templates(num_tokens),
        bonds=_bond_features(arrays),
        frames=FrameFeatures(
            pseudo_beta_atom=_pseudo_beta_atoms(arrays, tokens, atoms),
            has_frame=np.ones(num_tokens, bool),
        ),
    )


def template_geometry(arrays: Arrays) -> TemplateGeometry:
    """Returns what passes read of the recorded templates, empty ones among them."""
    distances = arrays["template_distogram"]
    bins = np.where(distances.any(axis=-1), distances.argmax(axis=-1), NUM_DISTANCE_BINS)
    same_chain = arrays["asym_id"][:, None] == arrays["asym_id"]
    has_beta, has_backbone = (
        _pair_mask(arrays[f"template_{name}_mask"]) & same_chain
        for name in ("pseudo_beta", "backbone_frame")
    )
    types = (
        _OUR_CLASS[arrays["template_aatype"]]
        if "template_aatype" in arrays
        else _one_hot_class(arrays["template_restype"])
    )
    return TemplateGeometry(
        residue_type=types.astype(np.int32),
        bins=np.where(same_chain, bins, NUM_DISTANCE_BINS).astype(np.int8),
        has_beta=has_beta,
        vectors=np.where(same_chain[..., None], arrays["template_unit_vector"], 0),
        has_backbone=has_backbone,
        num_real=np.int32(len(types)),
    )


def _first(arrays: Arrays, *names: str) -> np.ndarray:
    """Returns the array that has one of these names."""
    return next(arrays[name] for name in names if name in arrays)


def _one_hot_class(one_hot: Float[np.ndarray, "*batch 32"]) -> Int[np.ndarray, "*batch"]:
    return _OUR_CLASS[one_hot.argmax(axis=-1)].astype(np.int32)


def _atomic_number(one_hot: Float[np.ndarray, "atom element"]) -> Int[np.ndarray, "atom"]:
    """Returns 1 for the first column, and 0 where no column is set."""
    return np.where(one_hot.any(axis=-1), one_hot.argmax(axis=-1) + 1, 0).astype(np.int32)


def _pair_mask(mask: Float[np.ndarray, "template token *token"]) -> np.ndarray:
    mask = mask.astype(bool)
    return mask if mask.ndim == 3 else mask[:, :, None] & mask[:, None, :]


def _msa_features(arrays: Arrays) -> MsaFeatures:
    rows = arrays["msa"]
    classes = _OUR_CLASS[rows] if rows.ndim == 2 else _one_hot_class(rows)
    deletions = 3 * np.tan(arrays["deletion_value"].astype(np.float64) * np.pi / 2)
    return MsaFeatures(
        row_mask=np.ones(len(rows), bool),
        rows=classes.astype(np.int8),
        deletions=np.rint(deletions).astype(np.int8),
        profile=arrays["profile"][:, CLASSES].astype(np.float32),
        deletion_mean=arrays["deletion_mean"].astype(np.float32),
    )


def _no_templates(num_tokens: int) -> TemplateFeatures:
    return TemplateFeatures(
        mask=np.ones(0, bool),
        residue_type=np.zeros((0, num_tokens), np.int32),
        pseudo_beta=np.zeros((0, num_tokens, 3), np.float32),
        pseudo_beta_mask=np.zeros((0, num_tokens), bool),
        backbone=np.zeros((0, num_tokens, 3, 3), np.float32),
        backbone_mask=np.zeros((0, num_tokens), bool),
    )


def _bond_features(arrays: Arrays) -> BondFeatures:
    """Each bond once: that a network sees it from both ends is for the network to do."""
    tokens = np.argwhere(np.triu(arrays["token_bonds"]) > 0).astype(np.int32)
    return BondFeatures(mask=np.ones(len(tokens), bool), tokens=tokens)


def _pseudo_beta_atoms(
    arrays: Arrays, tokens: TokenFeatures, atoms: AtomFeatures
) -> Int[np.ndarray, "token"]:
    """Returns the atom that stands for each token; not all files say which it is."""
    if "distogram_rep_atom_mask" in arrays:
        return np.flatnonzero(arrays["distogram_rep_atom_mask"]).astype(np.int32)
    names = _names(atoms.name_chars)
    purine = np.isin(tokens.residue_type, _PURINES)[atoms.token]
    whole = (tokens.atom_count > 1)[atoms.token]
    is_nucleic = (arrays["is_rna"] | arrays["is_dna"]).astype(bool)[atoms.token]
    wanted = np.where(is_nucleic, np.where(purine, "C4", "C2"), "CB")
    score = np.where(whole & (names == wanted), 2, 0) + (~is_nucleic & (names == "CA"))
    best = np.lexsort((np.arange(len(names)), -score, atoms.token))
    return best[tokens.atom_start].astype(np.int32)


def _names(characters: Int[np.ndarray, "atom 4"]) -> Shaped[np.ndarray, "atom"]:
    return np.array(["".join(chr(32 + c) for c in row).strip() for row in characters])
