"""All features of a job at once, from its file, against those of the official program."""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np
import pytest

from af3cli.chemistry import open_dictionary
from af3cli.features.featurise import featurise
from af3cli.job import read_job
from af3cli.tokens import tokenize
from tests.features.releases import same_releases
from tests.official import GOLDEN_CASES, features_from_official

COMPONENTS = open_dictionary()


@same_releases
@pytest.mark.parametrize("case", GOLDEN_CASES, ids=lambda case: case.name)
def test_features_are_the_official_ones(case: Path) -> None:
    with np.load(case / "features.npz") as official:
        expected = features_from_official(official)
    job = read_job(case / "job.json")
    features = featurise(job, *tokenize(job, COMPONENTS), COMPONENTS, job.seeds[0])
    paths = jax.tree_util.tree_leaves_with_path(expected)
    for (path, array), ours in zip(paths, jax.tree.leaves(features), strict=True):
        name = jax.tree_util.keystr(path)
        assert ours.dtype == array.dtype, name
        tolerance = 1e-3 if name == ".atoms.ref_position" else 0
        np.testing.assert_allclose(ours, array, rtol=0, atol=tolerance, err_msg=name)
