"""Predicted TM scores against their definition, written out with loops."""

from __future__ import annotations

import numpy as np
import pytest

from af3cli.scores import tm_scores


@pytest.fixture
def complex_of_three():
    """Three chains, the last an ion without a frame."""
    generator = np.random.default_rng(0)
    asym_id = np.array([1, 1, 1, 2, 2, 3], np.int32)
    has_frame = np.array([True, False, True, True, True, False])
    return generator.random((6, 6)).astype(np.float32), has_frame, asym_id


def mean_by_definition(tm, row, columns):
    return np.mean([float(tm[row, column]) for column in columns])


def test_interface_score_is_the_best_frame_over_other_chains(complex_of_three):
    tm, has_frame, asym_id = complex_of_three
    expected = max(
        mean_by_definition(tm, row, [j for j in range(6) if asym_id[j] != asym_id[row]])
        for row in range(6)
        if has_frame[row]
    )
    assert tm_scores.predicted_interface_tm(*complex_of_three) == pytest.approx(expected)


def test_chain_pairs_by_definition(complex_of_three):
    tm, has_frame, asym_id = complex_of_three
    pairs = tm_scores.chain_pair_tm(*complex_of_three)
    for i in range(3):
        for j in range(3):
            candidates = [
                mean_by_definition(tm, row, np.flatnonzero(asym_id == other))
                for one, other in ((i + 1, j + 1), (j + 1, i + 1))
                for row in np.flatnonzero((asym_id == one) & has_frame)
            ]
            expected = max(candidates, default=np.nan)
            assert pairs[i, j] == pytest.approx(expected, nan_ok=True)
    assert np.isnan(pairs[2, 2])


def test_chains_without_frames_have_no_own_error(complex_of_three):
    error, has_frame, asym_id = complex_of_three
    smallest = tm_scores.chain_pair_minimum(error, has_frame, asym_id)
    assert np.isnan(smallest[2]).all()
    assert smallest[0, 2] == error[[0, 2], 5].min()


def test_mean_over_other_chains_skips_unknown_pairs():
    pairs = np.array([[9, 0.2, np.nan], [0.2, 9, 0.6], [np.nan, 0.6, 9]])
    assert tm_scores.mean_over_other_chains(pairs) == pytest.approx([0.2, 0.4, 0.6])
    assert np.isnan(tm_scores.mean_over_other_chains(np.ones((1, 1)))).all()


def test_no_frames_no_score():
    tm = np.ones((2, 2), np.float32)
    none = np.zeros(2, bool)
    assert np.isnan(tm_scores.predicted_tm(tm, none))
    assert np.isnan(tm_scores.predicted_interface_tm(tm, none, np.array([1, 2], np.int32)))
