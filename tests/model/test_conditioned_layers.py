"""Attention over tokens and layers under a conditioning signal against float64."""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from af3cli.model import token_transformer
from af3cli.model.conditioned import AdaptiveLayerNorm, ConditionedTransition
from af3cli.model.config import OFFICIAL
from af3cli.model.pairformer import SingleAttention
from af3cli.model.token_transformer import TokenBlock, TokenTransformer
from tests.model import reference
from tests.model.blocks import single_attention
from tests.model.modules import (
    assert_close,
    columns,
    exact,
    heads,
    layers_of,
    matrix,
    random_array,
    randomised,
)

TOKENS = 7
MASK = np.array([True, True, False, True, True, False, True])
PRESENT = np.flatnonzero(MASK)


@pytest.mark.parametrize(("width", "pair_width", "num_heads"), [(384, 128, 16), (21, 10, 3)])
def test_single_attention(width: int, pair_width: int, num_heads: int) -> None:
    layer = randomised(lambda: SingleAttention(width, pair_width, num_heads))
    single, pair = random_array(TOKENS, width), random_array(TOKENS, TOKENS, pair_width)
    expected = single_attention(layer, single, pair, PRESENT)
    ours = layer(jnp.float32(single), jnp.float32(pair), jnp.asarray(MASK))
    assert_close(ours[PRESENT], expected[PRESENT])


def norm_parameters(norm: AdaptiveLayerNorm) -> tuple:
    """The parameters of an adaptive layer normalisation, as the reference takes them."""
    return (
        exact(norm.norm.scale),
        exact(norm.scale.weight),
        exact(norm.scale.bias),
        exact(norm.offset.weight),
    )


def transition_parameters(layer: ConditionedTransition) -> tuple:
    """The parameters of a conditioned transition, as the reference takes them."""
    hidden = layer.expand.weight.shape[1] // 2
    return (
        norm_parameters(layer.norm),
        *columns(layer.expand, hidden, hidden),
        exact(layer.output.contract.weight),
        exact(layer.output.gate.weight),
        exact(layer.output.gate.bias),
    )


@pytest.mark.parametrize(("width", "condition"), [(128, 128), (768, 384), (9, 5)])
def test_adaptive_layer_norm(width: int, condition: int) -> None:
    layer = randomised(lambda: AdaptiveLayerNorm(width, condition))
    a, s = random_array(4, width), random_array(4, condition)
    expected = reference.adaptive_layer_norm(a, s, *norm_parameters(layer))
    assert_close(layer(jnp.float32(a), layer.modulation(jnp.float32(s))), expected)


@pytest.mark.parametrize(("width", "condition", "factor"), [(128, 128, 2), (9, 5, 3)])
def test_conditioned_transition(width: int, condition: int, factor: int) -> None:
    layer = randomised(lambda: ConditionedTransition(width, condition, factor))
    a, s = random_array(4, width), random_array(4, condition)
    expected = reference.conditioned_transition(a, s, *transition_parameters(layer))
    assert_close(layer(jnp.float32(a), layer.modulation(jnp.float32(s))), expected)


def token_block(block: TokenBlock, a: np.ndarray, s: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Algorithm 23, one block, in float64. `bias` is [query, key, head]."""
    num_heads, width = bias.shape[-1], a.shape[1]
    normed = reference.adaptive_layer_norm(a, s, *norm_parameters(block.norm))
    query = normed @ exact(block.query.weight) + exact(block.query.bias)
    mean = reference.gated_attention(
        heads(query, num_heads),
        *(heads(normed @ weight, num_heads) for weight in columns(block.expand, *[width] * 3)),
        attended=[PRESENT] * TOKENS,
        biases=bias[:, PRESENT],
    )
    gate = s @ exact(block.output.gate.weight) + exact(block.output.gate.bias)
    a = a + reference.sigmoid(gate) * (mean @ exact(block.output.contract.weight))
    transition = transition_parameters(block.transition)
    return a + reference.conditioned_transition(a, s, *transition)


@pytest.mark.parametrize("unrolled", [False, True])
@pytest.mark.parametrize("max_bias_bytes", [0, 1 << 20])
def test_token_transformer(
    max_bias_bytes: int, unrolled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The biases of all layers, kept or projected in each, are those of one normalised pair."""
    monkeypatch.setattr(token_transformer, "_MAX_BIAS_BYTES", max_bias_bytes)
    diffusion = replace(OFFICIAL.diffusion, num_blocks=3, num_heads=3, token_width=15)
    config = replace(OFFICIAL, single_width=8, pair_width=10, diffusion=diffusion)
    module = randomised(lambda: TokenTransformer(config, unrolled=unrolled))
    a, s = random_array(TOKENS, 15), random_array(TOKENS, 8)
    pair = random_array(TOKENS, TOKENS, 10)
    biases = reference.layer_norm(pair, exact(module.pair_norm.scale)) @ matrix(module.pair_bias)
    expected = a
    for index, block in enumerate(layers_of(module.stack)):
        expected = token_block(block, expected, s, biases[..., 3 * index : 3 * index + 3])
    context = module.bias(jnp.float32(pair), jnp.asarray(MASK))
    ours = module(jnp.float32(a), module.modulations(jnp.float32(s)), context)
    assert_close(ours[PRESENT], expected[PRESENT])
