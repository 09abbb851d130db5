"""A function of rows gives the same whatever number of them it gets at once."""

from __future__ import annotations

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from af3cli.model import chunking
from af3cli.model.chunking import add_rows, chunk_budget, chunk_bytes, map_rows

sizes = given(
    num_rows=st.integers(1, 12), bytes_per_row=st.integers(1, 9), budget=st.integers(0, 100)
)


@pytest.mark.parametrize("axis", [0, 1])
@settings(max_examples=30, deadline=None)
@sizes
def test_rows_are_mapped_in_order(
    axis: int, num_rows: int, bytes_per_row: int, budget: int
) -> None:
    rows = np.arange(num_rows * 3.0, dtype=np.float32).reshape(num_rows, 3)
    seen = []

    def function(rows: jax.Array) -> tuple[jax.Array, jax.Array]:
        rows = rows if axis == 0 else rows.T
        seen.append(len(rows))
        return (2 * rows).T, jnp.stack([rows.sum(axis=1), rows.min(axis=1)])

    with chunk_bytes(budget):
        doubled, summed = map_rows(
            function,
            jnp.asarray(rows if axis == 0 else rows.T),
            bytes_per_row=bytes_per_row,
            axis=axis,
            out_axis=1,
        )
    np.testing.assert_array_equal(doubled, 2 * rows.T)
    np.testing.assert_array_equal(summed, [rows.sum(axis=1), rows.min(axis=1)])
    assert all(size == 1 or size * bytes_per_row <= budget for size in seen)
    if bytes_per_row * num_rows <= budget:
        assert seen == [num_rows]


@pytest.mark.parametrize("axis", [0, 1])
@settings(max_examples=30, deadline=None)
@sizes
def test_each_row_is_added_to_once(
    axis: int, num_rows: int, bytes_per_row: int, budget: int
) -> None:
    rows = np.arange(num_rows * 3.0, dtype=np.float32).reshape(num_rows, 3)
    other = np.cos(rows)
    expected = rows + rows * other

    def turned(array: np.ndarray) -> jax.Array:
        return jnp.asarray(array if axis == 0 else array.T)

    with chunk_bytes(budget):
        ours = add_rows(
            lambda rows, other: rows * (other if axis == 0 else other.T),
            turned(rows),
            jnp.asarray(other),
            bytes_per_row=bytes_per_row,
            axis=axis,
        )
    np.testing.assert_allclose(ours, turned(expected), rtol=1e-6, atol=1e-5)


def test_no_fewer_rows_are_taken_than_are_asked_for() -> None:
    seen = []

    def function(rows: jax.Array) -> jax.Array:
        seen.append(len(rows))
        return 2 * rows

    rows = jnp.arange(20.0)
    with chunk_bytes(1):
        doubled = map_rows(function, rows, bytes_per_row=9, least_rows=8)
    np.testing.assert_array_equal(doubled, 2 * rows)
    assert set(seen) == {7}  # as even as three chunks can be


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="is about processors")
@pytest.mark.parametrize(
    ("cache", "budget"),
    [(None, 8 << 20), (16 << 20, 8 << 20), (64 << 20, 16 << 20), (1 << 29, 24 << 20)],
)
def test_chunks_follow_a_processor_s_cache(monkeypatch, cache: int | None, budget: int) -> None:
    monkeypatch.setattr(chunking, "last_level_cache", lambda: cache)
    assert chunk_budget() == budget
    with chunk_bytes(123):
        assert chunk_budget() == 123
