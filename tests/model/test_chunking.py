"""A function of rows gives the same whatever number of them it gets at once."""

from __future__ import annotations

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings

from af3cli.model.chunking import chunk_bytes, map_rows


@settings(max_examples=30, deadline=None)
@given(num_rows=st.integers(1, 12), bytes_per_row=st.integers(1, 9), budget=st.integers(0, 100))
def test_rows_are_mapped_in_order(num_rows: int, bytes_per_row: int, budget: int) -> None:
    rows = np.arange(num_rows * 2.0, dtype=np.float32).reshape(num_rows, 2)
    seen = []

    def function(rows: jax.Array) -> tuple[jax.Array, jax.Array]:
        seen.append(len(rows))
        return 2 * rows, rows.sum(axis=1)

    with chunk_bytes(budget):
        doubled, summed = map_rows(function, jnp.asarray(rows), bytes_per_row)
    np.testing.assert_array_equal(doubled, 2 * rows)
    np.testing.assert_array_equal(summed, rows.sum(axis=1))
    fits = bytes_per_row * num_rows <= budget
    assert seen[0] == (num_rows if fits or num_rows == 1 else 1)
