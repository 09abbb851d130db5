"""Every golden case within the bounds: features, trunk, heads; float32 and bfloat16.

The default run uses the reduced parameters, `pytest -m slow` the full ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import pytest

from af3cli.features.padding import Buckets
from af3cli.inference.heads import Heads, load_heads
from af3cli.inference.predict import PredictionModel
from af3cli.inference.trunk import TrunkModel, load_model
from af3cli.weights.load import Weights, load_weights
from tests.official import GOLDEN_CASES
from tests.parity.case import Case
from tests.parity.comparison import Comparison
from tests.parity.trunk import EXACT

_ALL = [folder.name for folder in GOLDEN_CASES]
# Most cases are put into one bucket, so that few programs are compiled.
_SHARED = Buckets((88,))
_BUCKETS = dict.fromkeys(("covalent_ligand", "deep_msa", "template_5y2e"), EXACT)
_HEADS_FULL = ("deep_msa", "dna_duplex", "user_ccd")


@cache
def case_named(name: str) -> Case:
    return Case(next(folder for folder in GOLDEN_CASES if folder.name == name))


def assert_within(comparisons: Iterable[Comparison], *expected: str) -> None:
    """Asserts that every comparison is within its bound and that those expected are made."""
    made = list(comparisons)
    outside = [str(comparison) for comparison in made if not comparison.is_within]
    assert not outside, "\n".join(outside)
    assert set(expected) <= {comparison.name for comparison in made}


def test_there_are_eleven_cases() -> None:
    assert len(_ALL) == 11


@pytest.mark.parametrize("name", _ALL)
def test_features(name: str) -> None:
    assert_within(
        case_named(name).compare_features(), "layout.atom_name", "msa.rows", "bonds.tokens"
    )


@pytest.mark.parametrize("name", _ALL)
def test_reduced_trunk(reduced_model: TrunkModel, name: str) -> None:
    assert_within(
        case_named(name).compare_trunk(reduced_model, "reduced", _BUCKETS.get(name, _SHARED)),
        *("target_feat", "trunk0.pair_after_templates", "trunk0.pair_after_msa"),
        *("trunk0.single", "trunk0.pair", "trunk1.single", "trunk1.pair"),
    )


@pytest.mark.parametrize("name", ["covalent_ligand", "deep_msa", "template_5y2e"])
def test_reduced_heads(reduced_model: TrunkModel, reduced_heads: Heads, name: str) -> None:
    assert_within(
        case_named(name).compare_heads(reduced_model, reduced_heads, "reduced"),
        "diff2.denoised (sigma 160)",
        "conf.full_pae",
        "conf.predicted_lddt",
        "distogram.contact_probs",
    )


@pytest.mark.parametrize(
    "name",
    ["covalent_ligand", "deep_msa", pytest.param("heterodimer_paired", marks=pytest.mark.slow)],
)
def test_reduced_runs(reduced_model: TrunkModel, reduced_heads: Heads, name: str) -> None:
    assert_within(
        case_named(name).compare_runs(PredictionModel(reduced_model, reduced_heads), "reduced"),
        "sample 0 coordinates (rms, Å)",
        "sample 0 chain_pair_iptm",
        "sample 0 pae",
        "sample 0 atom table",
        "ranking scores",
    )


@pytest.fixture(scope="module")
def bfloat16_model(reduced_weights: Weights) -> TrunkModel:
    return load_model(reduced_weights, precision="bfloat16")


@pytest.mark.parametrize("name", ["heterodimer_paired", "ubi_msa"])
def test_reduced_trunk_in_bfloat16(bfloat16_model: TrunkModel, name: str) -> None:
    assert_within(case_named(name).compare_trunk(bfloat16_model, "reduced", _SHARED), "trunk1.pair")


@pytest.fixture(scope="module")
def full_weights() -> Weights:
    return load_weights("synthetic")


@pytest.fixture(scope="module")
def full_model(full_weights: Weights) -> TrunkModel:
    return load_model(full_weights, precision="float32")


@pytest.mark.slow
@pytest.mark.parametrize("name", _ALL)
def test_full_trunk(full_model: TrunkModel, name: str) -> None:
    assert_within(
        case_named(name).compare_trunk(full_model, "full"), "trunk1.single", "trunk1.pair"
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", _HEADS_FULL)
def test_full_heads(full_model: TrunkModel, full_weights: Weights, name: str) -> None:
    assert_within(
        case_named(name).compare_heads(
            full_model, load_heads(full_weights, full_model.precision), "full"
        ),
        "diff2.denoised (sigma 160)",
        "conf.full_pae",
        "distogram.logits",
        "sampler.final_positions (rms, Å)",
    )
