"""Triangle updates, transition and outer products against float64, at widths of other families."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from af3cli.model.chunking import chunk_bytes
from af3cli.model.layers import Transition
from af3cli.model.msa import MsaAveraging, OuterProductMean
from af3cli.model.triangle import TriangleAttention, TriangleMultiplication
from tests.model import blocks
from tests.model.modules import assert_close, random_array, randomised

TOKENS = 6
MASK = np.array([True, True, False, True, True, False])
PRESENT = np.flatnonzero(MASK)
CORNER = np.ix_(PRESENT, PRESENT)


@pytest.mark.parametrize("budget", [1, 1 << 30])
@pytest.mark.parametrize("outgoing", [True, False])
@pytest.mark.parametrize(("width", "hidden"), [(128, 128), (10, 7), (256, 48)])
def test_triangle_multiplication(width: int, hidden: int, outgoing: bool, budget: int) -> None:
    layer = randomised(lambda: TriangleMultiplication(width, hidden, outgoing=outgoing))
    pair = random_array(TOKENS, TOKENS, width)
    expected = pair + blocks.triangle_multiplication(layer, pair, PRESENT, outgoing)
    with chunk_bytes(budget):
        ours = layer(jnp.float32(pair), jnp.asarray(MASK))
    assert_close(ours[CORNER], expected[CORNER])


@pytest.mark.parametrize("budget", [1, 1 << 30])
@pytest.mark.parametrize(("starting", "swap_bias"), [(True, False), (False, False), (False, True)])
@pytest.mark.parametrize(("width", "num_heads", "head_width"), [(128, 4, 32), (10, 3, 5)])
def test_triangle_attention(
    width: int, num_heads: int, head_width: int, starting: bool, swap_bias: bool, budget: int
) -> None:
    layer = randomised(
        lambda: TriangleAttention(
            width, num_heads, head_width, starting=starting, swap_bias=swap_bias
        )
    )
    pair = random_array(TOKENS, TOKENS, width)
    expected = pair + blocks.triangle_attention(layer, pair, PRESENT, starting, swap_bias)
    with chunk_bytes(budget):
        ours = layer(jnp.float32(pair), jnp.asarray(MASK))
    assert_close(ours[CORNER], expected[CORNER])


@pytest.mark.parametrize(("width", "factor"), [(128, 4), (9, 3)])
def test_transition(width: int, factor: int) -> None:
    layer = randomised(lambda: Transition(width, factor))
    x = random_array(5, width)
    assert_close(layer(jnp.float32(x)), blocks.transition(layer, x))


@pytest.mark.parametrize("budget", [1, 1 << 30])
@pytest.mark.parametrize(("msa_width", "hidden", "width"), [(64, 32, 128), (11, 3, 10)])
def test_outer_product_mean(msa_width: int, hidden: int, width: int, budget: int) -> None:
    layer = randomised(lambda: OuterProductMean(msa_width, hidden, width))
    msa = random_array(4, TOKENS, msa_width)
    rows = np.array([True, True, False, True])
    expected = blocks.outer_product_mean(layer, msa, np.flatnonzero(rows))
    with chunk_bytes(budget):
        ours = layer(jnp.float32(msa), jnp.asarray(rows))
    assert_close(ours, expected)


@pytest.mark.parametrize("budget", [1, 1 << 30])
@pytest.mark.parametrize(("msa_width", "width", "num_heads"), [(64, 128, 8), (15, 10, 5)])
def test_msa_averaging(msa_width: int, width: int, num_heads: int, budget: int) -> None:
    layer = randomised(lambda: MsaAveraging(msa_width, width, num_heads))
    msa, pair = random_array(3, TOKENS, msa_width), random_array(TOKENS, TOKENS, width)
    expected = msa + blocks.msa_averaging(layer, msa, pair, PRESENT)
    with chunk_bytes(budget):
        ours = layer(jnp.float32(msa), jnp.float32(pair), jnp.asarray(MASK))
    assert_close(ours[:, PRESENT], expected[:, PRESENT])
