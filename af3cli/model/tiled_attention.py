"""Softmax attention with an additive bias as a Triton kernel, for NVIDIA GPUs.

Neither logits nor weights are written to memory: a program of the kernel keeps the running maximum,
sum and mean of a few queries while it goes through the keys (Dao et al. 2022, arXiv:2205.14135).
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton
from jaxtyping import Array, BFloat16, Float

# Queries and keys of a tile; fastest of 12 choices on an H200, at 384 to 2,048 tokens.
TILE = 64
_OPTIONS = {"num_warps": 4, "num_stages": 3}

# Powers of two are cheaper than powers of e.
_PER_LOGIT = math.log2(math.e)


def fits_tiles(num_tokens: int, width: int) -> bool:
    """Says whether the kernel can be used for so many tokens and heads of this width."""
    return num_tokens % TILE == 0 and width in (16, 32, 64, 128)


def attend_tiled(
    query: Float[Array, "*batch query heads width"],
    key: Float[Array, "*batch key heads width"],
    value: Float[Array, "*batch key heads width"],
    bias: Float[Array, "heads query key"],
    *,
    interpret: bool = False,
) -> Float[Array, "*batch query heads*width"]:
    """Attention of sizes that `fits_tiles` accepts; logits and softmax in float32.

    The bias is rounded to the dtype of `query`. With `interpret` any device computes it, slowly.
    """
    batch, (num_tokens, heads, width) = query.shape[:-3], query.shape[-3:]
    query, key, value = (x.reshape(-1, num_tokens, heads, width) for x in (query, key, value))
    bias = (_PER_LOGIT * bias).astype(query.dtype)
    tiles = pl.BlockSpec((None, TILE, None, width), lambda tile, head, row: (row, tile, head, 0))
    whole = pl.BlockSpec((None, num_tokens, None, width), lambda _, head, row: (row, 0, head, 0))
    rows = pl.BlockSpec((None, TILE, num_tokens), lambda tile, head, _: (head, tile, 0))
    mean = pl.pallas_call(
        _attend_queries,
        grid=(num_tokens // TILE, heads, len(query)),
        in_specs=[tiles, whole, whole, rows],
        out_specs=tiles,
        out_shape=jax.ShapeDtypeStruct(query.shape, query.dtype),
        compiler_params=triton.CompilerParams(**_OPTIONS),
        interpret=interpret,
        name="tiled_attention",
    )(query, key, value, bias)
    return mean.reshape(*batch, num_tokens, heads * width)


def _attend_queries(
    query: Float[Array, "tile width"],
    key: Float[Array, "key width"],
    value: Float[Array, "key width"],
    bias: Float[Array, "tile key"],
    mean: BFloat16[Array, "tile width"],
) -> None:
    """Fills in what the queries of a tile make of all keys; arguments are places in memory."""
    queries = query[...]
    per_product = _PER_LOGIT * queries.shape[-1] ** -0.5

    def add_keys(index: Array, so_far: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        largest, total, summed = so_far
        tile = pl.ds(index * TILE, TILE)
        products = jax.lax.dot_general(
            queries, key[tile, :], (((1,), (1,)), ((), ())), preferred_element_type=jnp.float32
        )
        logits = per_product * products + bias[:, tile].astype(jnp.float32)
        larger = jnp.maximum(largest, logits.max(axis=1))
        weights = jnp.exp2(logits - larger[:, None])
        shrunk = jnp.exp2(largest - larger)
        values = jnp.dot(
            weights.astype(queries.dtype), value[tile, :], preferred_element_type=jnp.float32
        )
        return larger, shrunk * total + weights.sum(axis=1), shrunk[:, None] * summed + values

    nothing = jnp.full(TILE, -jnp.inf), jnp.zeros(TILE), jnp.zeros(queries.shape, jnp.float32)
    _, total, summed = jax.lax.fori_loop(0, key.shape[0] // TILE, add_keys, nothing)
    mean[...] = (summed / total[:, None]).astype(mean.dtype)
