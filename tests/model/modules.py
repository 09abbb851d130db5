"""Modules with random parameters, and those parameters as float64 arrays."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from af3cli.model.layers import ChannelsFirst, Linear
from af3cli.model.stack import Stack

Module = TypeVar("Module", bound=nnx.Module)


def randomised(make: Callable[[], Module], seed: int = 0) -> Module:
    """A module whose parameters are all random: none is zero, none leaves activations tiny."""
    graph, state = nnx.split(make())
    filled = []
    for path, slot in nnx.to_flat_state(state):
        random = np.random.default_rng([seed, zlib.crc32("/".join(map(str, path)).encode())])
        values = random.normal(size=slot.shape)
        if path[-1] == "scale":
            values = 1 + 0.3 * values
        elif slot.ndim > 1:
            values /= np.sqrt(slot.shape[-2])
        filled.append((path, slot.replace(jnp.asarray(values, jnp.float32))))
    return nnx.merge(graph, nnx.from_flat_state(filled))


def random_array(*shape: int, seed: int = 0) -> np.ndarray:
    """Normal numbers in float64 that float32 holds exactly."""
    random = np.random.default_rng([seed, *shape])
    return random.normal(size=shape).astype(np.float32).astype(np.float64)


def exact(parameter: nnx.Param) -> np.ndarray:
    """A parameter in float64."""
    return np.asarray(parameter[...], np.float64)


def norm_of(norm: nnx.Module) -> tuple[np.ndarray, np.ndarray]:
    """Scale and offset of a layer normalisation."""
    return exact(norm.scale), exact(norm.offset)


def matrix(linear: Linear | ChannelsFirst) -> np.ndarray:
    """The weight of a linear layer as [in, out]."""
    weight = exact(linear.weight)
    return weight.T if isinstance(linear, ChannelsFirst) else weight


def columns(linear: Linear | ChannelsFirst, *widths: int) -> list[np.ndarray]:
    """The weight of a linear layer, cut into matrices of these widths."""
    weight = matrix(linear)
    assert sum(widths) == weight.shape[1]
    return np.split(weight, np.cumsum(widths)[:-1], axis=1)


def heads(weight: np.ndarray, num_heads: int) -> np.ndarray:
    """A projection [channel, head * width] as [channel, head, width]."""
    return weight.reshape(*weight.shape[:-1], num_heads, -1)


def assert_close(ours: np.ndarray, reference: np.ndarray, bound: float = 2e-6) -> None:
    """Asserts that float32 results are those of float64, relative to their rms."""
    ours = np.asarray(ours, np.float64)
    assert ours.shape == reference.shape
    difference = np.sqrt(np.mean((ours - reference) ** 2)) / np.sqrt(np.mean(reference**2))
    assert difference <= bound, difference


def layers_of(stack: Stack) -> list[nnx.Module]:
    """The blocks of a stack, one by one."""
    if stack.unrolled:
        return list(stack.blocks)
    graph, parameters = nnx.split(stack.blocks)

    def layer(index: int) -> nnx.Module:
        return nnx.merge(graph, jax.tree.map(lambda array: array[index], parameters))

    return [layer(index) for index in range(stack.num_blocks)]
