"""What the heads say of one sample, and what is told of it in a few figures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64


@dataclass(frozen=True)
class SampleConfidences:
    """What the confidence and distogram heads say of one sample, trimmed of all padding.

    `plddt` is per atom, 0..100. `pae` is in Å: element (i, j) is the expected error of token j when
    the structures are superposed on the frame of token i. `tm_global` and `tm_interface` are the
    expected TM terms of the same pairs, scaled for the size of the whole complex and of each pair
    of chains. `contact_probs` is the probability that two tokens are within 8 Å.
    """

    plddt: Float32[np.ndarray, "atom"]
    pae: Float32[np.ndarray, "token token"]
    tm_global: Float32[np.ndarray, "token token"]
    tm_interface: Float32[np.ndarray, "token token"]
    contact_probs: Float32[np.ndarray, "token token"]


@dataclass(frozen=True)
class SampleScores:
    """The summary figures of one sample; a figure that does not exist is NaN.

    Chains are in the order of `asym_id`. `chain_pair_pae_min` is in Å; row i is over the frames of
    chain i. `has_clash` is 0 or 1, NaN when some atom has no coordinates.
    """

    ptm: float
    iptm: float
    fraction_disordered: float
    has_clash: float
    ranking_score: float
    chain_ptm: Float64[np.ndarray, "chain"]
    chain_iptm: Float64[np.ndarray, "chain"]
    chain_pair_iptm: Float64[np.ndarray, "chain chain"]
    chain_pair_pae_min: Float64[np.ndarray, "chain chain"]
