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

# What one chunked intermediate may take. A processor is fastest within its last-level cache.
_PROCESSOR_BYTES, _ACCELERATOR_BYTES = 1 << 23, 1 << 31

Rows = TypeVar("Rows")
Result = TypeVar("Result")

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


def map_rows(function: Callable[[Rows], Result], rows: Rows, bytes_per_row: int) -> Result:
    """`function(rows)`, evaluated on as many rows at once as the budget allows.

    `rows` and the result are arrays, or tuples of them, with one entry for each row.
    """
    num_rows = jax.tree.leaves(rows)[0].shape[0]
    chunk = max(1, _chunk_bytes() // bytes_per_row)
    if chunk >= num_rows:
        return function(rows)

    def one_row(row: Rows) -> Result:
        result = function(jax.tree.map(lambda array: array[None], row))
        return jax.tree.map(lambda array: array[0], result)

    num_chunks = math.ceil(num_rows / chunk)
    return jax.lax.map(one_row, rows, batch_size=math.ceil(num_rows / num_chunks))


def _chunk_bytes() -> int:
    budget = _budget.get()
    if budget is not None:
        return budget
    return _PROCESSOR_BYTES if jax.default_backend() == "cpu" else _ACCELERATOR_BYTES
