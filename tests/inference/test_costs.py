"""Costs are the operations of the matrix products that a program has."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import jax
import jax.numpy as jnp
from flax import nnx
from jax.extend.core import Jaxpr

from af3cli.features.padding import Sizes
from af3cli.inference.costs import step_cost
from af3cli.model.atom_transformer import AtomBlock
from af3cli.model.config import OFFICIAL
from af3cli.model.token_transformer import TokenBlock

SIZES = Sizes(token=48, atom=320, row=1, template=0, bond=0)


def floats(*shape: int) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def operations(jaxpr: Jaxpr) -> int:
    """Multiplications and additions of all matrix products."""
    total = 0
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            lengths = [equation.invars[0].aval.shape[axis] for axis in contracted]
            total += 2 * prod(lengths) * equation.outvars[0].aval.size
        inner = (getattr(value, "jaxpr", None) for value in equation.params.values())
        total += sum(operations(jaxpr) for jaxpr in inner if jaxpr is not None)
    return total


def counted(block: nnx.Module, method: Callable, *arguments: object) -> tuple[int, object]:
    """What a block's method costs, and the shapes of its result."""
    graph, parameters = nnx.split(block)
    program, result = jax.make_jaxpr(
        lambda own, *arguments: method(nnx.merge(graph, own), *arguments), return_shape=True
    )(parameters, *arguments)
    return operations(program.jaxpr), result


def test_a_step_costs_what_its_blocks_do():
    tokens, atoms = floats(SIZES.token, 768), floats(SIZES.atom, 128)
    block = TokenBlock(OFFICIAL)
    modulating, modulation = counted(block, TokenBlock.modulation, floats(SIZES.token, 384))
    bias = floats(16, SIZES.token, SIZES.token)
    of_token, _ = counted(block, TokenBlock.__call__, tokens, modulation, bias)

    block = AtomBlock(128, OFFICIAL.atom_transformer)
    _, modulation = counted(block, AtomBlock.modulation, atoms)
    bias, windows = floats(10, 4, 32, 128), jax.ShapeDtypeStruct((10, 128), jnp.int32)
    of_atom, _ = counted(block, AtomBlock.__call__, atoms, modulation, bias, windows)

    for samples in (1, 5):
        expected = 24 * modulating + samples * (24 * of_token + 6 * of_atom)
        assert step_cost(OFFICIAL, SIZES, samples) == expected
