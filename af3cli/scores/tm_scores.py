"""Predicted TM scores, of a complex, of its chains and of pairs of chains.

Supplementary information of Abramson et al. 2024 (doi:10.1038/s41586-024-07487-w), "Confidence
measures".
All functions take one sample's matrix of expected TM terms or errors (row: the token whose frame
the structures are superposed on), the mask of tokens that have a frame, and each token's chain.
Tokens of one chain are neighbours. A score over no frames at all is NaN.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32

# The official program adds this to the number of tokens that a mean is over.
_SMALL = 1e-8


def predicted_tm(
    tm: Float32[np.ndarray, "token token"], has_frame: Bool[np.ndarray, "token"]
) -> float:
    """Returns pTM: the best frame's mean TM term over all tokens."""
    return _best(tm.sum(axis=1, dtype=np.float64) / (len(tm) + _SMALL), has_frame)


def predicted_interface_tm(
    tm: Float32[np.ndarray, "token token"],
    has_frame: Bool[np.ndarray, "token"],
    asym_id: Int32[np.ndarray, "token"],
) -> float:
    """Returns ipTM: the best frame's mean TM term over the tokens of other chains."""
    starts, chain, sizes = _chains(asym_id)
    if len(starts) == 1:
        return np.nan
    sums = np.add.reduceat(tm, starts, axis=1, dtype=np.float64)
    own = np.take_along_axis(sums, chain[:, None], axis=1)[:, 0]
    others = len(asym_id) - sizes[chain]
    return _best((sums.sum(axis=1) - own) / (others + _SMALL), has_frame)


def chain_pair_tm(
    tm: Float32[np.ndarray, "token token"],
    has_frame: Bool[np.ndarray, "token"],
    asym_id: Int32[np.ndarray, "token"],
) -> Float64[np.ndarray, "chain chain"]:
    """Returns the ipTM of each pair of chains, and each chain's pTM on the diagonal."""
    starts, _, sizes = _chains(asym_id)
    means = np.add.reduceat(tm, starts, axis=1, dtype=np.float64) / (sizes + _SMALL)
    best = np.maximum.reduceat(np.where(has_frame[:, None], means, -np.inf), starts, axis=0)
    best = np.maximum(best, best.T)
    return np.where(np.isneginf(best), np.nan, best)


def mean_over_other_chains(
    chain_pairs: Float64[np.ndarray, "chain chain"],
) -> Float64[np.ndarray, "chain"]:
    """Returns each chain's mean over its pairs with other chains; NaN pairs do not count."""
    known = ~np.isnan(chain_pairs)
    np.fill_diagonal(known, False)
    sums = np.where(known, chain_pairs, 0.0).sum(axis=1)
    counts = known.sum(axis=1)
    return np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)


def chain_pair_minimum(
    error: Float32[np.ndarray, "token token"],
    has_frame: Bool[np.ndarray, "token"],
    asym_id: Int32[np.ndarray, "token"],
) -> Float64[np.ndarray, "chain chain"]:
    """Returns the smallest error of a frame of chain i and a token of chain j, for all i and j."""
    starts, _, _ = _chains(asym_id)
    by_token = np.minimum.reduceat(error, starts, axis=1).astype(np.float64)
    smallest = np.minimum.reduceat(np.where(has_frame[:, None], by_token, np.inf), starts, axis=0)
    return np.where(np.isposinf(smallest), np.nan, smallest)


def _best(per_frame: Float64[np.ndarray, "token"], has_frame: Bool[np.ndarray, "token"]) -> float:
    return float(per_frame[has_frame].max()) if has_frame.any() else np.nan


def _chains(asym_id: Int32[np.ndarray, "token"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns each chain's first token, each token's chain (from 0), and the chains' sizes."""
    starts = np.flatnonzero(np.diff(asym_id, prepend=asym_id[0] - 1))
    sizes = np.diff(starts, append=len(asym_id))
    return starts, np.repeat(np.arange(len(starts)), sizes), sizes
