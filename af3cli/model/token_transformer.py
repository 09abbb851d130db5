"""The token transformer of the diffusion module (algorithms 23 to 25)."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float32

from af3cli.model.attention import attend
from af3cli.model.conditioned import (
    AdaptiveLayerNorm,
    ConditionedOutput,
    ConditionedTransition,
    Gate,
    NormModulation,
)
from af3cli.model.config import ModelConfig
from af3cli.model.layers import ChannelsFirst, LayerNorm, Linear, masked, split_heads
from af3cli.model.stack import Stack

TokenActivations = Float32[Array, "token width"]
Condition = Float32[Array, "token single"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class TokenModulation:
    """What the conditioned layers of a block take, or with a leading layer axis those of a stack.

    In the order of the fields: normalisation, output, transition.
    """

    norm: NormModulation
    output: Gate
    transition: tuple[NormModulation, Gate]


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

    def modulation(self, condition: Condition) -> TokenModulation:
        """What the block makes of the conditioning signal."""
        return TokenModulation(
            norm=self.norm.modulation(condition),
            output=self.output.modulation(condition),
            transition=self.transition.modulation(condition),
        )

    def __call__(
        self,
        tokens: TokenActivations,
        modulation: TokenModulation,
        bias: Float32[Array, "heads token token"],
    ) -> TokenActivations:
        normed = self.norm(tokens, modulation.norm)
        key, value, gate = jnp.split(self.expand(normed), 3, axis=-1)
        heads = (split_heads(x, self.num_heads) for x in (self.query(normed), key, value))
        mean = attend(*heads, bias) * nnx.sigmoid(gate)
        tokens = tokens + self.output(mean, modulation.output)
        return tokens + self.transition(tokens, modulation.transition)


# Attention biases of all layers are kept for all steps if they take no more than this.
_MAX_BIAS_BYTES = 1 << 32


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class TokenBias:
    """What the attention biases are made of: themselves, or where they are too large, the pair
    conditioning to project them from in each layer. The other field is None.
    """

    mask: Bool[Array, "token"]
    layers: Float32[Array, "layer heads token token"] | None
    pair: Float32[Array, "token token pair"] | None


class TokenTransformer(nnx.Module):
    """The stack of token blocks; their pair biases are projected from one normalised input.

    `pair_bias` holds the channels of all layers' heads. `unrolled` is that of `Stack`.
    """

    def __init__(self, config: ModelConfig, *, unrolled: bool = False):
        diffusion = config.diffusion
        self.num_blocks = diffusion.num_blocks
        self.pair_norm = LayerNorm(config.pair_width, offset=False)
        self.pair_bias = ChannelsFirst(
            config.pair_width, diffusion.num_blocks * diffusion.num_heads
        )
        self.stack = Stack(lambda: TokenBlock(config), diffusion.num_blocks, unrolled=unrolled)

    def bias(
        self, pair: Float32[Array, "token token pair"], mask: Bool[Array, "token"]
    ) -> TokenBias:
        """The part of the attention biases that no step changes."""
        pair = self.pair_norm(pair)
        if 4 * self.pair_bias.weight.shape[0] * len(mask) ** 2 > _MAX_BIAS_BYTES:
            return TokenBias(mask, None, pair)
        layers = self.pair_bias(pair)
        return TokenBias(mask, layers.reshape(self.num_blocks, -1, *layers.shape[1:]), None)

    def modulations(self, condition: Condition) -> TokenModulation | list[TokenModulation]:
        """What the blocks make of the conditioning signal, as the stack takes it."""
        return self.stack.of_each(lambda block: block.modulation(condition))

    def __call__(
        self,
        tokens: TokenActivations,
        modulations: TokenModulation | list[TokenModulation],
        bias: TokenBias,
    ) -> TokenActivations:
        if bias.layers is not None:
            return self.stack(
                lambda block, tokens, own, layer: block(tokens, own, masked(layer, bias.mask)),
                tokens,
                modulations,
                bias.layers,
            )
        weights = self.pair_bias.weight[...].reshape(self.num_blocks, -1, bias.pair.shape[-1])

        def apply(
            block: TokenBlock,
            tokens: TokenActivations,
            modulation: TokenModulation,
            weight: Float32[Array, "heads pair"],
        ) -> TokenActivations:
            layer = jnp.einsum("qkc,hc->hqk", bias.pair, weight)
            return block(tokens, modulation, masked(layer, bias.mask))

        return self.stack(apply, tokens, modulations, weights)
