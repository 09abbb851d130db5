"""The confidence head (algorithm 31). Its outputs are computed in float32."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Float32, Int32

from af3cli.features.types import Features, TokenFeatures
from af3cli.model.config import NUM_DISTANCE_BINS, ModelConfig
from af3cli.model.layers import LayerNorm, Linear, parameter
from af3cli.model.pairformer import Pairformer
from af3cli.model.template import distance_bins

Pair = Float[Array, "token token pair"]
PairMatrix = Float32[Array, "token token"]

_MAX_ERROR = 31.0
_MAX_SINGLE = 512.0


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Confidence:
    """What the confidence head says of one sample.

    `plddt` is 0 to 100, `pae` and `pde` are expected errors in Å, `resolved` is a probability.
    `tm_global` and `tm_interface` are the expected TM-score terms of each aligned pair, scaled for
    the size of the whole complex and of the pair of chains. `resolved` and `pde` are None where
    they are not asked for.
    """

    plddt: Float32[Array, "atom"]
    resolved: Float32[Array, "atom"] | None
    pae: PairMatrix
    pde: PairMatrix | None
    tm_global: PairMatrix
    tm_interface: PairMatrix


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class ConfidenceLogits:
    """Distributions over bins of pLDDT, of being resolved, and of errors between two tokens."""

    plddt: Float32[Array, "atom plddt_bin"]
    resolved: Float32[Array, "atom 2"]
    pae: Float32[Array, "token token pae_bin"]
    pde: Float32[Array, "token token pde_bin"]


def error_bin_centres(num_bins: int) -> Float32[Array, "bin"]:
    """Centres of the error bins in Å; the last bin catches everything larger."""
    breaks = jnp.linspace(0.0, _MAX_ERROR, num_bins - 1)
    step = breaks[1] - breaks[0]
    return jnp.append(breaks + step / 2, breaks[-1] + 1.5 * step)


class ConfidenceHead(nnx.Module):
    """Confidence in predicted positions, from the trunk's output and those positions.

    `column` and `row` name the axis of the pair representation along which a projection of the
    target features varies: `column` varies along the second axis.
    """

    def __init__(self, config: ModelConfig):
        self.config = config
        confidence, pair, single = config.confidence, config.pair_width, config.single_width
        slots = config.max_atoms_per_token
        self.column = Linear(config.target_width, pair)
        self.row = Linear(config.target_width, pair)
        self.distance_bin = parameter(NUM_DISTANCE_BINS, pair)
        self.distance = parameter(pair) if confidence.distance_input else None
        self.single_norm = LayerNorm(single) if confidence.normalised_single else None
        stack = dataclasses.replace(config.pairformer, num_blocks=confidence.num_blocks)
        self.pairformer = Pairformer(single, pair, stack)
        self.pde_norm = LayerNorm(pair)
        self.pde = Linear(pair, confidence.num_pde_bins)
        self.pae_norm = LayerNorm(pair)
        self.pae = Linear(pair, confidence.num_pae_bins)
        self.plddt_norm = LayerNorm(single)
        self.plddt = Linear(single, slots * confidence.num_plddt_bins)
        self.resolved_norm = LayerNorm(single)
        self.resolved = Linear(single, slots * 2)

    def __call__(
        self,
        positions: Float32[Array, "atom 3"],
        features: Features,
        single: Float32[Array, "token single"],
        pair: Float32[Array, "token token pair"],
        target_feat: Float[Array, "token target"],
    ) -> Confidence:
        """Confidence in `positions` (Å)."""
        logits = self.logits(positions, features, single, pair, target_feat)
        return confidence(logits, features.tokens)

    def logits(
        self,
        positions: Float32[Array, "atom 3"],
        features: Features,
        single: Float32[Array, "token single"],
        pair: Float32[Array, "token token pair"],
        target_feat: Float[Array, "token target"],
    ) -> ConfidenceLogits:
        """What the network itself says of `positions` (Å)."""
        pair = self._embed(positions, features, pair, target_feat)
        if self.single_norm is not None:
            single = self.single_norm(jnp.clip(single, -_MAX_SINGLE, _MAX_SINGLE))
        pair, single = self.pairformer(pair, single, features.tokens.mask)
        return ConfidenceLogits(
            plddt=self._per_atom(self.plddt(self.plddt_norm(single)), features),
            resolved=self._per_atom(self.resolved(self.resolved_norm(single)), features),
            pae=self.pae(self.pae_norm(pair)),
            pde=self._pde_logits(pair),
        )

    def _embed(
        self,
        positions: Float32[Array, "atom 3"],
        features: Features,
        pair: Pair,
        target_feat: Float[Array, "token target"],
    ) -> Pair:
        """The trunk's pair representation with target features and predicted distances."""
        mask = features.tokens.mask
        positions = positions[features.frames.pseudo_beta_atom]
        bins = distance_bins(positions)
        bins = jnp.where(mask[:, None] & mask[None, :], bins, NUM_DISTANCE_BINS)
        by_bin = jnp.pad(self.distance_bin[...], ((0, 1), (0, 0)))
        embedded = self.column(target_feat)[None, :] + self.row(target_feat)[:, None]
        pair = pair + embedded + by_bin[bins.astype(jnp.int32)]
        if self.distance is None:
            return pair
        distances = jnp.linalg.norm(positions[:, None] - positions[None, :], axis=-1)
        return pair + distances[..., None] * self.distance[...]

    def _pde_logits(
        self, pair: Float32[Array, "token token pair"]
    ) -> Float32[Array, "token token bin"]:
        """Logits of the distance error, the same for both orders of two tokens."""
        if self.config.confidence.symmetric_pde_input:
            return self.pde(self.pde_norm(pair + pair.swapaxes(0, 1)))
        logits = self.pde(self.pde_norm(pair))
        return logits + logits.swapaxes(0, 1)

    def _per_atom(
        self, logits: Float32[Array, "token slots_times_bins"], features: Features
    ) -> Float32[Array, "atom bin"]:
        """The logits of each atom, from those of all slots of its token."""
        logits = logits.reshape(len(logits), self.config.max_atoms_per_token, -1)
        atoms, slot = features.atoms, features.atoms.slot
        if self.config.confidence.atoms_by_rank:
            slot = jnp.arange(len(slot)) - features.tokens.atom_start[atoms.token]
        return logits[atoms.token, slot]


def confidence(logits: ConfidenceLogits, tokens: TokenFeatures) -> Confidence:
    """Expected values of the distributions that the network predicts."""
    plddt, pae, pde = map(jax.nn.softmax, (logits.plddt, logits.pae, logits.pde))
    num_bins = plddt.shape[-1]
    present = tokens.mask[:, None] & tokens.mask[None, :]
    return Confidence(
        plddt=100.0 * _mean(plddt, (jnp.arange(num_bins) + 0.5) / num_bins),
        resolved=jax.nn.softmax(logits.resolved)[:, 1],
        pae=jnp.where(present, _mean(pae, error_bin_centres(pae.shape[-1])), 0),
        pde=jnp.where(present, _mean(pde, error_bin_centres(pde.shape[-1])), 0),
        tm_global=tm_term(pae, jnp.sum(tokens.mask)),
        tm_interface=tm_term(pae, _chain_pair_sizes(tokens)),
    )


def _mean(
    probabilities: Float32[Array, "*batch bin"], values: Float32[Array, "bin"]
) -> Float32[Array, "*batch"]:
    """The expected value, in full float32 on any device."""
    return jnp.matmul(probabilities, values, precision="highest")


def _chain_pair_sizes(tokens: TokenFeatures) -> Int32[Array, "token token"]:
    """How many tokens the chains of two tokens have together, 0 for padding."""
    mask = tokens.mask
    same_chain = (tokens.asym_id[:, None] == tokens.asym_id[None, :]) & mask
    chain_size = jnp.sum(same_chain, axis=-1)
    sizes = chain_size[:, None] + chain_size[None, :]
    sizes = jnp.where(same_chain, sizes - sizes // 2, sizes)
    return jnp.where(mask[:, None] & mask[None, :], sizes, 0)


def tm_term(pae: Float32[Array, "token token bin"], size: Int32[Array, "*pair"]) -> PairMatrix:
    """The expected value of 1 / (1 + (error / d0)²), d0 for `size` residues but at least 19.

    d0 is that of the TM-score (Zhang and Skolnick 2004, doi:10.1002/prot.20264, equation 5).
    """
    d0 = 1.24 * (jnp.maximum(size, 19) - 15) ** (1.0 / 3) - 1.8
    centres = error_bin_centres(pae.shape[-1])
    terms = 1.0 / (1.0 + jnp.square(centres) / jnp.square(d0)[..., None])
    return jnp.sum(pae * terms, axis=-1)
