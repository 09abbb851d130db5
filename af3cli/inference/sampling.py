"""Samples structures of one job with the diffusion head, several at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32

from af3cli.inference.heads import Heads
from af3cli.model.config import SamplerConfig
from af3cli.model.diffusion import DiffusionContext
from af3cli.model.sampler import (
    StepDraws,
    draw_start,
    draw_step,
    noise_levels,
    raised_levels,
    sample_key,
)

Positions = Float32[Array, "sample atom 3"]

# Matrix products of fewer rows run below a processor's rate: at 76 by half.
_ENOUGH_ROWS = 240


class Draws(Protocol):
    """The random numbers of several samples."""

    def start(self, num_atoms: int) -> Positions:
        """Returns the unit normal numbers that the samples start from."""

    def step(self, index: int, num_atoms: int) -> StepDraws:
        """Returns the numbers of one step, with a leading sample axis."""


@dataclass(frozen=True)
class SeededDraws:
    """Draws that follow from a seed and the samples' numbers alone.

    They do not depend on the bucket, nor on which samples are drawn together.
    """

    seed: int
    samples: Sequence[int]

    def start(self, num_atoms: int) -> Positions:
        return _starts(self._keys, num_atoms)

    def step(self, index: int, num_atoms: int) -> StepDraws:
        return _steps(self._keys, index, num_atoms)

    @cached_property
    def _keys(self) -> Array:
        return jnp.stack([sample_key(self.seed, sample) for sample in self.samples])


_starts = jax.jit(jax.vmap(draw_start, (0, None)), static_argnums=1)
_steps = jax.jit(jax.vmap(draw_step, (0, None, None)), static_argnums=2)


def levels_at_once(num_tokens: int) -> int:
    """Returns for how many noise levels conditions are computed together, at least one."""
    return max(1, _ENOUGH_ROWS // num_tokens)


def sample_positions(
    heads: Heads,
    context: DiffusionContext,
    draws: Draws,
    config: SamplerConfig,
    on_step: Callable[[int], None] | None = None,
) -> Positions:
    """Returns the final positions in Å (padded atoms) of the samples that `draws` is for.

    `on_step(index)` is called when a step is done.
    """
    num_atoms = len(context.atom_mask)
    levels = noise_levels(config)
    raised = raised_levels(levels, config)
    at_once = levels_at_once(len(context.single))
    positions = levels[0] * draws.start(num_atoms)
    for index in range(config.steps):
        place = index % at_once
        if place == 0:
            conditions = None  # so that those of the steps before do not take memory as well
            conditions = heads.conditions(
                _filled_up(raised[index : index + at_once], at_once), context
            )
        step_draws = draws.step(index, num_atoms)
        positions = heads.step(
            positions, *levels[index : index + 2], step_draws, conditions, place, context, config
        )
        if on_step is not None:
            positions.block_until_ready()
            on_step(index)
    return positions


def _filled_up(levels: Float32[np.ndarray, "level"], size: int) -> Float32[np.ndarray, "size"]:
    """The levels with the last one repeated, so that one compiled program serves all steps."""
    return np.pad(levels, (0, size - len(levels)), mode="edge")
