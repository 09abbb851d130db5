"""Template features against those of the official program, and the corners of its input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from af3cli.features.templates import template_features
from af3cli.job import read_job
from tests.official import GOLDEN_CASES, features_from_official
from tests.official_tables import tables_from_official


@pytest.mark.parametrize("case", GOLDEN_CASES, ids=lambda case: case.name)
def test_templates_are_the_official_ones(case: Path) -> None:
    with np.load(case / "features.npz") as official:
        expected = features_from_official(official).templates
        tokens, _ = tables_from_official(official)
    templates = template_features(read_job(case / "job.json"), tokens)
    for name, array in vars(expected).items():
        np.testing.assert_array_equal(getattr(templates, name), array, err_msg=name)
        assert getattr(templates, name).dtype == array.dtype, name
