"""`Features`: everything that the network reads of one job, at its natural size or padded.

All classes are pytrees of arrays: numpy's, or JAX's in compiled functions. At natural size every
mask is true; `pad` adds rows whose masks are false and whose other values are zero.
"""

from __future__ import annotations

import dataclasses
from typing import TypeVar, dataclass_transform

import jax
import numpy as np
from jaxtyping import Bool, Float32, Int8, Int32

Array = np.ndarray | jax.Array
_Class = TypeVar("_Class")


@dataclass_transform(frozen_default=True)
def _pytree(cls: type[_Class]) -> type[_Class]:
    """Makes `cls` a frozen dataclass whose fields are all pytree children."""
    cls = dataclasses.dataclass(frozen=True)(cls)
    return jax.tree_util.register_dataclass(
        cls, data_fields=[field.name for field in dataclasses.fields(cls)], meta_fields=[]
    )


@_pytree
class TokenFeatures:
    """Per-token features; numbering as in `af3cli.tokens.Tokens`, padding rows zero.

    `token_index` counts from 1 over all chains. `ref_space_uid` numbers residues from 0.
    """

    mask: Bool[Array, "token"]
    token_index: Int32[Array, "token"]
    residue_index: Int32[Array, "token"]
    residue_type: Int32[Array, "token"]
    asym_id: Int32[Array, "token"]
    entity_id: Int32[Array, "token"]
    sym_id: Int32[Array, "token"]
    ref_space_uid: Int32[Array, "token"]
    atom_start: Int32[Array, "token"]
    atom_count: Int32[Array, "token"]


@_pytree
class AtomFeatures:
    """Flat atoms with their reference conformers (positions in Å, one frame per residue).

    `mask` is true for real atoms, `ref_mask` where a reference conformer exists. `element` is the
    atomic number, `name_chars` the atom name's characters as ASCII code minus 32, padded with 0.
    """

    mask: Bool[Array, "atom"]
    token: Int32[Array, "atom"]
    slot: Int32[Array, "atom"]
    ref_position: Float32[Array, "atom 3"]
    ref_mask: Bool[Array, "atom"]
    element: Int32[Array, "atom"]
    charge: Float32[Array, "atom"]
    name_chars: Int32[Array, "atom 4"]


@_pytree
class MsaFeatures:
    """Alignment rows (classes from 0, 21 is the gap), deletions before each column, and profile.

    `profile` is over the residue classes of the model. It and `deletion_mean` come from the whole
    unpaired alignment of each chain.
    """

    row_mask: Bool[Array, "row"]
    rows: Int8[Array, "row token"]
    deletions: Int8[Array, "row token"]
    profile: Float32[Array, "token class"]
    deletion_mean: Float32[Array, "token"]


@_pytree
class TemplateFeatures:
    """What the network reads of real templates (positions in Å); absent templates have no row.

    `backbone` holds the positions of N, CA, C. `backbone_mask` is true where all three are known.
    The network always counts four templates: those missing here are empty ones.
    """

    mask: Bool[Array, "template"]
    residue_type: Int32[Array, "template token"]
    pseudo_beta: Float32[Array, "template token 3"]
    pseudo_beta_mask: Bool[Array, "template token"]
    backbone: Float32[Array, "template token 3 3"]
    backbone_mask: Bool[Array, "template token"]


@_pytree
class BondFeatures:
    """Token pairs (from, to) joined by bonds, in the order of `features.bonds.bond_features`.

    They are the job's bonds, those inside residues that are not standard ones, and of models that
    read them, those between distant residues of polymers and those along chains.
    """

    mask: Bool[Array, "bond"]
    tokens: Int32[Array, "bond 2"]


@_pytree
class FrameFeatures:
    """What the heads after the trunk read: which atoms and frames stand for a token.

    `pseudo_beta_atom` is an atom row; `has_frame` is the official `frames_mask`.
    """

    pseudo_beta_atom: Int32[Array, "token"]
    has_frame: Bool[Array, "token"]


@_pytree
class Features:
    """One job as the network reads it."""

    tokens: TokenFeatures
    atoms: AtomFeatures
    msa: MsaFeatures
    templates: TemplateFeatures
    bonds: BondFeatures
    frames: FrameFeatures
