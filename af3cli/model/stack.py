"""Stacks of equal blocks, applied one after another."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import TypeVar

import jax
from flax import nnx

Block = TypeVar("Block", bound=nnx.Module)
Carry = TypeVar("Carry")
Result = TypeVar("Result")


class Stack(nnx.Module):
    """`num_blocks` blocks of one kind, applied one after another.

    `__call__(apply, carry, *inputs)` calls `apply(block, carry, *own)` for each block, where `own`
    are the block's parts of the inputs. An input is an array with a leading layer axis, or what
    `of_each` returned.

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

    def __call__(self, apply: Callable[..., Carry], carry: Carry, *inputs: object) -> Carry:
        if not self.num_blocks:
            return carry
        if self.unrolled:
            for index, block in enumerate(self.blocks):
                carry = apply(block, carry, *map(itemgetter(index), inputs))
            return carry
        graph, parameters = nnx.split(self.blocks)

        def step(carry: Carry, layer: tuple) -> tuple[Carry, None]:
            parameters, layer_inputs = layer
            block = nnx.merge(graph, parameters)
            return apply(block, carry, *layer_inputs), None

        return jax.lax.scan(step, carry, (parameters, inputs))[0]

    def of_each(self, apply: Callable[[Block], Result]) -> Result | list[Result]:
        """`apply(block)` of each block, to be an input: stacked along a leading layer axis, or one
        by one if the blocks are `unrolled`.
        """
        if self.unrolled:
            return list(map(apply, self.blocks))
        graph, parameters = nnx.split(self.blocks)
        return jax.lax.map(lambda layer: apply(nnx.merge(graph, layer)), parameters)


def _with_layer_axis(block: Block, num_blocks: int) -> Block:
    """A block whose parameters' places have room for those of all blocks of a stack."""
    graph, places = nnx.split(block)

    def stacked(place: jax.ShapeDtypeStruct) -> jax.ShapeDtypeStruct:
        return place.update(shape=(num_blocks, *place.shape))

    return nnx.merge(graph, jax.tree.map(stacked, places))
