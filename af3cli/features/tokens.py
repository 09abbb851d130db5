"""Token features: the numbers of `Tokens` that the network reads."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int32

from af3cli.features.conventions import OFFICIAL_FEATURES, FeatureConventions
from af3cli.features.residue_classes import (
    GAP,
    UNKNOWN_AMINO_ACID,
    UNKNOWN_NUCLEOTIDE,
    UNKNOWN_RNA,
)
from af3cli.features.types import TokenFeatures
from af3cli.tokens.residue_types import RESIDUE_TYPES
from af3cli.tokens.types import MoleculeType, Tokens

_LIGAND_TYPES = {code: number for number, code in enumerate(RESIDUE_TYPES)} | {
    "GAP": GAP,
    "DN": UNKNOWN_NUCLEOTIDE,
    "N": UNKNOWN_RNA,
}
"""Classes of ligands by name, where there are 32; a component GAP is taken for the gap."""


def token_features(
    tokens: Tokens, conventions: FeatureConventions = OFFICIAL_FEATURES
) -> TokenFeatures:
    """Returns the token features at natural size."""
    return TokenFeatures(
        mask=np.ones(len(tokens), bool),
        token_index=np.arange(1, len(tokens) + 1, dtype=np.int32),
        residue_index=tokens.residue_id,
        residue_type=_residue_type(tokens, conventions),
        asym_id=tokens.asym_id,
        entity_id=tokens.entity_id,
        sym_id=tokens.sym_id,
        ref_space_uid=tokens.ref_space_uid,
        atom_start=tokens.atom_start,
        atom_count=tokens.atom_count,
    )


def _residue_type(tokens: Tokens, conventions: FeatureConventions) -> Int32[np.ndarray, "token"]:
    residue_type = tokens.residue_type
    if conventions.num_residue_types > UNKNOWN_RNA:
        is_unknown = residue_type == UNKNOWN_NUCLEOTIDE
        is_rna = tokens.molecule_type == MoleculeType.RNA
        residue_type = np.where(is_unknown & is_rna, UNKNOWN_RNA, residue_type)
    if not conventions.parent_types:
        residue_type = np.where(tokens.atom_name != "", UNKNOWN_AMINO_ACID, residue_type)
    if conventions.ligand_types_by_name:
        is_ligand = tokens.molecule_type == MoleculeType.LIGAND
        by_name = [_LIGAND_TYPES.get(name, UNKNOWN_AMINO_ACID) for name in tokens.residue_name]
        residue_type = np.where(is_ligand, by_name, residue_type)
    return residue_type.astype(np.int32)
