"""The heads, fed with our trunk's output for the official features, against recorded arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from jaxtyping import Array, Float32

from af3cli.features.padding import pad, sizes_of
from af3cli.features.types import Features
from af3cli.inference.heads import Heads
from af3cli.inference.sampling import sample_positions
from af3cli.inference.trunk import TrunkModel, run_trunk
from af3cli.model.confidence import ConfidenceHead
from af3cli.model.config import SamplerConfig
from af3cli.model.diffusion import DiffusionContext, DiffusionHead
from af3cli.model.distogram import contact_probabilities
from af3cli.model.sampler import noise_levels
from tests.parity.comparison import Comparison, compare, compare_within
from tests.parity.draws import RecordedDraws
from tests.parity.trunk import EXACT

_DENOISED, _CONFIDENCE, _DISTOGRAM, _CONTACTS, _SAMPLED = 5e-5, 1e-4, 5e-5, 1e-4, 1e-3

_OF_HEADS = ("diff", "conf.", "distogram.", "sampler.")
# Recorded name, our name, whether per atom.
_CONFIDENCES = (
    ("predicted_lddt", "plddt", True),
    ("predicted_experimentally_resolved", "resolved", True),
    ("full_pae", "pae", False),
    ("full_pde", "pde", False),
    ("tmscore_adjusted_pae_global", "tm_global", False),
    ("tmscore_adjusted_pae_interface", "tm_interface", False),
)

Flatten = Callable[[np.ndarray], np.ndarray]


def slot_flattener(features: Features, num_atoms: int) -> Flatten:
    """A function from the official [..., token, 24, 3] layout to padded flat atoms."""
    token, slot = features.atoms.token, features.atoms.slot

    def flatten(slots: Float32[np.ndarray, "... token 24 3"]) -> np.ndarray:
        atoms = slots[..., token, slot, :]
        margin = [(0, 0)] * (atoms.ndim - 2) + [(0, num_atoms - len(token)), (0, 0)]
        return np.pad(atoms, margin)

    return flatten


def compare_heads(
    model: TrunkModel,
    heads: Heads,
    features: Features,
    recorded: Mapping[str, np.ndarray],
    seed: int,
) -> Iterator[Comparison]:
    """Yields comparisons of denoiser calls, confidences, distogram and a short sampling.

    There are none if nothing was recorded of the heads. Only the sampling may be left out of a
    recording that has something of them.
    """
    if not any(name.startswith(_OF_HEADS) for name in recorded):
        return
    num_passes = len(recorded["recycle_keys"])
    trunk = run_trunk(model, features, seed=seed, num_recycles=num_passes - 1, buckets=EXACT)
    padded = pad(features, EXACT.sizes(sizes_of(features)))
    flatten = slot_flattener(features, len(padded.atoms.mask))
    arguments = padded, trunk.single, trunk.pair, trunk.target_feat
    yield from _compare_denoiser(heads, arguments, features, recorded, flatten)
    yield from _compare_confidences(heads, arguments, features, recorded, flatten)
    yield from _compare_distogram(heads, trunk.pair, features, recorded)


def denoise(
    head: DiffusionHead,
    noisy: Float32[Array, "atom 3"],
    noise_level: Float32[Array, ""],
    context: DiffusionContext,
) -> Float32[Array, "atom 3"]:
    """One call of the denoiser, at a noise level in Å."""
    return head(noisy, head.condition(noise_level, context), context)


def _compare_denoiser(
    heads: Heads,
    arguments: tuple,
    features: Features,
    recorded: Mapping[str, np.ndarray],
    flatten: Flatten,
) -> Iterator[Comparison]:
    context = heads.diffusion_context(*arguments)
    slots = features.atoms.token, features.atoms.slot
    denoised = heads.diffusion.compiled(denoise)
    for index in range(3):
        call = f"diff{index}"
        level = recorded[f"{call}.noise_level"]
        ours = denoised(flatten(recorded[f"{call}.noisy"]), level, context)
        yield compare(
            f"{call}.denoised (sigma {float(level):g})",
            ours[: len(slots[0])],
            _at(slots, recorded.get(f"{call}.denoised")),
            _DENOISED,
        )
    if not any(name.startswith("sampler.") for name in recorded):
        return
    config = SamplerConfig(steps=len(recorded["sampler.noise"]))
    draws = RecordedDraws(
        initial=flatten(recorded["sampler.init"])[None] / noise_levels(config)[0],
        rotation=recorded["sampler.rotations"][None],
        translation=recorded["sampler.translations"][None],
        noise=flatten(recorded["sampler.noise"])[None],
    )
    (positions,) = sample_positions(heads, context, draws, config)
    distance = np.linalg.norm(
        positions[: len(slots[0])] - recorded["sampler.final_positions"][slots], axis=-1
    )
    rms = np.sqrt(np.mean(np.square(distance)))
    yield compare_within("sampler.final_positions (rms, Å)", rms, 0.0, _SAMPLED)


def _compare_confidences(
    heads: Heads,
    arguments: tuple,
    features: Features,
    recorded: Mapping[str, np.ndarray],
    flatten: Flatten,
) -> Iterator[Comparison]:
    confidences = heads.confidence.compiled(ConfidenceHead.__call__)
    ours = confidences(flatten(recorded["conf.positions"]), *arguments)
    slots = features.atoms.token, features.atoms.slot
    for name, field, is_per_atom in _CONFIDENCES:
        official, own = recorded.get(f"conf.{name}"), getattr(ours, field)
        if is_per_atom:
            official, own = _at(slots, official), own[: len(slots[0])]
        yield compare(f"conf.{name}", own, official, _CONFIDENCE)


def _compare_distogram(
    heads: Heads, pair: np.ndarray, features: Features, recorded: Mapping[str, np.ndarray]
) -> Iterator[Comparison]:
    logits = heads.distances(pair)
    official = recorded.get("distogram.logits")
    some_rows = official is not None and len(official) != len(logits)
    rows = logits[recorded["pair_rows"]] if some_rows else logits
    yield compare("distogram.logits", rows, official, _DISTOGRAM)
    contacts = contact_probabilities(logits, features.tokens.mask)
    official = recorded.get("distogram.contact_probs")
    yield compare("distogram.contact_probs", contacts, official, _CONTACTS)


def _at(slots: tuple[np.ndarray, np.ndarray], recorded: np.ndarray | None) -> np.ndarray | None:
    """Returns what is recorded at the atoms' slots, nothing of an array that is not recorded."""
    return None if recorded is None else recorded[slots]
