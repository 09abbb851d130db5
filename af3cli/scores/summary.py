"""All summary figures of one sample, and the score that ranks samples."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32

from af3cli.scores import tm_scores
from af3cli.scores.clashes import has_clash
from af3cli.scores.disorder import fraction_disordered
from af3cli.scores.types import SampleConfidences, SampleScores
from af3cli.tokens.types import Atoms, Tokens

INTERFACE_WEIGHT = 0.8
DISORDER_WEIGHT = 0.5
CLASH_PENALTY = 100.0


def score_sample(
    tokens: Tokens,
    atoms: Atoms,
    has_frame: Bool[np.ndarray, "token"],
    coordinates: Float32[np.ndarray, "atom 3"],
    confidences: SampleConfidences,
) -> SampleScores:
    """Returns the summary figures of one sample (coordinates in Å).

    Without coordinates for every atom there is no disorder, clash or ranking score: they are NaN.
    """
    ptm = tm_scores.predicted_tm(confidences.tm_global, has_frame)
    iptm = tm_scores.predicted_interface_tm(confidences.tm_global, has_frame, tokens.asym_id)
    chain_pairs = tm_scores.chain_pair_tm(confidences.tm_interface, has_frame, tokens.asym_id)
    placed = bool(np.isfinite(coordinates).all())
    disorder = fraction_disordered(tokens, atoms, coordinates) if placed else np.nan
    clash = float(has_clash(tokens, atoms, coordinates)) if placed else np.nan
    return SampleScores(
        ptm=ptm,
        iptm=iptm,
        fraction_disordered=disorder,
        has_clash=clash,
        ranking_score=ranking_score(ptm, iptm, disorder, clash),
        chain_ptm=np.diagonal(chain_pairs).copy(),
        chain_iptm=tm_scores.mean_over_other_chains(chain_pairs),
        chain_pair_iptm=chain_pairs,
        chain_pair_pae_min=tm_scores.chain_pair_minimum(confidences.pae, has_frame, tokens.asym_id),
    )


def ranking_score(ptm: float, iptm: float, disorder: float, clash: float) -> float:
    """Returns the score by which samples are ranked, higher is better; one chain has only pTM."""
    tm = ptm if np.isnan(iptm) else INTERFACE_WEIGHT * iptm + (1 - INTERFACE_WEIGHT) * ptm
    return tm + DISORDER_WEIGHT * disorder - CLASH_PENALTY * clash
