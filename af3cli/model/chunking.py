"""Bounds the memory of large intermediates by computing them a few rows at a time.

Results do not depend on the chunk: every row is computed by itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import TypeVar

import jax
from jaxtyping import Array, Float

# What one chunked intermediate may take. A processor is fastest within its last-level cache.
_PROCESSOR_BYTES, _ACCELERATOR_BYTES = 1 << 23, 1 << 31

Rows = TypeVar("Rows")

_budget: ContextVar[int | None] = ContextVar("chunk_bytes", default=None)


@contextlib.contextmanager
def chunk_bytes(budget: int) -> Iterator[None]:
    """While functions are traced inside this, chunked intermediates stay within `budget` bytes.

    Outside, the budget is that of the device. Programs that are compiled already keep theirs.
    """
    token = _budget.set(budget)
    try:
        yield
    finally:
        _budget.reset(token)


def map_rows(
    function: Callable[[Float[Array, "rows ..."]], Rows],
    rows: Float[Array, "row ..."],
    bytes_per_row: int,
) -> Rows:
    """`function(rows)`, evaluated on as many rows at once as the budget allows.

    `function` returns an array, or a tuple of arrays, with one row for each of its argument's.
    """
    chunk = max(1, _chunk_bytes() // bytes_per_row)
    if chunk >= rows.shape[0]:
        return function(rows)

    def one_row(row: Float[Array, "..."]) -> Rows:
        return jax.tree.map(lambda result: result[0], function(row[None]))

    return jax.lax.map(one_row, rows, batch_size=chunk)


def _chunk_bytes() -> int:
    budget = _budget.get()
    if budget is not None:
        return budget
    return _PROCESSOR_BYTES if jax.default_backend() == "cpu" else _ACCELERATOR_BYTES
