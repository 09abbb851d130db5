"""Names, dtypes and shapes of the official arrays of the blocks that trunk and heads share.

Every function yields `(name, ArraySpec)` pairs. Arrays of the trunk are bfloat16 except those of
layer normalisations; everything else is float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from af3cli.model.config import ModelConfig, PairStackConfig

_ELEMENTS = 128  # one-hot classes of an atom's atomic number
_NAME_CHARACTERS = 4 * 64  # one-hot classes of an atom's name

Shape = tuple[int, ...]


class ArraySpec(NamedTuple):
    """What one array must look like; `dtype` is its name, such as "bfloat16"."""

    dtype: str
    shape: Shape


Items = Iterator[tuple[str, ArraySpec]]


def array(name: str, *shape: int, dtype: str = "float32") -> Items:
    """One array called `name`."""
    yield name, ArraySpec(dtype, shape)


def linear(scope: str, *shape: int, dtype: str = "float32") -> Items:
    """The weights of a projection, its inputs first."""
    yield f"{scope}:weights", ArraySpec(dtype, shape)


def trunk_linear(scope: str, *shape: int) -> Items:
    """The weights of a projection in the trunk."""
    return linear(scope, *shape, dtype="bfloat16")


def scale(scope: str, *shape: int) -> Items:
    """A layer normalisation without an offset."""
    return array(f"{scope}:scale", *shape)


def layer_norm(scope: str, *shape: int) -> Items:
    """A layer normalisation with scale and offset."""
    yield from scale(scope, *shape)
    yield from array(f"{scope}:offset", *shape)


def pair_stack(scope: str, width: int, stack: PairStackConfig) -> Items:
    """Triangle multiplications, triangle attentions and transition of a pair representation."""
    layers, hidden = stack.num_blocks, stack.triangle_multiplication_width
    for direction in ("outgoing", "incoming"):
        inner = f"{scope}/triangle_multiplication_{direction}"
        yield from layer_norm(f"{inner}/left_norm_input", layers, width)
        yield from trunk_linear(f"{inner}/projection", layers, width, 2 * hidden)
        yield from trunk_linear(f"{inner}/gate", layers, width, 2 * hidden)
        yield from layer_norm(f"{inner}/center_norm", layers, hidden)
        yield from trunk_linear(f"{inner}/output_projection", layers, hidden, width)
        yield from trunk_linear(f"{inner}/gating_linear", layers, width, width)
    heads = (stack.triangle_heads, stack.triangle_head_width)
    attended = stack.triangle_heads * stack.triangle_head_width
    for index in (1, 2):
        inner = f"{scope}/pair_attention{index}"
        yield from layer_norm(f"{inner}/act_norm", layers, width)
        yield from trunk_linear(f"{inner}/pair_bias_projection", layers, width, heads[0])
        yield from trunk_linear(f"{inner}/q_projection", layers, *heads, width)
        yield from trunk_linear(f"{inner}/k_projection", layers, *heads, width)
        yield from trunk_linear(f"{inner}/v_projection", layers, width, *heads)
        yield from trunk_linear(f"{inner}/gating_query", layers, attended, width)
        yield from trunk_linear(f"{inner}/output_projection", layers, attended, width)
    yield from transition(f"{scope}/pair_transition", layers, width, stack.transition_factor)


def transition(scope: str, layers: int, width: int, factor: int) -> Items:
    """A gated two-layer perceptron, `factor` times as wide inside."""
    yield from layer_norm(f"{scope}/input_layer_norm", layers, width)
    yield from trunk_linear(f"{scope}/transition1", layers, width, 2 * factor * width)
    yield from trunk_linear(f"{scope}/transition2", layers, factor * width, width)


def pairformer(scope: str, config: ModelConfig, stack: PairStackConfig) -> Items:
    """A pair stack with its single track."""
    layers, width, pair = stack.num_blocks, config.single_width, config.pair_width
    yield from pair_stack(scope, pair, stack)
    heads = (stack.single_heads, width // stack.single_heads)
    attention = f"{scope}/single_attention"
    yield from layer_norm(f"{attention}_layer_norm", layers, width)
    for name in "qkv":
        yield from trunk_linear(f"{attention}_{name}_projection", layers, width, *heads)
    yield from array(f"{attention}_q_projection:bias", layers, *heads, dtype="bfloat16")
    yield from trunk_linear(f"{attention}_gating_query", layers, width, width)
    yield from trunk_linear(f"{attention}_transition2", layers, width, width)
    yield from layer_norm(f"{scope}/single_pair_logits_norm", layers, pair)
    yield from trunk_linear(f"{scope}/single_pair_logits_projection", layers, pair, heads[0])
    yield from transition(f"{scope}/single_transition", layers, width, stack.transition_factor)


def atom_encoder(prefix: str, config: ModelConfig, token_width: int, num_blocks: int) -> Items:
    """Embedding of reference atoms, their pairs, and the transformer over them."""
    atom, pair = config.atom_width, config.atom_pair_width
    for name, width in (("pos", 3), ("mask", 1), ("charge", 1), ("element", _ELEMENTS)):
        yield from linear(f"{prefix}_embed_ref_{name}", width, atom)
    yield from linear(f"{prefix}_embed_ref_atom_name", _NAME_CHARACTERS, atom)
    yield from linear(f"{prefix}_embed_pair_offsets_valid", 1, pair)
    for suffix in ("", "_1"):
        yield from linear(f"{prefix}_embed_pair_offsets{suffix}", 3, pair)
        yield from linear(f"{prefix}_embed_pair_distances{suffix}", 1, pair)
        yield from linear(f"{prefix}_single_to_pair_cond_row{suffix}", atom, pair)
        yield from linear(f"{prefix}_single_to_pair_cond_col{suffix}", atom, pair)
    for layer in (1, 2, 3):
        yield from linear(f"{prefix}_pair_mlp_{layer}", pair, pair)
    yield from linear(f"{prefix}_project_atom_features_for_aggr", atom, token_width)
    yield from atom_transformer(f"{prefix}_atom_transformer_encoder", config, num_blocks)


def atom_transformer(scope: str, config: ModelConfig, layers: int) -> Items:
    """The blocks of windowed attention over atoms, and their biases from atom pairs."""
    transformer, atom = config.atom_transformer, config.atom_width
    prefix = f"{scope}/__layer_stack_with_per_layer/{scope.rsplit('/', 1)[-1]}"
    yield from adaptive_layer_norm(f"{prefix}q", (layers,), atom, atom)
    yield from adaptive_layer_norm(f"{prefix}k", (layers,), atom, atom)
    yield from conditioned_block(
        prefix, (layers,), atom, atom, transformer.num_heads, transformer.transition_factor
    )
    yield from scale(f"{scope}/pair_input_layer_norm", config.atom_pair_width)
    yield from linear(
        f"{scope}/pair_logits_projection", config.atom_pair_width, layers, transformer.num_heads
    )


def adaptive_layer_norm(prefix: str, layers: Shape, width: int, condition: int) -> Items:
    """A layer normalisation whose scale and offset come from a conditioning signal."""
    yield from scale(f"{prefix}single_cond_layer_norm", *layers, condition)
    yield from linear(f"{prefix}single_cond_scale", *layers, condition, width)
    yield from array(f"{prefix}single_cond_scale:bias", *layers, width)
    yield from linear(f"{prefix}single_cond_bias", *layers, condition, width)


def conditioned_block(
    prefix: str, layers: Shape, width: int, condition: int, num_heads: int, factor: int
) -> Items:
    """Attention and transition of a conditioned transformer, without the first normalisation."""
    heads = (num_heads, width // num_heads)
    for name in "qkv":
        yield from linear(f"{prefix}{name}_projection", *layers, width, *heads)
    yield from array(f"{prefix}q_projection:bias", *layers, *heads)
    yield from linear(f"{prefix}gating_query", *layers, width, width)
    yield from linear(f"{prefix}transition2", *layers, width, width)
    yield from adaptive_layer_norm(f"{prefix}ffw_", layers, width, condition)
    yield from linear(f"{prefix}ffw_transition1", *layers, width, 2 * factor * width)
    yield from linear(f"{prefix}ffw_transition2", *layers, factor * width, width)
    for gate in ("", "ffw_"):
        yield from linear(f"{prefix}{gate}adaptive_zero_cond", *layers, condition, width)
        yield from array(f"{prefix}{gate}adaptive_zero_cond:bias", *layers, width)
