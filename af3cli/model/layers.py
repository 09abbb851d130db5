"""Small layers that everything else is made of.

Precision is a property of the parameters: a linear layer computes in the dtype of its weight. Layer
normalisation, softmax, gates and the sums that carry a representation from block to block are
float32, so that rounding does not build up with depth.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float

# Logits of what is not attended to. Float32's lowest number would be infinity in bfloat16, of which
# a softmax cannot take differences.
MASKED = -1e9


def parameter(*shape: int) -> nnx.Param:
    """A place for a parameter of this shape, to be filled in from a checkpoint."""
    return nnx.Param(jax.ShapeDtypeStruct(shape, jnp.float32))


class Linear(nnx.Module):
    """`x @ weight (+ bias)`, in the dtype of the weight.

    `exact` asks for full float32 products where the hardware would round them (TF32).
    """

    def __init__(self, in_width: int, out_width: int, *, bias: bool = False, exact: bool = False):
        self.weight = parameter(in_width, out_width)
        self.bias = parameter(out_width) if bias else None
        self.precision = jax.lax.Precision.HIGHEST if exact else None

    def __call__(self, x: Float[Array, "*batch in"]) -> Float[Array, "*batch out"]:
        y = jnp.matmul(x.astype(self.dtype), self.weight[...], precision=self.precision)
        return y if self.bias is None else y + self.bias[...]

    def parts(self, x: Float[Array, "*batch in"], number: int) -> list[Float[Array, "*batch part"]]:
        """What a layer without bias returns, as `number` equal parts, each an array of its own."""
        x = x.astype(self.dtype)
        weights = jnp.split(self.weight[...], number, axis=-1)
        return [jnp.matmul(x, weight, precision=self.precision) for weight in weights]

    @property
    def dtype(self) -> jnp.dtype:
        """The dtype that this layer computes in and returns."""
        return self.weight.dtype


class ChannelsFirst(nnx.Module):
    """A linear layer without bias whose channels lie along the first axis of what it returns.

    So do those of its weight: with the sum over the last axis of both, a processor has fast
    products for bfloat16 too.
    """

    def __init__(self, in_width: int, out_width: int):
        self.weight = parameter(out_width, in_width)

    def __call__(self, x: Float[Array, "*batch in"]) -> Float[Array, "out *batch"]:
        weight = self.weight[...]
        return jnp.einsum("dc,...c->d...", weight, x.astype(weight.dtype))


def normalise(x: Float[Array, "*batch width"]) -> Float[Array, "*batch width"]:
    """Zero mean and unit variance along the last axis, in float32, epsilon 1e-5."""
    x = x.astype(jnp.float32)
    centred = x - jnp.mean(x, axis=-1, keepdims=True)
    return centred * jax.lax.rsqrt(jnp.mean(jnp.square(centred), axis=-1, keepdims=True) + 1e-5)


class LayerNorm(nnx.Module):
    """Layer normalisation with a learned scale and, unless told otherwise, an offset; float32."""

    def __init__(self, width: int, *, offset: bool = True):
        self.scale = parameter(width)
        self.offset = parameter(width) if offset else None

    def __call__(self, x: Float[Array, "*batch width"]) -> Float[Array, "*batch width"]:
        y = normalise(x) * self.scale[...]
        return y if self.offset is None else y + self.offset[...]


class Transition(nnx.Module):
    """Gated two-layer perceptron (algorithm 11). `expand` holds the gate's columns first."""

    def __init__(self, width: int, factor: int):
        self.norm = LayerNorm(width)
        self.expand = Linear(width, 2 * factor * width)
        self.contract = Linear(factor * width, width)

    def __call__(self, x: Float[Array, "*batch width"]) -> Float[Array, "*batch width"]:
        return self.contract(swish_gate(self.expand(self.norm(x))))

    def bytes_of(self, x: Float[Array, "*batch width"]) -> int:
        """What the intermediates for `x` take in float32."""
        expanded = self.expand.weight.shape[-1] + self.contract.weight.shape[-2]
        return 4 * math.prod(x.shape[:-1]) * expanded


def swish_gate(x: Float[Array, "*batch two_width"]) -> Float[Array, "*batch width"]:
    """`swish(first half) * second half`, computed in float32."""
    gate, value = jnp.split(x, 2, axis=-1)
    return (jax.nn.silu(gate.astype(jnp.float32)) * value).astype(x.dtype)


def gated(
    value: Float[Array, "*batch width"], gate: Float[Array, "*batch width"]
) -> Float[Array, "*batch width"]:
    """`value * sigmoid(gate)`, computed in float32, in the dtype of `value`."""
    return (value * jax.nn.sigmoid(gate.astype(jnp.float32))).astype(value.dtype)


def masked(
    logits: Float[Array, "*batch key"], mask: Bool[Array, "*#batch key"]
) -> Float[Array, "*batch key"]:
    """Logits of which a softmax gives no weight to keys that are not in the mask."""
    return jnp.where(mask, logits, MASKED)


def split_heads(
    x: Float[Array, "*batch heads_times_width"], num_heads: int
) -> Float[Array, "*batch heads width"]:
    """Views the last axis as heads."""
    return x.reshape(*x.shape[:-1], num_heads, -1)
