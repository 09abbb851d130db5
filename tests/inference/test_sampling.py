"""Random numbers of samples follow from seed, number and step; nothing else moves them."""

from __future__ import annotations

import jax
import numpy as np

from af3cli.inference.sampling import SeededDraws
from af3cli.model.config import SamplerConfig
from af3cli.model.sampler import (
    draw_start,
    draw_step,
    noise_levels,
    raised_levels,
    sample_key,
    sampling_step,
)
from af3cli.weights.families import PROTENIX_BASE, PROTENIX_TINY

NUM_ATOMS = 3000


def test_they_do_not_depend_on_the_bucket_or_the_other_samples():
    several, alone = SeededDraws(5, [0, 3]), SeededDraws(5, [3])
    np.testing.assert_array_equal(several.start(128)[1, :40], alone.start(40)[0])
    for index in (0, 7):
        ours, other = several.step(index, 128), alone.step(index, 40)
        np.testing.assert_array_equal(ours.noise[1, :40], other.noise[0])
        np.testing.assert_allclose(ours.rotation[1], other.rotation[0], atol=1e-6)
        np.testing.assert_array_equal(ours.translation[1], other.translation[0])


def test_seeds_samples_and_steps_have_their_own():
    noises = [
        SeededDraws(seed, [sample]).step(step, 8).noise.ravel()
        for seed in (0, 1, 2**32 - 1)
        for sample in (0, 1)
        for step in (0, 1)
    ]
    noises += [SeededDraws(0, [0]).start(8).ravel()]
    assert len({np.asarray(noise).tobytes() for noise in noises}) == len(noises)
    assert np.abs(np.corrcoef(noises)[np.triu_indices(len(noises), 1)]).max() < 0.8


def test_they_are_normal_and_the_rotations_proper():
    draws = SeededDraws(1, range(200)).step(3, NUM_ATOMS)
    for numbers in (draws.noise[0], draws.translation, draw_start(sample_key(1, 0), NUM_ATOMS)):
        limit = 5 / np.sqrt(numbers.size)
        assert abs(np.mean(numbers)) < limit and abs(np.std(numbers) - 1) < limit
    products = draws.rotation @ draws.rotation.swapaxes(1, 2)
    np.testing.assert_allclose(products, np.broadcast_to(np.eye(3), (200, 3, 3)), atol=1e-5)
    np.testing.assert_allclose(jax.numpy.linalg.det(draws.rotation), 1, atol=1e-5)
    # Of uniformly distributed rotations, every element has mean 0 and variance 1/3.
    assert np.abs(draws.rotation.mean(axis=0)).max() < 5 / np.sqrt(3 * 200)
    assert np.abs(draws.rotation.var(axis=0) - 1 / 3).max() < 0.12


def test_levels_of_protenix_end_at_none():
    """Its `InferenceNoiseScheduler`: `t_step_list[..., -1] = 0`, all others as officially."""
    levels = noise_levels(PROTENIX_TINY.defaults.sampler)
    own = [2560, 704.56422, 144.69445, 18.649, 1.0170346, 0]
    np.testing.assert_allclose(levels, own, rtol=1e-4)
    official, base = noise_levels(SamplerConfig()), noise_levels(PROTENIX_BASE.defaults.sampler)
    np.testing.assert_array_equal(base[:-1], official[:-1])
    assert base[-1] == 0 and 0.0063 < official[-1] < 0.0065


def test_the_last_step_of_protenix_tiny_gives_what_was_denoised():
    """Its loop there: `x_noisy + 1.0 * (0 - t_hat) * (x_noisy - x_denoised) / t_hat`."""
    config = PROTENIX_TINY.defaults.sampler
    levels = noise_levels(config)
    raised = raised_levels(levels, config)
    denoised = np.arange(12, dtype=np.float32).reshape(4, 3)
    positions = sampling_step(
        lambda noisy: denoised,
        denoised[::-1],
        np.ones(4, bool),
        levels[-2],
        raised[-1],
        levels[-1],
        draw_step(sample_key(1, 0), 4, 4),
        config,
    )
    np.testing.assert_allclose(positions, denoised, atol=1e-5)
