"""Stacks of equal blocks, applied one after another."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import TypeVar

import jax
import jax.numpy as jnp
from flax import nnx

Block = TypeVar("Block", bound=nnx.Module)
Carry = TypeVar("Carry")
Result = TypeVar("Result")


class Stack(nnx.Module):
    """`num_blocks` blocks of one kind, applied one after another.

    `__call__(apply, carry, inputs)` calls `apply(block, carry, inputs[i])` for each block, where
    `inputs` is an optional pytree whose arrays have a leading layer axis.

    Parameters carry a leading layer axis and run under one `lax.scan`, so that compile time does
    not grow with depth. On a CPU a scan copies a block's parameters before it uses them; a stack of
    wide blocks over few rows is faster `unrolled`, with parameters of its own for each block.
    """

    def __init__(self, make_block: Callable[[], Block], num_blocks: int, *, unrolled: bool = False):
        self.num_blocks = num_blocks
        self.unrolled = unrolled
        self.blocks = (
            nnx.List([make_block() for _ in range(num_blocks)])
            if unrolled
            else _with_layer_axis(make_block(), num_blocks)
        )

    def __call__(self, apply: Callable[..., Carry], carry: Carry, inputs: object = None) -> Carry:
        if not self.num_blocks:
            return carry
        if self.unrolled:
            return self._loop(apply, carry, inputs)
        graph, parameters = nnx.split(self.blocks)

        def step(carry: Carry, layer: tuple) -> tuple[Carry, None]:
            parameters, layer_inputs = layer
            block = nnx.merge(graph, parameters)
            args = () if inputs is None else (layer_inputs,)
            return apply(block, carry, *args), None

        return jax.lax.scan(step, carry, (parameters, inputs))[0]

    def of_each(self, apply: Callable[[Block], Result]) -> Result:
        """`apply(block)` of each block, stacked along a leading layer axis."""
        if self.unrolled:
            return jax.tree.map(lambda *layers: jnp.stack(layers), *map(apply, self.blocks))
        graph, parameters = nnx.split(self.blocks)
        return jax.lax.map(lambda layer: apply(nnx.merge(graph, layer)), parameters)

    def _loop(self, apply: Callable[..., Carry], carry: Carry, inputs: object) -> Carry:
        for index, block in enumerate(self.blocks):
            args = () if inputs is None else (jax.tree.map(itemgetter(index), inputs),)
            carry = apply(block, carry, *args)
        return carry


def _with_layer_axis(block: Block, num_blocks: int) -> Block:
    """A block whose parameters' places have room for those of all blocks of a stack."""
    graph, places = nnx.split(block)

    def stacked(place: jax.ShapeDtypeStruct) -> jax.ShapeDtypeStruct:
        return place.update(shape=(num_blocks, *place.shape))

    return nnx.merge(graph, jax.tree.map(stacked, places))
