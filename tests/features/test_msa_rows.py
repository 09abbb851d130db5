"""The alignment rows of each trunk pass, against those that the official program drew."""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np

from af3cli.features.msa_rows import msa_row_order

DEEP_MSA = Path(__file__).parents[1] / "data" / "deep_msa"


def test_rows_of_a_deep_alignment_are_the_official_ones() -> None:
    with np.load(DEEP_MSA / "network_reduced_f32.npz") as official:
        expected = official["msa_order"]
    order = msa_row_order(seed=7, num_passes=2, num_rows=1504)
    assert order.dtype == np.int32
    np.testing.assert_array_equal(order, expected)


def test_keys_of_the_passes_are_the_official_ones() -> None:
    """The documented chain of keys, followed by hand, meets the recorded ones."""
    with np.load(DEEP_MSA / "network_reduced_f32.npz") as official:
        key = jax.random.split(jax.random.PRNGKey(7))[1]
        np.testing.assert_array_equal(key, official["key0"])
        key, first = jax.random.split(key)
        _, second = jax.random.split(key)
        np.testing.assert_array_equal([first, second], official["recycle_keys"])


def test_passes_before_do_not_depend_on_how_many_follow() -> None:
    few, many = (msa_row_order(3, passes, 2000) for passes in (2, 11))
    np.testing.assert_array_equal(few, many[:2])
    assert not np.array_equal(many[0], many[1])
    assert not np.array_equal(few, msa_row_order(4, 2, 2000))


def test_every_pass_reads_different_rows_once_each() -> None:
    for rows in msa_row_order(seed=1, num_passes=3, num_rows=16384):
        assert len(set(rows.tolist())) == 1024
        assert rows.min() >= 0 and rows.max() < 16384


def test_alignments_that_fit_are_read_whole() -> None:
    for num_rows in (1, 2, 1024):
        order = msa_row_order(seed=1, num_passes=4, num_rows=num_rows)
        np.testing.assert_array_equal(order, np.tile(np.arange(num_rows), (4, 1)))
        assert order.dtype == np.int32
