"""Alignment features against those of the official program."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from af3cli.features.msa import msa_features
from af3cli.job import read_job
from tests.official import GOLDEN_CASES, features_from_official
from tests.official_tables import tables_from_official


@pytest.mark.parametrize("case", GOLDEN_CASES, ids=lambda case: case.name)
def test_msa_is_the_official_one(case: Path) -> None:
    with np.load(case / "features.npz") as official:
        expected = features_from_official(official).msa
        tokens, _ = tables_from_official(official)
    msa = msa_features(read_job(case / "job.json"), tokens)
    for name, array in vars(expected).items():
        np.testing.assert_array_equal(getattr(msa, name), array, err_msg=name)
        assert getattr(msa, name).dtype == array.dtype, name
