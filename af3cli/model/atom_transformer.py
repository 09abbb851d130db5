"""Sequence-local attention over flat atoms (algorithms 5, 7 and 23 to 26).

Atoms are cut into blocks of 32 queries; each block attends to a window of 128 keys centred on it
and shifted to lie within the real atoms, or cut off at their ends. What of a window lies outside
the real atoms holds empty atoms: all their activations are zero.
"""

from __future__ import annotations

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float, Int32

from af3cli.model.config import AtomTransformerConfig
from af3cli.model.layers import Linear, attend, normalise, parameter, split_heads, swish_gate
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


class ConditioningNorm(nnx.Module):
    """Layer normalisation with a scale and no offset, of a conditioning signal."""

    def __init__(self, width: int):
        self.scale = parameter(width)

    def __call__(self, x: Float[Array, "*batch width"]) -> Float[Array, "*batch width"]:
        return normalise(x) * self.scale[...]


class AdaptiveLayerNorm(nnx.Module):
    """Layer normalisation whose scale and offset come from a conditioning signal (algorithm 26)."""

    def __init__(self, width: int, condition_width: int):
        self.norm = ConditioningNorm(condition_width)
        self.scale = Linear(condition_width, width, bias=True)
        self.offset = Linear(condition_width, width)

    def __call__(
        self, x: Float[Array, "*batch width"], condition: Float[Array, "*batch condition"]
    ) -> Float[Array, "*batch width"]:
        condition = self.norm(condition)
        return nnx.sigmoid(self.scale(condition)) * normalise(x) + self.offset(condition)


class ConditionedOutput(nnx.Module):
    """A projection gated by the conditioning signal (algorithms 24 and 25, last lines)."""

    def __init__(self, in_width: int, width: int, condition_width: int):
        self.contract = Linear(in_width, width)
        self.gate = Linear(condition_width, width, bias=True)

    def __call__(
        self, x: Float[Array, "*batch in"], condition: Float[Array, "*batch condition"]
    ) -> Float[Array, "*batch width"]:
        return nnx.sigmoid(self.gate(condition)) * self.contract(x)


class ConditionedTransition(nnx.Module):
    """Gated two-layer perceptron under a conditioning signal (algorithm 25)."""

    def __init__(self, width: int, condition_width: int, factor: int):
        self.norm = AdaptiveLayerNorm(width, condition_width)
        self.expand = Linear(width, 2 * factor * width)
        self.output = ConditionedOutput(factor * width, width, condition_width)

    def __call__(
        self, x: Float[Array, "*batch width"], condition: Float[Array, "*batch condition"]
    ) -> Float[Array, "*batch width"]:
        return self.output(swish_gate(self.expand(self.norm(x, condition))), condition)


class AtomBlock(nnx.Module):
    """One block of windowed cross attention and its transition.

    `expand_query` holds the columns of query and gate, `expand_key` those of key and value.
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

    def __call__(
        self,
        atoms: AtomActivations,
        condition: AtomActivations,
        windows: Windows,
        bias: Float[Array, "block heads query key"],
    ) -> AtomActivations:
        atoms = atoms + self._attend(atoms, condition, windows, bias)
        return atoms + self.transition(atoms, condition)

    def _attend(
        self,
        atoms: AtomActivations,
        condition: AtomActivations,
        windows: Windows,
        bias: Float[Array, "block heads query key"],
    ) -> AtomActivations:
        heads = self.config.num_heads
        normed = self.norm_query(atoms, condition)
        query = split_heads(self.query(normed), heads)
        query = query.reshape(-1, self.config.query_window, *query.shape[1:])
        raw_key = normed if self.config.twice_normalised_keys else atoms
        keys = gather_keys(self.expand_key(self.norm_key(raw_key, condition)), windows)
        key, value = (split_heads(x, heads) for x in jnp.split(keys, 2, axis=-1))
        mean = attend(query, key, value, bias).reshape(atoms.shape)
        return self.output(mean * nnx.sigmoid(self.gate(normed)), condition)


class AtomTransformer(nnx.Module):
    """A stack of windowed attention blocks (algorithm 7) with biases from atom pairs.

    `pair_bias` holds the columns of all layers' heads.
    """

    def __init__(self, width: int, pair_width: int, num_blocks: int, config: AtomTransformerConfig):
        self.num_blocks = num_blocks
        self.pair_norm = ConditioningNorm(pair_width)
        self.pair_bias = Linear(pair_width, num_blocks * config.num_heads)
        self.stack = Stack(lambda: AtomBlock(width, config), num_blocks)

    def bias(
        self, pairs: Float[Array, "block query key pair"], key_bias: Float[Array, "block key"]
    ) -> Float[Array, "layer block heads query key"]:
        """The additive attention biases of all layers."""
        bias = split_heads(self.pair_bias(self.pair_norm(pairs)), self.num_blocks)
        return bias.transpose(3, 0, 4, 1, 2) + key_bias[:, None, None, :]

    def __call__(
        self,
        atoms: AtomActivations,
        condition: AtomActivations,
        windows: Windows,
        bias: Float[Array, "layer block heads query key"],
    ) -> AtomActivations:
        return self.stack(
            lambda block, atoms, bias: block(atoms, condition, windows, bias), atoms, bias
        )


def empty_key_bias(windows: Windows, attended: bool) -> Float[Array, "block key"]:
    """0 for keys that are attended to, -1e9 for empty atoms unless those are `attended` too."""
    absent: Bool[Array, "block key"] = (windows < 0) & (not attended)
    return jnp.where(absent, -1e9, 0.0)
