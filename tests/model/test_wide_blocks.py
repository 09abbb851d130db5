"""Whole blocks with synthetic parameters at IntelliFold's widths, read by official names: float64.

Pair width 512 with eight heads of 64, alignment and templates 256 wide.
"""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from af3cli.inference.trunk import load_model
from af3cli.model.config import reduced
from af3cli.model.trunk import Trunk
from af3cli.weights import synthetic_parameters
from af3cli.weights.families import INTELLIFOLD2
from af3cli.weights.provenance import known_digest, with_provenance
from tests.model.blocks import msa_block, pair_block, pairformer_block
from tests.model.modules import assert_close, layers_of, random_array

TOKENS = 5
MASK = np.array([True, True, False, True, True])
PRESENT = np.flatnonzero(MASK)
CORNER = np.ix_(PRESENT, PRESENT)


@pytest.fixture(scope="module")
def trunk() -> Trunk:
    small = reduced(INTELLIFOLD2)
    config = replace(
        small,
        pairformer=replace(small.pairformer, num_blocks=1),
        diffusion=replace(small.diffusion, num_blocks=4, token_width=16),
    )
    arrays = synthetic_parameters(config)
    weights = with_provenance("synthetic", None, config, arrays, known_digest(None))
    model = load_model(weights, precision="float32")
    return nnx.merge(model.graph, model.parameters)


def test_pairformer_block(trunk: Trunk) -> None:
    (block,) = layers_of(trunk.pairformer.stack)
    pair, single = random_array(TOKENS, TOKENS, 512), random_array(TOKENS, 384)
    expected_pair, expected_single = pairformer_block(block, pair, single, PRESENT)
    ours = block(jnp.float32(pair), jnp.float32(single), jnp.asarray(MASK))
    assert_close(ours[0][CORNER], expected_pair[CORNER])
    assert_close(ours[1][PRESENT], expected_single[PRESENT])


def test_msa_block(trunk: Trunk) -> None:
    (block,) = layers_of(trunk.msa_stack.stack)
    msa, pair = random_array(3, TOKENS, 256), random_array(TOKENS, TOKENS, 512)
    rows = np.array([True, False, True])
    expected = msa_block(block, msa, pair, np.flatnonzero(rows), PRESENT)
    ours = block(jnp.float32(msa), jnp.float32(pair), jnp.asarray(rows), jnp.asarray(MASK))
    assert_close(ours[0][:, PRESENT], expected[0][:, PRESENT])
    assert_close(ours[1][CORNER], expected[1][CORNER])


def test_template_block(trunk: Trunk) -> None:
    (block,) = layers_of(trunk.template_embedder.stack)
    pair = random_array(TOKENS, TOKENS, 256)
    ours = block(jnp.float32(pair), jnp.asarray(MASK))
    assert_close(ours[CORNER], pair_block(block, pair, PRESENT)[CORNER])
