"""What our network makes of recorded inputs of another family's network, stage by stage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import cache

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float, Float32

from af3cli.features.padding import Buckets, pad, sizes_of
from af3cli.features.types import Features, TokenFeatures
from af3cli.inference.heads import Heads
from af3cli.inference.parameters import compiled
from af3cli.inference.precision import Precision
from af3cli.inference.trunk import TrunkModel
from af3cli.model.confidence import ConfidenceHead
from af3cli.model.diffusion import DiffusionContext, DiffusionHead
from af3cli.model.template import TemplateGeometry
from af3cli.model.trunk import Trunk, TrunkInputs
from tests.parity.heads import denoise

NUM_PASSES = 2
# What is computed inside a pass, in this order.
_PASS_STAGES = ("z_in", "z_after_template", "z_after_msa", "s_in")
# The name of a stage, and its array: of tokens or token pairs with padding, of atoms without.
Stages = Iterator[tuple[str, Array]]


@dataclass(frozen=True)
class Inputs:
    """What a network was fed: features, templates, and what its heads were called with.

    `noisy` and `positions` are of flat atoms, in Å, for the denoiser and the confidence head.
    """

    features: Features
    templates: TemplateGeometry
    noisy: tuple[Float32[np.ndarray, "atom 3"], ...]
    noise_level: tuple[Float32[np.ndarray, ""], ...]
    positions: Float32[np.ndarray, "atom 3"]


def network_stages(
    model: TrunkModel, heads: Heads, inputs: Inputs, buckets: Buckets
) -> Iterator[tuple[str, np.ndarray]]:
    """Yields what two passes of the trunk compute, and then the heads, without padding.

    Every pass reads all alignment rows. Stages of a pass are called `pass<number>.<stage>`, those
    of a denoising `diff<number>.<stage>`. Nothing is computed before it is asked for.
    """
    own = sizes_of(inputs.features)
    padded = pad(inputs.features, buckets.sizes(own))
    for stage, array in _padded_stages(model, heads, padded, inputs):
        array = np.asarray(array)
        if stage.endswith("m_embed"):
            array = array[: own.row, : own.token]
        elif array.ndim == 3:
            array = array[: own.token, : own.token]
        elif len(array) == len(padded.tokens.mask):
            array = array[: own.token]
        yield stage, array


def _padded_stages(model: TrunkModel, heads: Heads, padded: Features, given: Inputs) -> Stages:
    templates = _padded_geometry(given.templates, len(padded.tokens.mask))
    inputs = replace(model.inputs(model.parameters, padded), templates=templates)
    yield "s_inputs", inputs.target_feat
    yield "s_init", inputs.single
    yield "z_init", inputs.pair
    single, pair = jnp.zeros_like(inputs.single), jnp.zeros_like(inputs.pair)
    msa = model.embed_msa(model.parameters, inputs, padded.msa.rows, padded.msa.deletions)
    for number in range(NUM_PASSES):
        arguments = model.parameters, inputs, msa, padded.msa.row_mask
        inside = _compiled_stages(model.graph, model.precision)(*arguments, single, pair)
        stages = dict(zip(_PASS_STAGES, inside, strict=True))
        single, pair = model.run_pass(*arguments, single=single, pair=pair)
        stages |= {"m_embed": msa, "s": jnp.array(single), "z": jnp.array(pair)}
        yield from ((f"pass{number}.{stage}", array) for stage, array in stages.items())
    yield "s_trunk", single
    yield "z_trunk", pair
    shared = padded, single, pair, inputs.target_feat
    yield from _denoiser_stages(heads, shared, given)
    yield "distogram_logits", heads.distances(pair)
    yield from _confidence_stages(heads, shared, given)


@cache
def _compiled_stages(graph: nnx.GraphDef, precision: Precision) -> Callable[..., tuple[Array, ...]]:
    """The representations inside a pass, those of `_PASS_STAGES`."""

    def stages(
        trunk: Trunk,
        inputs: TrunkInputs,
        msa: Float[Array, "row token msa"],
        row_mask: Bool[Array, "row"],
        single: Float[Array, "token single"],
        pair: Float[Array, "token token pair"],
    ) -> tuple[Array, ...]:
        embedded = templated = trunk.recycle_pair(inputs, pair)
        if trunk.config.template.slots:
            templated = trunk.template_embedder(embedded, inputs.templates, inputs.mask)
        with_msa = trunk.msa_stack(msa, templated, row_mask, inputs.mask)
        recycled = inputs.single + trunk.previous_single(trunk.previous_single_norm(single))
        return embedded, templated, with_msa, recycled

    return compiled(graph, stages, precision)


def _padded_geometry(templates: TemplateGeometry, num_tokens: int) -> TemplateGeometry:
    """Returns templates with padding tokens, about which they tell nothing."""

    def pad_tokens(array: np.ndarray) -> np.ndarray:
        own = templates.residue_type.shape[1]
        margin = [(0, num_tokens - own if length == own else 0) for length in array.shape[1:]]
        return np.pad(array, [(0, 0), *margin])

    arrays = {field.name: getattr(templates, field.name) for field in fields(templates)}
    return TemplateGeometry(
        **{name: pad_tokens(array) if array.ndim else array for name, array in arrays.items()}
    )


def _denoiser_stages(heads: Heads, shared: tuple, given: Inputs) -> Stages:
    padded, _, pair, _ = shared
    context = heads.diffusion_context(*shared)
    yield "diff.pair_z", heads.diffusion.compiled(_pair_conditioning)(pair, padded.tokens)
    single_conditioning = heads.diffusion.compiled(_single_conditioning)
    activations = heads.diffusion.compiled(_activations)
    denoised = heads.diffusion.compiled(denoise)
    num_atoms = len(given.positions)
    for number, (noisy, level) in enumerate(zip(given.noisy, given.noise_level, strict=True)):
        positions = _padded_atoms(noisy, len(padded.atoms.mask))
        yield f"diff{number}.denoised", denoised(positions, level, context)[:num_atoms]
        yield f"diff{number}.s_single", single_conditioning(context, level)
        yield f"diff{number}.a_token", activations(positions, level, context)


def _pair_conditioning(
    head: DiffusionHead, pair: Float[Array, "token token pair"], tokens: TokenFeatures
) -> Float[Array, "token token pair"]:
    return head.conditioning.pairs(pair, tokens)


def _single_conditioning(
    head: DiffusionHead, context: DiffusionContext, noise_level: Float32[Array, ""]
) -> Float[Array, "token single"]:
    return head.conditioning.singles(context.single, noise_level)


def _activations(
    head: DiffusionHead,
    noisy: Float32[Array, "atom 3"],
    noise_level: Float32[Array, ""],
    context: DiffusionContext,
) -> Float32[Array, "token width"]:
    return head.activations(noisy, head.condition(noise_level, context), context)[0]


def _confidence_stages(heads: Heads, shared: tuple, given: Inputs) -> Stages:
    positions = _padded_atoms(given.positions, len(shared[0].atoms.mask))
    logits = heads.confidence.compiled(ConfidenceHead.logits)(positions, *shared)
    for name in ("pae", "pde"):
        yield f"conf.{name}", getattr(logits, name)
    for name in ("plddt", "resolved"):
        yield f"conf.{name}", getattr(logits, name)[: len(given.positions)]


def _padded_atoms(
    positions: Float32[np.ndarray, "atom 3"], num_atoms: int
) -> Float32[np.ndarray, "padded_atom 3"]:
    return np.pad(positions, ((0, num_atoms - len(positions)), (0, 0)))
