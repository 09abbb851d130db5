"""Pairformer blocks and stacks (algorithm 17)."""

from __future__ import annotations

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float

from af3cli.model.attention import attend
from af3cli.model.chunking import add_rows
from af3cli.model.config import PairStackConfig
from af3cli.model.layers import (
    ChannelsFirst,
    LayerNorm,
    Linear,
    Transition,
    gated,
    masked,
    split_heads,
)
from af3cli.model.stack import Stack
from af3cli.model.triangle import TriangleAttention, TriangleMultiplication

Pair = Float[Array, "token token pair"]
Single = Float[Array, "token single"]
TokenMask = Bool[Array, "token"]


class PairBlock(nnx.Module):
    """The pair half of a pairformer block: triangle updates and a transition."""

    def __init__(self, width: int, config: PairStackConfig):
        hidden = config.triangle_multiplication_width
        heads = config.triangle_heads, config.triangle_head_width
        self.multiply_outgoing = TriangleMultiplication(width, hidden, outgoing=True)
        self.multiply_incoming = TriangleMultiplication(width, hidden, outgoing=False)
        self.attend_starting = TriangleAttention(width, *heads, starting=True, swap_bias=False)
        self.attend_ending = TriangleAttention(
            width, *heads, starting=False, swap_bias=config.transposed_ending_bias
        )
        self.transition = Transition(width, config.transition_factor)

    def __call__(self, pair: Pair, mask: TokenMask) -> Pair:
        pair = self.multiply_outgoing(pair, mask)
        pair = self.multiply_incoming(pair, mask)
        pair = self.attend_starting(pair, mask)
        pair = self.attend_ending(pair, mask)
        return add_rows(self.transition, pair, bytes_per_row=self.transition.bytes_of(pair[0]))


class SingleAttention(nnx.Module):
    """Attention over tokens with a bias from the pair representation (algorithm 24).

    `expand` holds the columns of key, value and gate, in that order.
    """

    def __init__(self, single_width: int, pair_width: int, num_heads: int):
        self.num_heads = num_heads
        self.norm = LayerNorm(single_width)
        self.pair_norm = LayerNorm(pair_width)
        self.pair_bias = ChannelsFirst(pair_width, num_heads)
        self.query = Linear(single_width, single_width, bias=True)
        self.expand = Linear(single_width, 3 * single_width)
        self.contract = Linear(single_width, single_width)

    def __call__(self, single: Single, pair: Pair, mask: TokenMask) -> Single:
        bias = self.pair_bias(self.pair_norm(pair)).astype(jnp.float32)
        bias = masked(bias, mask)
        single = self.norm(single)
        key, value, gate = jnp.split(self.expand(single), 3, axis=-1)
        heads = (split_heads(x, self.num_heads) for x in (self.query(single), key, value))
        return self.contract(gated(attend(*heads, bias), gate))


class PairformerBlock(nnx.Module):
    """One block of the pairformer: the pair half, then the single half."""

    def __init__(self, single_width: int, pair_width: int, config: PairStackConfig):
        self.pair = PairBlock(pair_width, config)
        self.attention = SingleAttention(single_width, pair_width, config.single_heads)
        self.transition = Transition(single_width, config.transition_factor)

    def __call__(self, pair: Pair, single: Single, mask: TokenMask) -> tuple[Pair, Single]:
        pair = self.pair(pair, mask)
        single = single + self.attention(single, pair, mask)
        return pair, single + self.transition(single)


class Pairformer(nnx.Module):
    """A stack of pairformer blocks."""

    def __init__(self, single_width: int, pair_width: int, config: PairStackConfig):
        self.stack = Stack(
            lambda: PairformerBlock(single_width, pair_width, config), config.num_blocks
        )

    def __call__(self, pair: Pair, single: Single, mask: TokenMask) -> tuple[Pair, Single]:
        return self.stack(lambda block, carry: block(*carry, mask), (pair, single))
