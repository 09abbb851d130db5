"""Bounds the memory of large intermediates by computing them a few rows at a time.

Results do not depend on the chunk: every row is computed by itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar

import jax
from jaxtyping import Array, Float

_DEFAULT_BYTES = 1 << 28

_budget: ContextVar[int] = ContextVar("chunk_bytes", default=_DEFAULT_BYTES)


@contextlib.contextmanager
def chunk_bytes(budget: int) -> Iterator[None]:
    """While functions are traced inside this, chunked intermediates stay within `budget` bytes."""
    token = _budget.set(budget)
    try:
        yield
    finally:
        _budget.reset(token)


def map_rows(
    function: Callable[[Float[Array, "rows ..."]], Float[Array, "rows ..."]],
    rows: Float[Array, "row ..."],
    bytes_per_row: int,
) -> Float[Array, "row ..."]:
    """`function(rows)`, evaluated on as many rows at once as the budget allows."""
    chunk = max(1, _budget.get() // bytes_per_row)
    if chunk >= rows.shape[0]:
        return function(rows)
    return jax.lax.map(lambda row: function(row[None])[0], rows, batch_size=chunk)
