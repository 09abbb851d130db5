"""Tokens and their features against those of the official program."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from af3cli.chemistry import ComponentDictionary, open_dictionary
from af3cli.features.bonds import bond_features
from af3cli.features.frames import frame_features
from af3cli.features.reference import atom_features
from af3cli.features.tokens import token_features
from af3cli.job import read_job
from af3cli.tokens import tokenize
from tests.features.releases import same_releases
from tests.official import GOLDEN_CASES, features_from_official
from tests.official_tables import tables_from_official

every_case = pytest.mark.parametrize("case", GOLDEN_CASES, ids=lambda case: case.name)


@pytest.fixture(scope="module")
def components() -> ComponentDictionary:
    return open_dictionary()


def assert_equal(ours: object, expected: object) -> None:
    for name, array in vars(expected).items():
        np.testing.assert_array_equal(getattr(ours, name), array, err_msg=name)
        assert getattr(ours, name).dtype == array.dtype, name


@every_case
def test_tables_are_the_official_ones(case: Path, components: ComponentDictionary) -> None:
    with np.load(case / "features.npz") as official:
        tables = tables_from_official(official)
    for ours, expected in zip(
        tokenize(read_job(case / "job.json"), components), tables, strict=True
    ):
        assert_equal(ours, expected)


@every_case
def test_tokens_and_bonds_are_the_official_ones(
    case: Path, components: ComponentDictionary
) -> None:
    with np.load(case / "features.npz") as official:
        expected = features_from_official(official)
    job = read_job(case / "job.json")
    tokens, atoms = tokenize(job, components)
    assert_equal(token_features(tokens), expected.tokens)
    assert_equal(bond_features(job, tokens, atoms, components.for_job(job)), expected.bonds)


@same_releases
@every_case
def test_reference_and_frames_are_the_official_ones(
    case: Path, components: ComponentDictionary
) -> None:
    with np.load(case / "features.npz") as official:
        expected = features_from_official(official)
    job = read_job(case / "job.json")
    tokens, atoms = tokenize(job, components)
    own = components.for_job(job)
    ours = atom_features(tokens, atoms, own, job.seeds[0])
    for name, array in vars(expected.atoms).items():
        tolerance = 1e-5 if name == "ref_position" else 0
        np.testing.assert_allclose(getattr(ours, name), array, 0, tolerance, err_msg=name)
        assert getattr(ours, name).dtype == array.dtype, name
    assert_equal(frame_features(tokens, atoms, own), expected.frames)
