"""Softmax attention with an additive bias: plain, or by a fused kernel.

The plain form writes all logits to memory, which is most of what attention over pairs costs on an
accelerator. Fused kernels do not, but know bfloat16 only: cuDNN's takes any number of tokens, ours
whole tiles of them (see `tiled_attention`), in two thirds of the time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from af3cli.model.layers import MASKED

# Relative rms by which bfloat16 attention may differ from float32; measured 4e-3 at most.
_TOLERANCE = 2e-2


def attend(
    query: Float[Array, "*batch query heads width"],
    key: Float[Array, "*batch key heads width"],
    value: Float[Array, "*batch key heads width"],
    bias: Float[Array, "*#batch heads query key"],
) -> Float[Array, "*batch query heads*width"]:
    """Softmax attention with an additive bias, at least `MASKED`; logits and softmax in float32.

    In bfloat16 by a fused kernel, where one works; the bias is rounded as well then.
    """
    if not is_fused(key.dtype):
        return attend_plain(query, key, value, bias)
    if bias.ndim == 3 and why_not_tiled() is None:
        from af3cli.model.tiled_attention import attend_tiled, fits_tiles

        if fits_tiles(key.shape[-3], key.shape[-1]):
            return attend_tiled(query, key, value, bias)
    return attend_fused(query, key, value, bias)


def attend_plain(
    query: Float[Array, "*batch query heads width"],
    key: Float[Array, "*batch key heads width"],
    value: Float[Array, "*batch key heads width"],
    bias: Float[Array, "*#batch heads query key"],
) -> Float[Array, "*batch query heads*width"]:
    """Attention written out, in any dtype and on any device."""
    query = (query.astype(jnp.float32) * query.shape[-1] ** -0.5).astype(key.dtype)
    query, key, value = (x.swapaxes(-3, -2) for x in (query, key, value))
    logits = jnp.einsum("...qc,...kc->...qk", query, key, preferred_element_type=jnp.float32)
    weights = jax.nn.softmax(logits + bias, axis=-1).astype(value.dtype)
    mean = jnp.matmul(weights, value).swapaxes(-3, -2)
    return mean.reshape(*mean.shape[:-2], -1)


def attend_fused(
    query: Float[Array, "*batch query heads width"],
    key: Float[Array, "*batch key heads width"],
    value: Float[Array, "*batch key heads width"],
    bias: Float[Array, "*#batch heads query key"],
    implementation: str = "cudnn",
) -> Float[Array, "*batch query heads*width"]:
    """Attention by an `implementation` of `jax.nn.dot_product_attention`."""
    arrays = bias.astype(query.dtype), query, key, value
    bias, *of_rows = (x.reshape(-1, *x.shape[-3:]) for x in arrays)
    mean = jax.nn.dot_product_attention(*of_rows, bias=bias, implementation=implementation)
    return mean.reshape(*query.shape[:-2], -1)


def is_fused(dtype: jnp.dtype) -> bool:
    """Says whether attention in this dtype is computed by a fused kernel."""
    return dtype == jnp.bfloat16 and why_not_fused() is None


@cache
def why_not_fused() -> str | None:
    """Returns why cuDNN's kernel cannot be used here, or None if it can: it is tried once."""
    return _why_not(attend_fused, num_tokens=24)


@cache
def why_not_tiled() -> str | None:
    """Returns why the kernel for tiles cannot be used here, or None if it can: it is tried once."""

    def attend_by_tiles(*arguments: Array) -> Array:
        from af3cli.model.tiled_attention import attend_tiled

        return attend_tiled(*arguments)

    return _why_not(attend_by_tiles, num_tokens=128)


def _why_not(kernel: Callable[..., Array], num_tokens: int) -> str | None:
    """Returns why a kernel is not to be used, as tried on random numbers, or None."""
    if jax.default_backend() != "gpu":
        return "there is no GPU"

    def difference(
        arrays: list[Float[Array, "row token heads width"]],
        bias: Float[Array, "heads token token"],
    ) -> Float[Array, ""]:
        """The relative rms by which the kernel in bfloat16 differs from float32."""
        expected = attend_plain(*arrays, bias)
        found = kernel(*(array.astype(jnp.bfloat16) for array in arrays), bias)
        return jnp.linalg.norm(found - expected) / jnp.linalg.norm(expected)

    random = np.random.default_rng(0)
    arrays = [random.normal(size=(2, num_tokens, 4, 32)).astype(np.float32) for _ in range(3)]
    bias = random.normal(size=(4, num_tokens, num_tokens)).astype(np.float32)
    bias[..., -1] = MASKED
    try:
        # Compiled apart, it runs at once even while another program is traced.
        wrong_by = float(jax.jit(difference).lower(arrays, bias).compile()(arrays, bias))
    except (AttributeError, ImportError, RuntimeError, ValueError, NotImplementedError) as error:
        return str(error).partition("\n")[0]
    return None if wrong_by < _TOLERANCE else f"its result is wrong by {wrong_by:.1e}"
