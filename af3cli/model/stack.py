"""Stacks of equal blocks: parameters carry a leading layer axis and run under one `lax.scan`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import jax
from flax import nnx

Block = TypeVar("Block", bound=nnx.Module)
Carry = TypeVar("Carry")


class Stack(nnx.Module):
    """`num_blocks` blocks of one kind, applied one after another.

    `__call__(apply, carry, inputs)` calls `apply(block, carry, inputs[i])` for each block, where
    `inputs` is an optional pytree whose arrays have a leading layer axis.
    """

    def __init__(self, make_block: Callable[[], Block], num_blocks: int):
        self.num_blocks = num_blocks
        self.blocks = nnx.vmap(lambda _: make_block(), axis_size=num_blocks, in_axes=None)(None)

    def __call__(self, apply: Callable[..., Carry], carry: Carry, inputs: object = None) -> Carry:
        if not self.num_blocks:
            return carry
        graph, parameters = nnx.split(self.blocks)

        def step(carry: Carry, layer: tuple) -> tuple[Carry, None]:
            parameters, layer_inputs = layer
            block = nnx.merge(graph, parameters)
            args = () if inputs is None else (layer_inputs,)
            return apply(block, carry, *args), None

        return jax.lax.scan(step, carry, (parameters, inputs))[0]
