"""Bounds the memory of large intermediates by computing them a few rows at a time.

Results do not depend on the chunk: every row is computed by itself.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array

from af3cli.processors import last_level_cache

# What one chunked intermediate may take. A processor is fastest within its share of the last-level
# cache: 8 MiB of 32, and 24 of 480, a tenth faster than with 8. An accelerator is fastest without
# chunks, by a tenth at 1,024 tokens, as far as its memory goes.
_PROCESSOR_BYTES, _PROCESSOR_SHARE = (1 << 23, 3 << 23), 1 / 4
_ACCELERATOR_BYTES, _ACCELERATOR_SHARE = 1 << 32, 1 / 16

Rows = TypeVar("Rows")
Result = TypeVar("Result")

_budget: ContextVar[int | None] = ContextVar("chunk_bytes", default=None)


@contextlib.contextmanager
def chunk_bytes(budget: int) -> Iterator[None]:
    """While functions are traced inside this, chunked intermediates stay within `budget` bytes.

    Outside, the budget is that of the device. Programs that are compiled already keep theirs, and
    models of one structure share them.
    """
    token = _budget.set(budget)
    try:
        yield
    finally:
        _budget.reset(token)


def map_rows(
    function: Callable[[Rows], Result],
    rows: Rows,
    *,
    bytes_per_row: int,
    axis: int = 0,
    out_axis: int = 0,
    least_rows: int = 1,
) -> Result:
    """`function(rows)`, evaluated on as many rows at once as the budget allows.

    On at least `least_rows` if there are so many, whatever the budget. `rows` and the result are
    arrays or trees of them; rows lie along `axis` of each of the former and along `out_axis` of
    each of the latter.
    """
    num_rows = jax.tree.leaves(rows)[0].shape[axis]
    chunk = _chunk(num_rows, bytes_per_row, least_rows)
    if chunk == num_rows:
        return function(rows)

    def evaluate(start: Array) -> Result:
        return function(
            jax.tree.map(lambda x: jax.lax.dynamic_slice_in_dim(x, start, chunk, axis), rows)
        )

    def room(part: jax.ShapeDtypeStruct) -> Array:
        shape = list(part.shape)
        shape[out_axis] = num_rows
        return jnp.full(shape, any_value.astype(part.dtype))

    def fill_chunk(index: Array, filled: Result) -> Result:
        start = index * chunk  # JAX moves a slice that would end beyond the last row back to it
        return jax.tree.map(
            lambda whole, part: jax.lax.dynamic_update_slice_in_dim(whole, part, start, out_axis),
            filled,
            evaluate(start),
        )

    # A constant would be kept in memory for all calls, and copied for each.
    any_value = jax.tree.leaves(rows)[0].ravel()[0]
    result = jax.tree.map(room, jax.eval_shape(evaluate, 0))
    return jax.lax.fori_loop(0, math.ceil(num_rows / chunk), fill_chunk, result)


def add_rows(
    function: Callable[..., Array],
    total: Array,
    *others: Array,
    bytes_per_row: int,
    axis: int = 0,
    others_axis: int = 0,
) -> Array:
    """`total + function(total, *others)`, as many rows at once as the budget allows, in place.

    Rows lie along `axis` of `total` and along `others_axis` of `others`; what is added to a row
    depends on that row only.
    """
    return replace_rows(
        lambda rows, *parts: rows + function(rows, *parts),
        total,
        *others,
        bytes_per_row=bytes_per_row,
        axis=axis,
        others_axis=others_axis,
    )


def replace_rows(
    function: Callable[..., Array],
    total: Array,
    *others: Array,
    bytes_per_row: int,
    axis: int = 0,
    others_axis: int = 0,
) -> Array:
    """`function(total, *others)` in the place of `total`; otherwise as `add_rows`."""
    num_rows = total.shape[axis]
    chunk = _chunk(num_rows, bytes_per_row)
    if chunk == num_rows:
        return function(total, *others)

    def replace_chunk(start: int | Array, size: int, total: Array) -> Array:
        rows = jax.lax.dynamic_slice_in_dim(total, start, size, axis)
        parts = (jax.lax.dynamic_slice_in_dim(x, start, size, others_axis) for x in others)
        rows = function(rows, *parts)
        return jax.lax.dynamic_update_slice_in_dim(total, rows, start, axis)

    whole, rest = divmod(num_rows, chunk)
    total = jax.lax.fori_loop(
        0, whole, lambda index, total: replace_chunk(index * chunk, chunk, total), total
    )
    return replace_chunk(whole * chunk, rest, total) if rest else total


def _chunk(num_rows: int, bytes_per_row: int, least_rows: int = 1) -> int:
    """How many rows to take at once: chunks as even as can be that the budget allows."""
    most = max(least_rows, chunk_budget() // bytes_per_row)
    return math.ceil(num_rows / math.ceil(num_rows / most))


def chunk_budget() -> int:
    """Returns how many bytes a chunked intermediate may take."""
    budget = _budget.get()
    if budget is not None:
        return budget
    if jax.default_backend() == "cpu":
        least, most = _PROCESSOR_BYTES
        return max(least, min(most, int(_PROCESSOR_SHARE * (last_level_cache() or 0))))
    statistics = jax.local_devices()[0].memory_stats() or {}
    if "bytes_limit" not in statistics:
        return _ACCELERATOR_BYTES
    return min(_ACCELERATOR_BYTES, int(_ACCELERATOR_SHARE * statistics["bytes_limit"]))
