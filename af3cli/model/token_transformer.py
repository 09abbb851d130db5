"""The token transformer of the diffusion module (algorithms 23 to 25)."""

from __future__ import annotations

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float32

from af3cli.model.atom_transformer import (
    AdaptiveLayerNorm,
    ConditionedOutput,
    ConditionedTransition,
    ConditioningNorm,
)
from af3cli.model.config import ModelConfig
from af3cli.model.layers import Linear, attend, split_heads
from af3cli.model.stack import Stack

Tokens = Float32[Array, "token width"]
Condition = Float32[Array, "token single"]


class TokenBlock(nnx.Module):
    """One block of conditioned attention over tokens and its transition.

    `expand` holds the columns of key, value and gate, in that order.
    """

    def __init__(self, config: ModelConfig):
        width, condition = config.diffusion.token_width, config.single_width
        self.num_heads = config.diffusion.num_heads
        self.norm = AdaptiveLayerNorm(width, condition)
        self.query = Linear(width, width, bias=True)
        self.expand = Linear(width, 3 * width)
        self.output = ConditionedOutput(width, width, condition)
        self.transition = ConditionedTransition(
            width, condition, config.diffusion.transition_factor
        )

    def __call__(
        self, tokens: Tokens, condition: Condition, bias: Float32[Array, "heads token token"]
    ) -> Tokens:
        normed = self.norm(tokens, condition)
        key, value, gate = jnp.split(self.expand(normed), 3, axis=-1)
        heads = (split_heads(x, self.num_heads) for x in (self.query(normed), key, value))
        tokens = tokens + self.output(attend(*heads, bias) * nnx.sigmoid(gate), condition)
        return tokens + self.transition(tokens, condition)


class TokenTransformer(nnx.Module):
    """The stack of token blocks; their pair biases are projected from one normalised input."""

    def __init__(self, config: ModelConfig):
        diffusion = config.diffusion
        self.num_blocks = diffusion.num_blocks
        self.pair_norm = ConditioningNorm(config.pair_width)
        self.pair_bias = Linear(config.pair_width, diffusion.num_blocks * diffusion.num_heads)
        self.stack = Stack(lambda: TokenBlock(config), diffusion.num_blocks)

    def bias(
        self, pair: Float32[Array, "token token pair"], mask: Bool[Array, "token"]
    ) -> Float32[Array, "layer heads token token"]:
        """The additive attention biases of all layers; padding keys get -1e9."""
        bias = split_heads(self.pair_bias(self.pair_norm(pair)), self.num_blocks)
        return bias.transpose(2, 3, 0, 1) + 1e9 * (mask.astype(jnp.float32) - 1.0)

    def __call__(
        self,
        tokens: Tokens,
        condition: Condition,
        bias: Float32[Array, "layer heads token token"],
    ) -> Tokens:
        return self.stack(lambda block, tokens, bias: block(tokens, condition, bias), tokens, bias)
