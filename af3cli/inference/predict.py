"""Predicts structures of one job: trunk, samples, and how confident the network is of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import jax
import numpy as np
from jaxtyping import Float32

from af3cli.features.padding import Buckets, trim_array
from af3cli.features.types import Features
from af3cli.inference.heads import Heads, load_heads
from af3cli.inference.precision import choose_precision
from af3cli.inference.sampling import Draws, SeededDraws, sample_positions
from af3cli.inference.trunk import (
    DEFAULT_BUCKETS,
    Embeddings,
    TrunkModel,
    TrunkOutput,
    load_model,
    padded_but_for_rows,
    run_trunk,
)
from af3cli.model.confidence import Confidence
from af3cli.model.config import SamplerConfig
from af3cli.model.distogram import contact_probabilities
from af3cli.scores.types import SampleConfidences
from af3cli.weights.load import Weights, load_weights
from af3cli.weights.schema import is_of_trunk


@dataclass(frozen=True)
class PredictionModel:
    """The whole network with its parameters on the device."""

    trunk: TrunkModel
    heads: Heads

    @property
    def weights(self) -> Weights:
        """Where the parameters come from."""
        return self.trunk.weights


@dataclass(frozen=True)
class Sample:
    """One predicted structure: positions in Å, one row per atom, and confidences."""

    number: int
    coordinates: Float32[np.ndarray, "atom 3"]
    confidences: SampleConfidences


@dataclass(frozen=True)
class PreparedJob:
    """One job after the trunk, with all that its samples share."""

    model: PredictionModel
    features: Features
    padded: Features
    trunk: TrunkOutput
    contact_probs: Float32[np.ndarray, "token token"]
    seed: int

    @property
    def num_tokens(self) -> int:
        return len(self.features.tokens.mask)

    def embeddings(self) -> Embeddings:
        """The trunk's output without padding."""
        return self.trunk.trimmed(self.num_tokens)

    def distogram(self) -> Float32[np.ndarray, "token token bin"]:
        """The distogram's logits without padding."""
        logits = self.model.heads.distances(self.trunk.pair)
        return np.asarray(trim_array(logits, self.num_tokens, self.num_tokens))


def load_prediction_model(
    weights: str | Weights | None = None, *, precision: str = "auto", weights_dir: str | None = None
) -> PredictionModel:
    """Loads parameters, a path or a name, for trunk and heads; otherwise as `load_model`."""
    chosen = choose_precision(precision)
    if not isinstance(weights, Weights):
        weights = load_weights(weights, weights_dir)
    trunk = load_model(weights, precision=chosen)
    of_heads = {name: a for name, a in weights.arrays.items() if not is_of_trunk(name)}
    # From here on the trunk's arrays take memory on the device alone.
    weights = replace(weights, arrays=of_heads)
    return PredictionModel(trunk, load_heads(weights, chosen))


def prepare(
    model: PredictionModel,
    features: Features,
    *,
    seed: int,
    num_recycles: int | None = None,
    buckets: Buckets = DEFAULT_BUCKETS,
    on_pass: Callable[[int], None] | None = None,
) -> PreparedJob:
    """Runs the trunk and the distogram head on one job; arguments as of `embed`."""
    trunk = run_trunk(
        model.trunk,
        features,
        seed=seed,
        num_recycles=num_recycles,
        buckets=buckets,
        on_pass=on_pass,
    )
    padded = padded_but_for_rows(features, buckets)
    logits = model.heads.distances(trunk.pair)
    contacts = jax.jit(contact_probabilities)(logits, padded.tokens.mask)
    num_tokens = len(features.tokens.mask)
    contacts = np.asarray(trim_array(contacts, num_tokens, num_tokens))
    return PreparedJob(model, features, padded, trunk, contacts, seed)


def predict(
    job: PreparedJob,
    samples: Sequence[int] | None = None,
    *,
    config: SamplerConfig | None = None,
    at_once: int = 1,
    draws: Callable[[int, Sequence[int]], Draws] = SeededDraws,
    on_step: Callable[[Sequence[int], int], None] | None = None,
) -> Iterator[Sample]:
    """Yields the samples of these numbers; a sample is the same whichever others are drawn.

    Which numbers, and how they are sampled, is as in the model's own program if it is not given.
    `at_once` of them are sampled together, which takes memory (see `samples_at_once`).
    `draws(seed, samples)` gives their random numbers. `on_step(samples, index)` is called when a
    step of some samples is done.
    """
    heads, trunk, defaults = job.model.heads, job.trunk, job.model.trunk.config.defaults
    samples = range(defaults.samples) if samples is None else samples
    config = config or defaults.sampler
    shared = job.padded, trunk.single, trunk.pair, trunk.target_feat
    context = heads.diffusion_context(*shared)
    for first in range(0, len(samples), at_once):
        batch = list(samples[first : first + at_once])
        # The last batch is filled up, so that one compiled program serves all.
        drawn = batch + batch[-1:] * (at_once - len(batch))

        def report(index: int, batch: Sequence[int] = batch) -> None:
            if on_step is not None:
                on_step(batch, index)

        positions = sample_positions(heads, context, draws(job.seed, drawn), config, report)
        if first + at_once >= len(samples):
            context = None  # so that its memory is there for the confidences
        for number, coordinates in zip(batch, positions, strict=False):
            confidence = heads.confidences(coordinates, *shared)
            yield _trimmed(job, number, np.asarray(coordinates), confidence)


def _trimmed(
    job: PreparedJob,
    number: int,
    coordinates: Float32[np.ndarray, "padded_atom 3"],
    confidence: Confidence,
) -> Sample:
    """Returns the sample; if its coordinates are not finite, confidence in them is NaN."""
    num_tokens, num_atoms = job.num_tokens, len(job.features.atoms.mask)
    coordinates = trim_array(coordinates, num_atoms)
    is_placed = np.isfinite(coordinates).all()

    def known(values: jax.Array, *lengths: int) -> Float32[np.ndarray, "..."]:
        trimmed = trim_array(np.asarray(values), *lengths)
        return trimmed if is_placed else np.full_like(trimmed, np.nan)

    confidences = SampleConfidences(
        plddt=known(confidence.plddt, num_atoms),
        pae=known(confidence.pae, num_tokens, num_tokens),
        tm_global=known(confidence.tm_global, num_tokens, num_tokens),
        tm_interface=known(confidence.tm_interface, num_tokens, num_tokens),
        contact_probs=job.contact_probs,
    )
    return Sample(number, coordinates, confidences)
