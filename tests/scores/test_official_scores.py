"""Every summary figure against those that the official program computed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from af3cli.scores import score_sample
from tests.official_runs import RUN_CASES, OfficialRun

OFFICIAL_NAMES = {
    "ptm": "ptm",
    "iptm": "iptm",
    "has_clash": "has_clash",
    "fraction_disordered": "fraction_disordered",
    "ranking_score": "ranking_score",
    "chain_ptm": "iptm_ichain",
    "chain_iptm": "iptm_xchain",
    "chain_pair_iptm": "chain_pair_iptm",
    "chain_pair_pae_min": "chain_pair_pae_min",
}


@pytest.mark.parametrize("case", RUN_CASES)
def test_scores_are_the_official_ones(case):
    run = OfficialRun(case)
    official = json.loads((run.folder / "metadata.json").read_text())
    for sample in range(run.num_samples):
        scores = score_sample(
            *run.tables, run.has_frame, run.coordinates(sample), run.confidences(sample)
        )
        for ours, theirs in OFFICIAL_NAMES.items():
            expected = np.array(official[sample][theirs], dtype=float)
            np.testing.assert_allclose(getattr(scores, ours), expected, rtol=0, atol=1e-12)


def test_without_coordinates_geometry_is_unknown_and_the_rest_is_not():
    run = OfficialRun("covalent_ligand")
    coordinates = run.coordinates(0).copy()
    coordinates[-1] = np.nan
    scores = score_sample(*run.tables, run.has_frame, coordinates, run.confidences(0))
    assert np.isnan([scores.fraction_disordered, scores.has_clash, scores.ranking_score]).all()
    assert np.isfinite([scores.ptm, scores.iptm]).all()
