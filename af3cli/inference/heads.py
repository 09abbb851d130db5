"""Runs the heads after the trunk on a device: denoising, confidences, distances."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import jax
from flax import nnx
from jaxtyping import Array, Bool, Float32, Int32

from af3cli.features.types import Features
from af3cli.inference.parameters import compiled, place_parameters
from af3cli.inference.precision import Precision
from af3cli.model.confidence import Confidence, ConfidenceHead
from af3cli.model.config import SamplerConfig
from af3cli.model.diffusion import DiffusionContext, DiffusionHead, NoiseCondition
from af3cli.model.distogram import DistogramHead
from af3cli.model.sampler import StepDraws, sampling_step
from af3cli.weights.load import Weights
from af3cli.weights.official_heads import (
    confidence_parameters,
    diffusion_parameters,
    distogram_parameters,
)

# The parts of the confidence head after its stack, which compute in float32.
_CONFIDENCE_OUTPUTS = {"pde", "pae", "plddt", "resolved"}


@dataclass(frozen=True)
class Head:
    """One head with its parameters on the device.

    `precision` is the model's, which says how products of float32 parameters are rounded too.
    """

    graph: nnx.GraphDef
    parameters: nnx.State
    precision: Precision

    def compiled(self, method: Callable, **options: object) -> Callable:
        """A method of the head's module as a compiled function of the method's arguments."""
        run = compiled(self.graph, method, self.precision, **options)
        return lambda *args, **kwargs: run(self.parameters, *args, **kwargs)


@dataclass(frozen=True)
class Heads:
    """Diffusion, confidence and distogram head, as compiled functions."""

    diffusion: Head
    confidence: Head
    distogram: Head

    @property
    def parameters(self) -> tuple[nnx.State, ...]:
        """The parameters of all heads."""
        return self.diffusion.parameters, self.confidence.parameters, self.distogram.parameters

    @cached_property
    def diffusion_context(self) -> Callable[..., DiffusionContext]:
        """`DiffusionHead.context`."""
        return self.diffusion.compiled(DiffusionHead.context)

    @cached_property
    def conditions(self) -> Callable[..., NoiseCondition]:
        """`DiffusionHead.condition` for several noise levels at once; see `_conditions`."""
        return self.diffusion.compiled(_conditions)

    @cached_property
    def step(self) -> Callable[..., Array]:
        """`sampling_step` for several samples at once; see `_step`."""
        return self.diffusion.compiled(_step)

    @cached_property
    def confidences(self) -> Callable[..., Confidence]:
        """`ConfidenceHead.__call__` for one sample; see `_confidences`."""
        return self.confidence.compiled(_confidences)

    @cached_property
    def distances(self) -> Callable[..., Array]:
        """`DistogramHead.__call__`."""
        return self.distogram.compiled(DistogramHead.__call__)


def load_heads(weights: Weights, precision: Precision) -> Heads:
    """Places the heads' parameters on the device; the diffusion head is float32 throughout.

    With bfloat16 as the model's precision an accelerator may round products of the float32 parts to
    TF32, as with the official program. On a CPU the token transformer is unrolled.
    """
    config, arrays = weights.config, weights.arrays

    def head(make: Callable, parameters: dict, dtype: Precision, *float32_parts: str) -> Head:
        placed = place_parameters(lambda: make(config), parameters, dtype, float32_parts)
        return Head(*placed, precision)

    make_diffusion = partial(DiffusionHead, unrolled=jax.default_backend() == "cpu")

    return Heads(
        diffusion=head(make_diffusion, diffusion_parameters(arrays), Precision.FLOAT32),
        confidence=head(
            ConfidenceHead, confidence_parameters(arrays), precision, *_CONFIDENCE_OUTPUTS
        ),
        distogram=head(DistogramHead, distogram_parameters(arrays), Precision.FLOAT32),
    )


def _conditions(
    head: DiffusionHead, noise_levels: Float32[Array, "level"], context: DiffusionContext
) -> NoiseCondition:
    """What denoising at each of the levels, in Å, reads; arrays get a leading level axis."""
    return jax.vmap(head.condition, (0, None))(noise_levels, context)


def _step(
    head: DiffusionHead,
    positions: Float32[Array, "sample atom 3"],
    level_before: Float32[Array, ""],
    level: Float32[Array, ""],
    draws: StepDraws,
    conditions: NoiseCondition,
    place: Int32[Array, ""],
    context: DiffusionContext,
    config: SamplerConfig,
) -> Float32[Array, "sample atom 3"]:
    """Takes samples one step further. What does not differ between them is computed once.

    The step's own condition is at `place` among those of several levels.
    """
    mask: Bool[Array, "atom"] = context.atom_mask
    condition: NoiseCondition = jax.tree.map(lambda values: values[place], conditions)

    def one_sample(positions: Float32[Array, "atom 3"], draws: StepDraws) -> Array:
        return sampling_step(
            lambda noisy: head(noisy, condition, context),
            positions,
            mask,
            level_before,
            condition.level,
            level,
            draws,
            config,
        )

    return jax.vmap(one_sample)(positions, draws)


def _confidences(head: ConfidenceHead, *arguments: Array | Features) -> Confidence:
    """What files hold of a sample's confidences: the rest is None, and so is not computed."""
    return replace(head(*arguments), resolved=None, pde=None)
