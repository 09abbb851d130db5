"""The atom attention encoder (algorithm 5) and what the diffusion module shares of it."""

from __future__ import annotations

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float, Int32, Shaped

from af3cli.features.types import AtomFeatures, TokenFeatures
from af3cli.model.atom_transformer import (
    AtomTransformer,
    Windows,
    attended_keys,
    gather_keys,
    key_windows,
)
from af3cli.model.config import ModelConfig
from af3cli.model.layers import Linear, parameter

_NUM_ELEMENTS = 128
_NUM_CHARACTERS = 64

AtomActivations = Float[Array, "atom width"]
AtomPairs = Float[Array, "block query key pair"]


class AtomConditioning(nnx.Module):
    """Reference conformers to per-atom and per-atom-pair activations (algorithm 5, lines 1 to 6).

    Rows of `distance` are for the inverse squared distance and for the pair being of one residue.
    `from_query` and `from_key` add the single activations of both atoms.
    """

    def __init__(self, config: ModelConfig):
        width, pair_width = config.atom_width, config.atom_pair_width
        self.query_window = config.atom_transformer.query_window
        self.key_space_uid_quirk = config.key_space_uid_quirk
        self.masked = config.masked_reference_atoms
        self.slots = config.max_atoms_per_token
        self.position = Linear(3, width, exact=True)
        self.present = parameter(width)
        self.element = parameter(_NUM_ELEMENTS, width)
        self.charge = parameter(width)
        self.name = parameter(4, _NUM_CHARACTERS, width)
        self.from_query = Linear(width, pair_width)
        self.from_key = Linear(width, pair_width)
        self.offset = Linear(3, pair_width, exact=True)
        self.distance = parameter(2, pair_width)

    def single(self, atoms: AtomFeatures) -> AtomActivations:
        """Activations of each atom from its reference conformer; zero for padding."""
        activations = (
            self.position(atoms.ref_position)
            + atoms.ref_mask[:, None] * self.present[...]
            + self.element[...][atoms.element]
            + jnp.arcsinh(atoms.charge)[:, None] * self.charge[...]
            + self._named(atoms.name_chars)
        )
        is_active = atoms.mask & atoms.ref_mask if self.masked else atoms.mask
        return jnp.where(is_active[:, None], activations, 0)

    def _named(self, characters: Int32[Array, "atom 4"]) -> AtomActivations:
        """What atoms' names add; a character without a class, such as a lower-case letter, adds
        nothing.
        """
        of_characters = self.name[...].at[jnp.arange(4), characters]
        return of_characters.get(mode="fill", fill_value=0).sum(axis=1)

    def pairs(
        self,
        single: AtomActivations,
        atoms: AtomFeatures,
        tokens: TokenFeatures,
        windows: Windows,
    ) -> AtomPairs:
        """Activations of each query-key pair: both atoms', and their offset within a residue."""
        single = nnx.relu(single)
        query = self._blocks(self.from_query(single))
        key = gather_keys(self.from_key(single), windows)
        query_position = self._blocks(atoms.ref_position)
        key_position = gather_keys(atoms.ref_position, windows)
        offsets = query_position[:, :, None] - key_position[:, None]
        same_residue = self._same_residue(atoms, tokens, windows)
        closeness = 1.0 / (1.0 + jnp.sum(jnp.square(offsets), axis=-1, keepdims=True))
        by_distance, by_residue = self.distance[...]
        within = self.offset(offsets) + closeness * by_distance + by_residue
        return query[:, :, None] + key[:, None] + jnp.where(same_residue[..., None], within, 0)

    def _blocks(self, values: Shaped[Array, "atom *width"]) -> Shaped[Array, "block query *width"]:
        return values.reshape(-1, self.query_window, *values.shape[1:])

    def _same_residue(
        self, atoms: AtomFeatures, tokens: TokenFeatures, windows: Windows
    ) -> Bool[Array, "block query key"]:
        query = self._blocks(tokens.ref_space_uid[atoms.token])
        if self.key_space_uid_quirk:
            last = jnp.sum(tokens.mask) - 1
            token = jnp.where(windows >= 0, windows // self.slots, last)
            key = tokens.ref_space_uid[token]
        else:
            key = jnp.where(windows >= 0, tokens.ref_space_uid[atoms.token][windows], -1)
        return query[:, :, None] == key[:, None]


class AtomPairMlp(nnx.Module):
    """The residual perceptron on atom pairs (algorithm 5, line 14)."""

    def __init__(self, width: int):
        self.first, self.second, self.third = (Linear(width, width) for _ in range(3))

    def __call__(self, pairs: AtomPairs) -> AtomPairs:
        update = self.second(nnx.relu(self.first(nnx.relu(pairs))))
        return pairs + self.third(nnx.relu(update))


class AtomEncoder(nnx.Module):
    """Reference conformers to one activation per token (algorithm 5 without trunk inputs)."""

    def __init__(self, config: ModelConfig):
        self.config = config
        self.conditioning = AtomConditioning(config)
        self.pair_mlp = AtomPairMlp(config.atom_pair_width)
        transformer = config.atom_transformer
        self.transformer = AtomTransformer(
            config.atom_width, config.atom_pair_width, transformer.num_blocks, transformer
        )
        self.to_token = Linear(config.atom_width, config.single_width)

    def __call__(self, atoms: AtomFeatures, tokens: TokenFeatures) -> Float[Array, "token single"]:
        single = self.conditioning.single(atoms)
        windows = key_windows(len(atoms.mask), jnp.sum(atoms.mask), self.config.atom_transformer)
        pairs = self.pair_mlp(self.conditioning.pairs(single, atoms, tokens, windows))
        attended = attended_keys(windows, self.config.empty_atom_keys_quirk)
        context = self.transformer.context(single, pairs, windows, attended)
        activations = self.transformer(single, context)
        return mean_over_atoms(
            nnx.relu(self.to_token(activations)), tokens, self.config.max_atoms_per_token
        )


def mean_over_atoms(
    values: Float[Array, "atom width"], tokens: TokenFeatures, max_atoms: int
) -> Float[Array, "token width"]:
    """The mean of each token's atoms, zero for tokens without any.

    A gather and a sum over at most `max_atoms` rows: deterministic on every device.
    """
    order = jnp.arange(max_atoms)
    present = order < tokens.atom_count[:, None]
    rows = jnp.where(present, tokens.atom_start[:, None] + order, 0)
    total = jnp.sum(jnp.where(present[..., None], values[rows], 0), axis=1)
    return total / jnp.maximum(tokens.atom_count, 1)[:, None]
