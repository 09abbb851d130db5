"""Conversion of other families' tensors to arrays with the official names.

A `Rule` says which tensors make one official array and how. Most rules are lines of a table:

    norm    X y      X:scale and X:offset are y.weight and y.bias
    scale   X y      X:scale is y.weight
    linear  X y      X:weights is y.weight with its input axes first
    biased  X y      the same, and X:bias is y.bias
    as_is   X y      X:weights is y.weight
    glu     X y z    X:weights has the outputs of y, then those of z
    mixed   X y z    X:weights has the outputs of y and z in turn

with `{}` in a tensor's name for the number of a block. Axes are split as the schema has them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import mul

import numpy as np
from jaxtyping import Shaped

from af3cli.weights.check import Problems, is_finite
from af3cli.weights.schema import Schema
from af3cli.weights.schema_blocks import Shape

Array = Shaped[np.ndarray, "..."]
Weight = Shaped[np.ndarray, "out in"]
Convert = Callable[..., Array]
Tensors = Mapping[str, Array]

_DTYPES = ("bfloat16", "float16", "float32", "float64")


@dataclass(frozen=True)
class Rule:
    """The official array `target`, made of `sources` by `convert(shape, *tensors)`.

    `shape` is the array's without layer axes. Tensors of an `optional` rule may be absent in the
    last block, whose values are then zero. `groups_blocks` is for arrays in which the blocks'
    axis lies between the others.
    """

    target: str
    sources: tuple[str, ...]
    convert: Convert
    optional: bool = False
    groups_blocks: bool = False


@dataclass(frozen=True)
class TensorFamily:
    """How to tell a family's tensors, and how to convert them.

    `unsupported(tensors, depths)` says which other version tensors are of, if they are of one.
    `stacks` are the beginnings of the names of blocks, by stack as in `model.config.depths`.
    """

    name: str
    marker: str
    rules: Callable[[], Iterator[Rule]]
    is_extra: Callable[[str], bool]
    unsupported: Callable[[Tensors, Mapping[str, int]], str | None]
    stacks: Mapping[str, str]


def rules(table: str, target: str = "", source: str = "", optional: bool = False) -> Iterator[Rule]:
    """Yields the rules of a table, all of whose names begin with `target` and `source`."""
    for line in table.strip().splitlines():
        operation, name, *modules = line.split()
        name = target + name
        weights = tuple(f"{source}{module}.weight" for module in modules)
        bias = (f"{source}{modules[0]}.bias",)
        if operation in ("norm", "scale"):
            yield Rule(f"{name}:scale", weights, regrouped, optional)
        else:
            yield Rule(f"{name}:weights", weights, _CONVERSIONS[operation], optional)
        if operation in ("norm", "biased"):
            leaf = "offset" if operation == "norm" else "bias"
            yield Rule(f"{name}:{leaf}", bias, regrouped, optional)


def checked(array: Array, shape: Shape) -> Array:
    """Returns `array` if it has the shape that it should have."""
    if array.shape != shape:
        raise ValueError(f"it is {list(array.shape)}, not {list(shape)}")
    return array


def regrouped(shape: Shape, array: Array) -> Array:
    """Returns `array` with axes split or joined to `shape`, never mixed."""
    if not set(accumulate(array.shape, mul)) <= {1, *accumulate(shape, mul)}:
        raise ValueError(f"{list(array.shape)} does not fit {list(shape)}")
    return array.reshape(shape)


def transposed(shape: Shape, array: Array) -> Array:
    """Returns weights that are stored outputs first with their inputs first."""
    return regrouped(shape, array.T)


def _glu(shape: Shape, first: Weight, second: Weight) -> Array:
    return regrouped(shape, np.concatenate([first.T, second.T], axis=-1))


def _mixed(shape: Shape, first: Weight, second: Weight) -> Array:
    inputs, outputs = first.T.shape
    return regrouped(shape, np.stack([first.T, second.T], axis=-1).reshape(inputs, 2 * outputs))


def constant(value: float) -> Convert:
    """Returns a conversion of nothing to an array of one value."""
    return lambda shape: np.full(shape, value, np.float32)


def input_rows(indices: Sequence[int]) -> Convert:
    """Returns a conversion that puts inputs in the order `indices`; -1 is a row of zeros."""

    def convert(shape: Shape, array: Array) -> Array:
        if not array.ndim or max(indices) >= array.shape[-1]:
            raise ValueError(f"{list(array.shape)} does not fit {list(shape)}")
        rows = array.T
        zero = np.zeros_like(rows[:1])
        return regrouped(shape, np.concatenate([rows, zero])[list(indices)])

    return convert


_CONVERSIONS: dict[str, Convert] = {
    "linear": transposed,
    "biased": transposed,
    "as_is": regrouped,
    "glu": _glu,
    "mixed": _mixed,
}


def convert(
    tensors: Mapping[str, Array],
    family_rules: Iterable[Rule],
    schema: Schema,
    problems: Problems,
) -> dict[str, Array]:
    """Returns the arrays of `schema`, float32, that the rules make of a family's tensors.

    What is missing, left over, of a wrong shape or no finite number is added to `problems` under
    the family's own names; the arrays are only whole if there is nothing.
    """
    arrays: dict[str, Array] = {}
    used: set[str] = set()
    for rule in family_rules:
        shape = schema[rule.target].shape
        blocks = _blocks(rule, shape)
        names = [name.format(block) for block in range(len(blocks)) for name in rule.sources]
        present = [name for name in names if name in tensors]
        used.update(present)
        absent = [name for name in names if name not in tensors]
        if rule.optional and absent == names[-len(rule.sources) :]:
            blocks = blocks[:-1]
        elif absent:
            problems.missing.extend(absent)
            continue
        array = _array(rule, shape, blocks, {name: tensors[name] for name in present}, problems)
        if array is not None:
            arrays[rule.target] = array
    problems.unexpected.extend(name for name in tensors if name not in used)
    for found in (problems.missing, problems.wrong_dtype, problems.not_finite):
        found[:] = list(dict.fromkeys(found))
    return {name: arrays[name] for name in schema if name in arrays}


def _array(
    rule: Rule, shape: Shape, blocks: range, sources: Mapping[str, np.ndarray], problems: Problems
) -> np.ndarray | None:
    """Returns the array that a rule makes of its sources, or adds to `problems` why it cannot."""
    others = [name for name, tensor in sources.items() if tensor.dtype.name not in _DTYPES]
    if others:
        kinds = (f"{name} is {sources[name].dtype}, not of real numbers" for name in others)
        problems.wrong_dtype.extend(kinds)
        return None
    try:
        with np.errstate(over="ignore"):  # what is too large for float32 is told below
            array = _evaluate(rule, shape, blocks, sources)
    except ValueError as error:
        problems.misshapen.append(f"{next(iter(sources))}: {error}")
        return None
    if not is_finite(array):
        with np.errstate(over="ignore"):
            made = {name: tensor.astype(np.float32) for name, tensor in sources.items()}
        infinite = [name for name, tensor in made.items() if not is_finite(tensor)]
        problems.not_finite.extend(infinite or sources)
    return array


def _layer_axes(rule: Rule) -> int:
    return 0 if rule.groups_blocks else rule.target.count("__layer_stack")


def _blocks(rule: Rule, shape: Shape) -> range:
    """Returns the numbers of the blocks whose tensors make one array."""
    if rule.groups_blocks:
        return range(shape[-2] * math.prod(shape[:-3]))
    return range(math.prod(shape[: _layer_axes(rule)]))


def _evaluate(rule: Rule, shape: Shape, blocks: range, tensors: Mapping[str, Array]) -> Array:
    axes = _layer_axes(rule)
    block_shape = (shape[-3], shape[-1]) if rule.groups_blocks else shape[axes:]
    result = np.zeros((len(_blocks(rule, shape)), *block_shape), np.float32)
    for block in blocks:
        sources = [tensors[name.format(block)] for name in rule.sources]
        result[block] = rule.convert(block_shape, *sources)
    if rule.groups_blocks:
        grouped = result.reshape(-1, shape[-2], *block_shape)
        return np.ascontiguousarray(np.swapaxes(grouped, 1, 2)).reshape(shape)
    return result.reshape(shape)
