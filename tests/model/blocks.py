"""Layers and blocks of the network in float64: what `reference` gives for a module's parameters.

`present` are the tokens that count, `rows` the alignment rows that do.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from af3cli.model.layers import Transition
from af3cli.model.msa import MsaAveraging, MsaBlock, OuterProductMean
from af3cli.model.pairformer import PairBlock, PairformerBlock, SingleAttention
from af3cli.model.triangle import TriangleAttention, TriangleMultiplication
from tests.model import reference
from tests.model.modules import columns, exact, heads, matrix, norm_of

Array = np.ndarray
Indices = Sequence[int]


def transition(layer: Transition, x: Array) -> Array:
    inner = layer.contract.weight.shape[0]
    return reference.transition(
        x, norm_of(layer.norm), *columns(layer.expand, inner, inner), exact(layer.contract.weight)
    )


def triangle_multiplication(
    layer: TriangleMultiplication, pair: Array, present: Indices, outgoing: bool
) -> Array:
    hidden = layer.norm_out.scale.shape[0]
    return reference.triangle_multiplication(
        pair,
        present,
        outgoing,
        norm_of(layer.norm_in),
        *columns(layer.expand, *[hidden] * 4),
        exact(layer.gate.weight),
        norm_of(layer.norm_out),
        exact(layer.contract.weight),
    )


def triangle_attention(
    layer: TriangleAttention, pair: Array, present: Indices, starting: bool, swap_bias: bool
) -> Array:
    num_heads = layer.bias.weight.shape[0]
    inner = layer.contract.weight.shape[0]
    return reference.triangle_attention(
        pair,
        present,
        starting,
        swap_bias,
        norm_of(layer.norm),
        matrix(layer.bias),
        *(heads(weight, num_heads) for weight in columns(layer.expand, *[inner] * 4)),
        exact(layer.contract.weight),
    )


def outer_product_mean(layer: OuterProductMean, msa: Array, rows: Indices) -> Array:
    hidden = layer.expand.weight.shape[1] // 2
    return reference.outer_product_mean(
        msa,
        rows,
        norm_of(layer.norm),
        *columns(layer.expand, hidden, hidden),
        exact(layer.contract.weight).reshape(hidden, hidden, -1),
        exact(layer.contract.bias),
    )


def msa_averaging(layer: MsaAveraging, msa: Array, pair: Array, present: Indices) -> Array:
    width, num_heads = msa.shape[-1], layer.pair_logits.weight.shape[0]
    return reference.msa_averaging(
        msa,
        pair,
        present,
        norm_of(layer.norm),
        norm_of(layer.pair_norm),
        matrix(layer.pair_logits),
        *(heads(weight, num_heads) for weight in columns(layer.expand, width, width)),
        exact(layer.contract.weight),
    )


def single_attention(layer: SingleAttention, single: Array, pair: Array, present: Indices) -> Array:
    width, num_heads = single.shape[-1], layer.pair_bias.weight.shape[0]
    normed = reference.layer_norm(single, *norm_of(layer.norm))
    bias = reference.layer_norm(pair, *norm_of(layer.pair_norm)) @ matrix(layer.pair_bias)
    query = normed @ exact(layer.query.weight) + exact(layer.query.bias)
    return reference.gated_attention(
        heads(query, num_heads),
        *(heads(normed @ weight, num_heads) for weight in columns(layer.expand, *[width] * 3)),
        attended=[present] * len(single),
        biases=bias[:, present],
    ) @ exact(layer.contract.weight)


def pair_block(block: PairBlock, z: Array, present: Indices) -> Array:
    """Algorithm 17, lines 2 to 6, as the official program has it."""
    z = z + triangle_multiplication(block.multiply_outgoing, z, present, outgoing=True)
    z = z + triangle_multiplication(block.multiply_incoming, z, present, outgoing=False)
    z = z + triangle_attention(block.attend_starting, z, present, starting=True, swap_bias=False)
    z = z + triangle_attention(block.attend_ending, z, present, starting=False, swap_bias=False)
    return z + transition(block.transition, z)


def pairformer_block(
    block: PairformerBlock, z: Array, s: Array, present: Indices
) -> tuple[Array, Array]:
    """Algorithm 17, lines 2 to 8."""
    z = pair_block(block.pair, z, present)
    s = s + single_attention(block.attention, s, z, present)
    return z, s + transition(block.transition, s)


def msa_block(
    block: MsaBlock, m: Array, z: Array, rows: Indices, present: Indices
) -> tuple[Array, Array]:
    """Algorithm 8, lines 6 to 13."""
    z = z + outer_product_mean(block.outer_product, m, rows)
    m = m + msa_averaging(block.averaging, m, z, present)
    m = m + transition(block.transition, m)
    return m, pair_block(block.pair, z, present)
