"""`pad` and `trim` are each other's inverse, and buckets are the official ones."""

from __future__ import annotations

import dataclasses

import hypothesis
import hypothesis.extra.numpy
import hypothesis.strategies as st
import jax
import numpy as np
import pytest

from af3cli.errors import InputError
from af3cli.features.padding import (
    TOKEN_BUCKETS,
    Buckets,
    Sizes,
    pad,
    pad_array,
    sizes_of,
    trim,
    trim_array,
)
from af3cli.features.types import (
    AtomFeatures,
    BondFeatures,
    Features,
    FrameFeatures,
    MsaFeatures,
    TemplateFeatures,
    TokenFeatures,
)
from tests.official import GOLDEN_CASES, features_from_official


def random_features(sizes: Sizes, seed: int) -> Features:
    """Features of these sizes with every number random and every mask true."""
    random = np.random.default_rng(seed)
    token, atom, row, template, bond = dataclasses.astuple(sizes)

    def real(*shape: int) -> np.ndarray:
        return random.normal(size=shape).astype(np.float32)

    def whole(*shape: int, dtype: type = np.int32) -> np.ndarray:
        return random.integers(0, 100, shape).astype(dtype)

    def flag(*shape: int) -> np.ndarray:
        return random.random(shape) < 0.5

    return Features(
        tokens=TokenFeatures(np.ones(token, bool), *(whole(token) for _ in range(9))),
        atoms=AtomFeatures(
            mask=np.ones(atom, bool),
            token=whole(atom),
            slot=whole(atom),
            ref_position=real(atom, 3),
            ref_mask=flag(atom),
            element=whole(atom),
            charge=real(atom),
            name_chars=whole(atom, 4),
        ),
        msa=MsaFeatures(
            row_mask=np.ones(row, bool),
            rows=whole(row, token, dtype=np.int8),
            deletions=whole(row, token, dtype=np.int8),
            profile=real(token, 31),
            deletion_mean=real(token),
        ),
        templates=TemplateFeatures(
            mask=np.ones(template, bool),
            residue_type=whole(template, token),
            pseudo_beta=real(template, token, 3),
            pseudo_beta_mask=flag(template, token),
            backbone=real(template, token, 3, 3),
            backbone_mask=flag(template, token),
        ),
        bonds=BondFeatures(mask=np.ones(bond, bool), tokens=whole(bond, 2)),
        frames=FrameFeatures(pseudo_beta_atom=whole(token), has_frame=flag(token)),
    )


def assert_equal(left: Features, right: Features) -> None:
    assert jax.tree.structure(left) == jax.tree.structure(right)
    for ours, theirs in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype


sizes = st.builds(
    Sizes,
    token=st.integers(1, 20),
    atom=st.integers(1, 50),
    row=st.integers(1, 9),
    template=st.integers(0, 4),
    bond=st.integers(0, 9),
)


@hypothesis.given(own=sizes, extra=sizes, seed=st.integers(0, 2**32 - 1))
def test_trim_undoes_pad(own: Sizes, extra: Sizes, seed: int) -> None:
    features = random_features(own, seed)
    padded_sizes = Sizes(
        *(a + b for a, b in zip(dataclasses.astuple(own), dataclasses.astuple(extra), strict=True))
    )
    padded = pad(features, padded_sizes)
    assert sizes_of(padded) == sizes_of(features) == own
    assert padded.tokens.mask.shape == (padded_sizes.token,)
    assert padded.msa.rows.shape == (padded_sizes.row, padded_sizes.token)
    assert padded.templates.backbone.shape == (padded_sizes.template, padded_sizes.token, 3, 3)
    assert_equal(trim(padded), features)
    for array, own_array in zip(jax.tree.leaves(padded), jax.tree.leaves(features), strict=True):
        assert np.count_nonzero(array) == np.count_nonzero(own_array)


@hypothesis.given(own=sizes, exact=st.booleans())
def test_bucket_sizes_hold_what_the_network_needs(own: Sizes, exact: bool) -> None:
    bucket = Buckets(()).sizes(own) if exact else Buckets().sizes(own)
    assert all(b >= o for b, o in zip(*map(dataclasses.astuple, (bucket, own)), strict=True))
    assert bucket.atom % 32 == 0
    assert bucket.atom > own.atom or own.atom >= 128
    assert bucket.template > own.template or own.template == 4
    assert (bucket.token == own.token) if exact else (bucket.token in TOKEN_BUCKETS)


@pytest.mark.parametrize(
    ("tokens", "bucket"), [(1, 128), (128, 128), (129, 256), (5120, 5120), (5121, 5121)]
)
def test_token_bucket_is_the_smallest_that_holds_the_job(tokens: int, bucket: int) -> None:
    own = Sizes(token=tokens, atom=8 * tokens, row=2, template=0, bond=0)
    assert Buckets().sizes(own).token == bucket
    assert Buckets.parse("exact").sizes(own).token == tokens


def test_few_atom_sizes_per_token_bucket() -> None:
    """Proteins of one token bucket, 7 to 9 atoms a residue, come in three sizes at most."""
    atoms = {
        Buckets().sizes(Sizes(tokens, int(ratio * tokens), 2, 0, 0)).atom
        for tokens in range(769, 1025)
        for ratio in (7.0, 7.5, 8.0, 8.5, 9.0)
    }
    assert len(atoms) <= 3


@pytest.mark.parametrize("case", GOLDEN_CASES, ids=lambda case: case.name)
def test_official_features_survive_a_bucket(case) -> None:
    with np.load(case / "features.npz") as official:
        features = features_from_official(official)
    assert_equal(trim(pad(features, Buckets().sizes(sizes_of(features)))), features)


def test_a_bucket_that_is_too_small_is_refused() -> None:
    features = random_features(Sizes(5, 9, 2, 0, 0), 0)
    with pytest.raises(ValueError):
        pad(features, Sizes(4, 128, 16, 1, 16))


@pytest.mark.parametrize("text", ["", "128,64", "128,128", "0,128", "many", "128,,256"])
def test_bad_bucket_lists_are_explained(text: str) -> None:
    with pytest.raises(InputError, match="increasing numbers of tokens"):
        Buckets.parse(text)


def test_bucket_lists_are_read() -> None:
    assert Buckets.parse("64, 128,1000").tokens == (64, 128, 1000)


def test_an_array_is_padded_and_trimmed_on_its_first_axes() -> None:
    own = np.ones((5, 4, 3))
    padded = pad_array(own, 8, None)
    assert padded.shape == (8, 4, 3)
    assert padded.sum() == own.sum()
    np.testing.assert_array_equal(trim_array(padded, 5), own)
    assert trim_array(padded, 5, 2).shape == (5, 2, 3)
