"""The first pair representation: target features, relative positions and bonds.

Algorithms 1 (lines 2 to 5) and 3; nothing here changes between trunk passes.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float, Int32

from af3cli.features.types import BondFeatures, TokenFeatures
from af3cli.model.config import ModelConfig
from af3cli.model.layers import Linear, parameter

Pair = Float[Array, "token token pair"]
PairClass = Int32[Array, "row token"]


def relative_classes(
    rows: TokenFeatures, tokens: TokenFeatures, max_residue: int, max_chain: int
) -> tuple[PairClass, PairClass, PairClass, PairClass]:
    """Classes of the residue offset, the token offset, the same-entity bit and the chain offset.

    `rows` are some of the `tokens`, or all. Offsets are clipped and shifted to start at 0; the
    class after the largest offset means that the offset has no meaning for the pair.
    """

    def offset(of: Callable[[TokenFeatures], Int32[Array, "token"]], largest: int) -> PairClass:
        return jnp.clip(of(rows)[:, None] - of(tokens)[None, :] + largest, 0, 2 * largest)

    def same(of: Callable[[TokenFeatures], Int32[Array, "token"]]) -> Bool[Array, "row token"]:
        return of(rows)[:, None] == of(tokens)[None, :]

    residue_index = attrgetter("residue_index")
    same_chain, same_entity = same(attrgetter("asym_id")), same(attrgetter("entity_id"))
    same_residue = same_chain & same(residue_index)
    apart = 2 * max_residue + 1
    return (
        jnp.where(same_chain, offset(residue_index, max_residue), apart),
        jnp.where(same_residue, offset(attrgetter("token_index"), max_residue), apart),
        same_entity.astype(jnp.int32),
        jnp.where(same_entity, offset(attrgetter("sym_id"), max_chain), 2 * max_chain + 1),
    )


def relative_one_hot(
    rows: TokenFeatures, tokens: TokenFeatures, max_residue: int, max_chain: int
) -> Float[Array, "row token class"]:
    """The four relative classes one-hot, side by side; the same-entity bit takes one column."""
    residue, token, entity, chain = relative_classes(rows, tokens, max_residue, max_chain)
    num_offsets = 2 * max_residue + 2
    columns = [
        jax.nn.one_hot(residue, num_offsets),
        jax.nn.one_hot(token, num_offsets),
        entity[..., None].astype(jnp.float32),
        jax.nn.one_hot(chain, 2 * max_chain + 2),
    ]
    return jnp.concatenate(columns, axis=-1)


class RelativePositions(nnx.Module):
    """Learned embedding of the relative position of two tokens (algorithm 3).

    Rows of `weight` are the classes of the residue offset, of the token offset, the same-entity
    bit, and the classes of the chain offset.
    """

    def __init__(self, config: ModelConfig):
        self.max_residue = config.max_relative_residue
        self.max_chain = config.max_relative_chain
        self.weight = parameter(config.num_relative_classes, config.pair_width)

    def __call__(self, tokens: TokenFeatures) -> Pair:
        residue, token, entity, chain = relative_classes(
            tokens, tokens, self.max_residue, self.max_chain
        )
        num_offsets = 2 * self.max_residue + 2
        by_residue, by_token, by_entity, by_chain = jnp.split(
            self.weight[...].astype(jnp.float32),
            [num_offsets, 2 * num_offsets, 2 * num_offsets + 1],
        )
        return (
            by_residue[residue]
            + by_token[token]
            + entity[..., None] * by_entity[0]
            + by_chain[chain]
        )


def contact_matrix(
    bonds: BondFeatures, num_tokens: int, one_way: bool
) -> Float[Array, "token token"]:
    """1 where two tokens are bonded, from first to second only if `one_way`.

    Padding bonds join token 0 to itself, which the diagonal's first element is kept free of.
    """
    first, second = jnp.where(bonds.mask[:, None], bonds.tokens, 0).T
    contacts = jnp.zeros((num_tokens, num_tokens)).at[first, second].set(1.0)
    if not one_way:
        contacts = contacts.at[second, first].set(1.0)
    return contacts.at[0, 0].set(0.0)


class PairEmbedding(nnx.Module):
    """The pair representation before recycling, templates and alignment."""

    def __init__(self, config: ModelConfig):
        self.one_way_bonds = config.one_way_bonds_quirk
        self.left = Linear(config.target_width, config.pair_width)
        self.right = Linear(config.target_width, config.pair_width)
        self.relative = RelativePositions(config)
        self.bond = parameter(config.pair_width)

    def __call__(
        self,
        target_feat: Float[Array, "token target"],
        tokens: TokenFeatures,
        bonds: BondFeatures,
    ) -> Pair:
        contacts = contact_matrix(bonds, len(tokens.mask), self.one_way_bonds)
        pair = self.left(target_feat)[:, None] + self.right(target_feat)[None, :]
        return pair + self.relative(tokens) + contacts[..., None] * self.bond[...]
