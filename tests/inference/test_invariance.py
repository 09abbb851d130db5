"""A result does not depend on the bucket, the chunks, or the jobs before it.

The network is the official one at depth 1 and small widths, with at most 8 rows of an alignment per
pass, so that deep alignments are sampled.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import hypothesis.strategies as st
import jax
import numpy as np
import pytest
from flax import nnx
from hypothesis import HealthCheck, assume, given, settings

from af3cli.chemistry import ComponentDictionary, open_dictionary
from af3cli.features.conventions import OFFICIAL_FEATURES
from af3cli.features.featurise import featurise
from af3cli.features.padding import Buckets, Sizes, sizes_of
from af3cli.features.types import Features
from af3cli.inference.parameters import compiled
from af3cli.inference.predict import (
    PredictionModel,
    Sample,
    load_prediction_model,
    predict,
    prepare,
)
from af3cli.inference.trunk import Embeddings, TrunkModel, embed
from af3cli.job import Job, read_job
from af3cli.model.chunking import chunk_bytes
from af3cli.model.config import OFFICIAL, ModelConfig, SamplerConfig, reduced
from af3cli.runs.plan import Task, plan_job, plan_tasks
from af3cli.runs.schedule import TaskInputs, run_tasks
from af3cli.tokens import tokenize
from af3cli.weights.provenance import known_digest, with_provenance
from af3cli.weights.synthetic import synthetic_parameters
from tests.inference.random_jobs import jobs

DATA = Path(__file__).parents[1] / "data"
EXACT = Buckets(())
# How far two compiled programs may differ, relative to the rms of the array: rounding alone.
BOUND = 2e-6


@dataclass(frozen=True)
class FixedSizes(Buckets):
    """One size for every job, so that one compiled program serves them all."""

    fixed: Sizes = field(kw_only=True)

    def sizes(self, own: Sizes) -> Sizes:
        return self.fixed


SMALL = FixedSizes(fixed=Sizes(token=64, atom=512, row=8, template=1, bond=64))
LARGE = FixedSizes(fixed=Sizes(token=91, atom=736, row=19, template=3, bond=101))


@pytest.fixture(scope="module")
def prediction_model() -> PredictionModel:
    return small_model()


def small_model() -> PredictionModel:
    config = small_config()
    arrays = synthetic_parameters(config)
    weights = with_provenance("synthetic", None, config, arrays, known_digest(None))
    return load_prediction_model(weights, precision="float32")


@pytest.fixture(scope="module")
def model(prediction_model: PredictionModel) -> TrunkModel:
    return prediction_model.trunk


def small_config() -> ModelConfig:
    config = reduced(OFFICIAL)
    stack = replace(
        config.pairformer,
        num_blocks=1,
        triangle_head_width=4,
        triangle_multiplication_width=12,
        single_heads=2,
    )
    return replace(
        config,
        single_width=24,
        pair_width=16,
        atom_width=16,
        pairformer=stack,
        template=replace(config.template, width=8, stack=stack),
        msa=replace(config.msa, width=16, outer_product_width=4, max_rows=8),
        atom_transformer=replace(config.atom_transformer, num_blocks=1),
        diffusion=replace(
            config.diffusion, num_blocks=4, num_heads=2, token_width=24, num_atom_blocks=1
        ),
    )


@cache
def components() -> ComponentDictionary:
    return open_dictionary()


def features_of(job: Job) -> Features:
    return featurise(job, *tokenize(job, components()), components(), job.seeds[0])


def run(model: TrunkModel, features: Features, buckets: Buckets, seed: int = 1) -> Embeddings:
    return embed(model, features, seed=seed, num_recycles=1, buckets=buckets)


def assert_near(array: np.ndarray, other: np.ndarray, name: str) -> None:
    difference = np.sqrt(np.mean((array - other) ** 2) / np.mean(other**2))
    assert difference <= BOUND, (name, difference)
    assert np.abs(array - other).max() <= 10 * BOUND * np.abs(other).max(), name


def assert_same(ours: Embeddings, others: Embeddings) -> None:
    for name in ("single", "pair", "target_feat"):
        array, other = getattr(ours, name), getattr(others, name)
        assert array.shape == other.shape
        assert_near(array, other, name)


def fits(features: Features) -> bool:
    own = sizes_of(features)
    return all(getattr(own, axis) <= getattr(SMALL.fixed, axis) for axis in ("token", "atom"))


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
@given(job=jobs())
def test_any_job_in_two_buckets(model: TrunkModel, job: Job) -> None:
    features = features_of(job)
    assume(fits(features))
    seed = job.seeds[0]
    assert_same(run(model, features, SMALL, seed), run(model, features, LARGE, seed))


# 104 atoms and 1,504 rows; a bond; two templates.
@pytest.mark.parametrize(
    ("case", "buckets"),
    [("deep_msa", LARGE), ("covalent_ligand", LARGE), ("template_5y2e", Buckets((67,)))],
)
def test_the_natural_size_is_a_bucket_too(model: TrunkModel, case: str, buckets: Buckets) -> None:
    features = features_of(read_job(DATA / case / "job.json"))
    assert_same(run(model, features, buckets), run(model, features, EXACT))


@pytest.mark.parametrize("budget", [1, 100_000])
def test_chunks(model: TrunkModel, budget: int) -> None:
    """One row at a time, or a few over sizes that do not divide; else all at once."""
    features = features_of(read_job(DATA / "template_5y2e" / "job.json"))
    expected = run(model, features, EXACT)
    compiled.cache_clear()
    with chunk_bytes(budget):
        ours = run(replace(model), features, EXACT)
    compiled.cache_clear()
    assert_same(ours, expected)


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    names = ["covalent_ligand", "user_ccd", "smiles_ligand", "deep_msa"]
    planned = [plan_job(read_job(DATA / name / "job.json"), components()) for name in names]
    return plan_tasks(planned, SMALL)


def embeddings(model: TrunkModel, tasks: list[Task]) -> dict[str, Embeddings]:
    """The results of tasks run in this order."""
    stored = {}

    def work(task: Task, inputs: TaskInputs) -> None:
        stored[task.job.name] = run(model, inputs.features, SMALL, task.seed)

    costs = dict.fromkeys(tasks, 1.0)
    assert not run_tasks(
        costs, components(), work, conventions=OFFICIAL_FEATURES, needed_bytes=lambda task: 0
    )
    return stored


@settings(max_examples=3, deadline=None, derandomize=True)
@given(data=st.data())
def test_the_order_of_jobs(model: TrunkModel, tasks: list[Task], data: st.DataObject) -> None:
    """To the last bit: the same programs run, whatever has run before."""
    expected = embeddings(model, tasks)
    ours = embeddings(model, data.draw(st.permutations(tasks)))
    assert len(expected) == len(ours) == 4
    for name in expected:
        for array in ("single", "pair", "target_feat"):
            np.testing.assert_array_equal(
                getattr(ours[name], array), getattr(expected[name], array)
            )


def samples(
    model: PredictionModel, buckets: Buckets, numbers: list[int], at_once: int
) -> dict[int, Sample]:
    """Samples by their number; the buckets differ in how many noise levels are taken at once."""
    features = features_of(read_job(DATA / "covalent_ligand" / "job.json"))
    job = prepare(model, features, seed=1, num_recycles=0, buckets=buckets)
    drawn = predict(job, numbers, config=SamplerConfig(steps=4), at_once=at_once)
    return {sample.number: sample for sample in drawn}


def assert_same_samples(ours: dict[int, Sample], others: dict[int, Sample]) -> None:
    for number, sample in ours.items():
        other = others[number]
        assert_near(sample.coordinates, other.coordinates, "coordinates")
        for name in ("plddt", "pae", "tm_global", "tm_interface", "contact_probs"):
            assert_near(getattr(sample.confidences, name), getattr(other.confidences, name), name)


@pytest.fixture(scope="module")
def three_samples(prediction_model: PredictionModel) -> dict[int, Sample]:
    return samples(prediction_model, EXACT, [0, 1, 2], at_once=3)


def test_samples(prediction_model: PredictionModel, three_samples: dict[int, Sample]) -> None:
    """A sample is the same in any bucket, and whichever others are drawn with it."""
    assert_same_samples(samples(prediction_model, LARGE, [2, 0], at_once=1), three_samples)


def test_confidences_that_no_file_holds_are_not_computed(prediction_model: PredictionModel) -> None:
    features = features_of(read_job(DATA / "covalent_ligand" / "job.json"))
    job = prepare(prediction_model, features, seed=1, num_recycles=0, buckets=EXACT)
    trunk, positions = job.trunk, np.zeros((len(job.padded.atoms.mask), 3), np.float32)
    shared = job.padded, trunk.single, trunk.pair, trunk.target_feat
    computed = jax.eval_shape(prediction_model.heads.confidences, positions, *shared)
    assert computed.pae.shape == (job.num_tokens, job.num_tokens)
    assert computed.pde is None and computed.resolved is None


def test_samples_of_a_stack_that_is_scanned(
    three_samples: dict[int, Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As accelerators do it; what the samples share is computed a row at a time."""
    with monkeypatch.context() as patch:
        patch.setattr(jax, "default_backend", lambda: "gpu")
        model = small_model()
    head = nnx.merge(model.heads.diffusion.graph, model.heads.diffusion.parameters)
    assert not head.transformer.stack.unrolled
    with chunk_bytes(100_000):
        ours = samples(model, LARGE, [1], at_once=1)
    assert_same_samples(ours, three_samples)
