"""Sampling of structures by iterated denoising (algorithms 18 and 19)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float32

from af3cli.model.config import SIGMA_DATA, SamplerConfig

Positions = Float32[Array, "atom 3"]
Rotation = Float32[Array, "3 3"]
Scalar = Float32[Array, ""]

# Its numbers are traced: one compiled step serves whatever number of steps.
jax.tree_util.register_dataclass(SamplerConfig)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class StepDraws:
    """The random numbers of one step: a rotation, a translation in Å, unit normal noise."""

    rotation: Rotation
    translation: Float32[Array, "3"]
    noise: Positions


def noise_levels(config: SamplerConfig) -> Float32[np.ndarray, "steps+1"]:
    """The schedule, in Å, from the first level to the last; float32 arithmetic, as officially."""
    power = 1.0 / config.exponent
    time = jnp.linspace(0.0, 1.0, config.steps + 1)
    highest, lowest = config.sigma_max**power, config.sigma_min**power
    levels = SIGMA_DATA * (highest + time * (lowest - highest)) ** config.exponent
    return np.asarray(levels.at[-1].set(0.0) if config.ends_at_zero else levels)


def raised_levels(
    levels: Float32[np.ndarray, "steps+1"], config: SamplerConfig
) -> Float32[np.ndarray, "steps"]:
    """The level, in Å, that each step denoises at (algorithm 18, lines 5 and 6)."""
    gamma = jnp.where(levels[1:] > config.gamma_above, config.gamma, 0.0)
    return np.asarray(levels[:-1] * (1.0 + gamma))


def draw_start(key: Array, num_atoms: int) -> Positions:
    """The unit normal numbers that a sample starts from.

    Atom i's numbers are the same whatever `num_atoms` is.
    """
    return _normal_rows(jax.random.fold_in(key, 0), num_atoms)


def draw_step(key: Array, step: Array, num_atoms: int) -> StepDraws:
    """The random numbers of one step of the sample that `key` belongs to."""
    rotation, translation, noise = jax.random.split(jax.random.fold_in(key, step + 1), 3)
    return StepDraws(
        rotation=_random_rotation(rotation),
        translation=jax.random.normal(translation, (3,)),
        noise=_normal_rows(noise, num_atoms),
    )


def sample_key(seed: int, sample: int) -> Array:
    """The key of one sample: all its draws follow from it and the step."""
    return jax.random.fold_in(jax.random.key(seed, impl="threefry2x32"), sample)


def _normal_rows(key: Array, num_rows: int) -> Positions:
    """Normal numbers whose first rows do not depend on the number of rows."""
    keys = jax.vmap(lambda row: jax.random.fold_in(key, row))(jnp.arange(num_rows))
    return jax.vmap(lambda key: jax.random.normal(key, (3,)))(keys)


def _random_rotation(key: Array) -> Rotation:
    """A uniformly distributed rotation: Gram-Schmidt on two normal vectors."""
    first, second = jax.random.normal(key, (2, 3))
    first = first / jnp.linalg.norm(first)
    second = second - first * jnp.sum(first * second)
    second = second / jnp.linalg.norm(second)
    return jnp.stack([first, second, jnp.cross(first, second)])


def sampling_step(
    denoise: Callable[[Positions], Positions],
    positions: Positions,
    mask: Bool[Array, "atom"],
    level_before: Scalar,
    raised: Scalar,
    level: Scalar,
    draws: StepDraws,
    config: SamplerConfig,
) -> Positions:
    """Takes one sample's positions from one noise level to the next (algorithm 18, lines 4 to 11).

    `denoise(noisy)` is the diffusion module at the `raised` level.
    """
    positions = _augment(positions, mask, draws)
    added = jnp.sqrt(jnp.maximum(jnp.square(raised) - jnp.square(level_before), 0.0))
    noisy = positions + config.noise_scale * added * draws.noise
    direction = (noisy - denoise(noisy)) / raised
    return noisy + config.step_scale * (level - raised) * direction


def _augment(positions: Positions, mask: Bool[Array, "atom"], draws: StepDraws) -> Positions:
    """Centres, rotates and translates (algorithm 19); padding atoms stay at the origin."""
    weight = mask[:, None].astype(jnp.float32)
    centre = jnp.sum(positions * weight, axis=0) / jnp.maximum(jnp.sum(weight), 1e-6)
    rotated = jnp.matmul(positions - centre, draws.rotation, precision="highest")
    return (rotated + draws.translation) * weight
