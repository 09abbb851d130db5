"""Sequence-local attention over flat atoms (algorithms 5, 7 and 23 to 25).

Atoms are cut into blocks of 32 queries; each block attends to a window of 128 keys centred on it
and shifted to lie within the real atoms, or cut off at their ends. What of a window lies outside
the real atoms holds empty atoms: all their activations are zero.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float, Int32

from af3cli.model.attention import attend
from af3cli.model.conditioned import (
    AdaptiveLayerNorm,
    ConditionedOutput,
    ConditionedTransition,
    Gate,
    NormModulation,
)
from af3cli.model.config import AtomTransformerConfig
from af3cli.model.layers import LayerNorm, Linear, masked, split_heads
from af3cli.model.stack import Stack

AtomActivations = Float[Array, "atom width"]
Windows = Int32[Array, "block key"]


def key_windows(
    num_slots: int, num_atoms: Int32[Array, ""], config: AtomTransformerConfig
) -> Windows:
    """The atom rows that each block of queries attends to; -1 marks an empty atom."""
    lead = (config.key_window - config.query_window) // 2
    starts = jnp.arange(0, num_slots, config.query_window) - lead
    last = num_atoms - config.key_window
    if config.shifted_windows:
        starts = jnp.where(starts < 0, 0, jnp.minimum(starts, last))
    rows = starts[:, None] + jnp.arange(config.key_window)
    return jnp.where((rows >= 0) & (rows < num_atoms), rows, -1)


def gather_keys(
    values: Float[Array, "atom *width"], windows: Windows
) -> Float[Array, "block key *width"]:
    """`values` of each window's atoms, zero for empty ones."""
    present = (windows >= 0).reshape(*windows.shape, *(1,) * (values.ndim - 1))
    return jnp.where(present, values[windows], 0)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class AtomModulation:
    """What the conditioned layers of a block take, or with a leading layer axis those of a stack.

    In the order of the fields: normalisation of queries and of keys, output, transition.
    """

    norm_query: NormModulation
    norm_key: NormModulation
    output: Gate
    transition: tuple[NormModulation, Gate]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class AtomStackContext:
    """What the layers of a stack read and no activation changes."""

    windows: Windows
    bias: Float[Array, "layer block heads query key"]
    modulation: AtomModulation


class AtomBlock(nnx.Module):
    """One block of windowed cross attention and its transition.

    `expand_key` holds the columns of key and value, in that order.
    """

    def __init__(self, width: int, config: AtomTransformerConfig):
        self.config = config
        self.norm_query = AdaptiveLayerNorm(width, width)
        self.norm_key = AdaptiveLayerNorm(width, width)
        self.query = Linear(width, width, bias=True)
        self.gate = Linear(width, width)
        self.expand_key = Linear(width, 2 * width)
        self.output = ConditionedOutput(width, width, width)
        self.transition = ConditionedTransition(width, width, config.transition_factor)

    def modulation(self, condition: AtomActivations) -> AtomModulation:
        """What the block makes of the conditioning signal."""
        return AtomModulation(
            norm_query=self.norm_query.modulation(condition),
            norm_key=self.norm_key.modulation(condition),
            output=self.output.modulation(condition),
            transition=self.transition.modulation(condition),
        )

    def __call__(
        self,
        atoms: AtomActivations,
        modulation: AtomModulation,
        bias: Float[Array, "block heads query key"],
        windows: Windows,
    ) -> AtomActivations:
        atoms = atoms + self._attend(atoms, modulation, bias, windows)
        return atoms + self.transition(atoms, modulation.transition)

    def _attend(
        self,
        atoms: AtomActivations,
        modulation: AtomModulation,
        bias: Float[Array, "block heads query key"],
        windows: Windows,
    ) -> AtomActivations:
        heads = self.config.num_heads
        normed = self.norm_query(atoms, modulation.norm_query)
        query = split_heads(self.query(normed), heads)
        query = query.reshape(-1, self.config.query_window, *query.shape[1:])
        raw_key = normed if self.config.twice_normalised_keys else atoms
        keys = gather_keys(self.expand_key(self.norm_key(raw_key, modulation.norm_key)), windows)
        key, value = (split_heads(x, heads) for x in jnp.split(keys, 2, axis=-1))
        mean = attend(query, key, value, bias).reshape(atoms.shape)
        return self.output(mean * nnx.sigmoid(self.gate(normed)), modulation.output)


class AtomTransformer(nnx.Module):
    """A stack of windowed attention blocks (algorithm 7) with biases from atom pairs.

    `pair_bias` holds the columns of all layers' heads.
    """

    def __init__(self, width: int, pair_width: int, num_blocks: int, config: AtomTransformerConfig):
        self.num_blocks = num_blocks
        self.pair_norm = LayerNorm(pair_width, offset=False)
        self.pair_bias = Linear(pair_width, num_blocks * config.num_heads)
        self.stack = Stack(lambda: AtomBlock(width, config), num_blocks)

    def context(
        self,
        condition: AtomActivations,
        pairs: Float[Array, "block query key pair"],
        windows: Windows,
        attended: Bool[Array, "block key"],
    ) -> AtomStackContext:
        """Attention biases and modulations of all layers; see `attended_keys`."""
        bias = split_heads(self.pair_bias(self.pair_norm(pairs)), self.num_blocks)
        bias = masked(bias.transpose(3, 0, 4, 1, 2), attended[:, None, None, :])
        modulation = self.stack.of_each(lambda block: block.modulation(condition))
        return AtomStackContext(windows, bias, modulation)

    def __call__(self, atoms: AtomActivations, context: AtomStackContext) -> AtomActivations:
        return self.stack(
            lambda block, atoms, *layer: block(atoms, *layer, context.windows),
            atoms,
            context.modulation,
            context.bias,
        )


def attended_keys(windows: Windows, empty_too: bool) -> Bool[Array, "block key"]:
    """Which keys are attended to: those that are atoms, or the empty ones as well."""
    return (windows >= 0) | empty_too
