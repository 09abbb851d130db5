"""The template embedder (algorithm 16)."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float, Float32, Int8, Int32

from af3cli.features.types import TemplateFeatures, TokenFeatures
from af3cli.model.chunking import add_rows, map_rows
from af3cli.model.config import NUM_DISTANCE_BINS, ModelConfig
from af3cli.model.layers import LayerNorm, Linear, parameter
from af3cli.model.pairformer import PairBlock
from af3cli.model.stack import Stack

_FIRST_EDGE, _LAST_EDGE = 3.25, 50.75

Pair = Float[Array, "token token pair"]


def distance_bins(
    positions: Float32[Array, "*batch token 3"],
) -> Int8[Array, "*batch token token"]:
    """The bin of each squared distance, 39 where it lies in none.

    Bins are open intervals: 39 lower edges from 3.25 Å to 50.75 Å, the last bin up to 10⁴ Å.
    """
    edges = jnp.square(jnp.linspace(_FIRST_EDGE, _LAST_EDGE, NUM_DISTANCE_BINS))
    uppers = jnp.append(edges[1:], 1e8)
    offsets = positions[..., :, None, :] - positions[..., None, :, :]
    squared = jnp.sum(jnp.square(offsets), axis=-1)
    bins = jnp.searchsorted(edges, squared, side="left") - 1
    inside = (bins >= 0) & (squared < uppers[bins])
    return jnp.where(inside, bins, NUM_DISTANCE_BINS).astype(jnp.int8)


def unit_vectors(
    backbone: Float32[Array, "*batch token 3 3"],
) -> Float32[Array, "*batch token token 3"]:
    """The direction from token i's CA to token j's CA, in the backbone frame of token i.

    `backbone` holds N, CA, C. The direction from a token to itself is exactly zero.
    """
    nitrogen, alpha, carbon = (backbone[..., i, :] for i in range(3))
    first = _unit(carbon - alpha)
    second = nitrogen - alpha
    second = _unit(second - first * jnp.sum(first * second, axis=-1, keepdims=True))
    frame = jnp.stack([first, second, jnp.cross(first, second)], axis=-2)
    offsets = alpha[..., None, :, :] - alpha[..., :, None, :]
    return _unit(jnp.einsum("...iax,...ijx->...ija", frame, offsets, precision="highest"))


def _unit(vector: Float32[Array, "*batch 3"]) -> Float32[Array, "*batch 3"]:
    squared = jnp.sum(jnp.square(vector), axis=-1, keepdims=True)
    return vector / jnp.sqrt(jnp.maximum(squared, 1e-12))


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class TemplateGeometry:
    """What every trunk pass reads of the templates.

    `bins` is 39 where there is no distance to tell, `vectors` zero where there is no direction.
    `has_backbone` is true where both backbones of a token pair are known and of one chain,
    `has_beta` likewise for pseudo-beta atoms. `num_real` of the templates are not empty.
    """

    residue_type: Int32[Array, "template token"]
    bins: Int8[Array, "template token token"]
    has_beta: Bool[Array, "template token token"]
    vectors: Float32[Array, "template token token 3"]
    has_backbone: Bool[Array, "template token token"]
    num_real: Int32[Array, ""]


def template_geometry(
    templates: TemplateFeatures, tokens: TokenFeatures, absent_class: int
) -> TemplateGeometry:
    """Distances and directions within each template; nothing is told across chains.

    Residues of templates that are not there are of the class `absent_class`.
    """
    same_chain = tokens.asym_id[:, None] == tokens.asym_id[None, :]

    def pairs(mask: Bool[Array, "template token"]) -> Bool[Array, "template token token"]:
        return mask[:, :, None] & mask[:, None, :] & same_chain

    has_beta = pairs(templates.pseudo_beta_mask)
    has_backbone = pairs(templates.backbone_mask)
    bins = distance_bins(templates.pseudo_beta)
    return TemplateGeometry(
        residue_type=jnp.where(templates.mask[:, None], templates.residue_type, absent_class),
        bins=jnp.where(has_beta, bins, NUM_DISTANCE_BINS).astype(jnp.int8),
        has_beta=has_beta,
        vectors=jnp.where(has_backbone[..., None], unit_vectors(templates.backbone), 0),
        has_backbone=has_backbone,
        num_real=jnp.sum(templates.mask),
    )


class TemplateEmbedder(nnx.Module):
    """Mean over the template slots of each template's pair stack; empty templates count.

    Returns the pair representation with the update added.

    All empty templates are equal and computed once. Rows of `geometric` are for the 39 distance
    bins, the pseudo-beta mask, the unit vector's x, y, z, and the backbone mask.
    """

    def __init__(self, config: ModelConfig):
        template = config.template
        self.slots = template.slots
        self.width = template.width
        self.geometric = parameter(NUM_DISTANCE_BINS + 5, template.width)
        self.type_column = parameter(config.num_residue_types, template.width)
        self.type_row = parameter(config.num_residue_types, template.width)
        self.query_norm = LayerNorm(config.pair_width)
        self.query = Linear(config.pair_width, template.width)
        self.stack = Stack(
            lambda: PairBlock(template.width, template.stack), template.stack.num_blocks
        )
        self.norm = LayerNorm(template.width)
        self.contract = Linear(template.width, config.pair_width)

    def __call__(self, pair: Pair, geometry: TemplateGeometry, mask: Bool[Array, "token"]) -> Pair:
        query = map_rows(
            lambda rows: self.query(self.query_norm(rows)), pair, bytes_per_row=2 * pair[0].nbytes
        )
        num_real = geometry.num_real

        def add_template(index: Int32[Array, ""], total: Pair) -> Pair:
            count = jnp.where(index < num_real, 1, self.slots - num_real).astype(total.dtype)
            activations = query + self._embed(geometry, index)
            activations = self.stack(lambda block, carry: block(carry, mask), activations)
            return total + count * self.norm(activations)

        # One round more than there are templates: the row after them is an empty template.
        rounds = jnp.minimum(num_real + 1, self.slots)
        total = jax.lax.fori_loop(0, rounds, add_template, jnp.zeros(query.shape, jnp.float32))
        return add_rows(
            lambda _, rows: self.contract(nnx.relu(rows / self.slots)),
            pair,
            total,
            bytes_per_row=2 * pair[0].nbytes,
        )

    def _embed(self, geometry: TemplateGeometry, index: Int32[Array, ""]) -> Pair:
        """The part of a template's pair activations that does not depend on the query."""
        weights = self.geometric[...].astype(jnp.float32)
        by_bin = jnp.pad(weights[:NUM_DISTANCE_BINS], ((0, 1), (0, 0)))
        beta, vector, backbone = jnp.split(weights[NUM_DISTANCE_BINS:], [1, 4])
        residue_type = geometry.residue_type[index]
        return (
            by_bin[geometry.bins[index].astype(jnp.int32)]
            + geometry.has_beta[index][..., None] * beta
            + geometry.vectors[index] @ vector
            + geometry.has_backbone[index][..., None] * backbone
            + self.type_column[...].astype(jnp.float32)[residue_type][None, :]
            + self.type_row[...].astype(jnp.float32)[residue_type][:, None]
        )
