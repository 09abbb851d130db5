"""The diffusion module (algorithms 20 to 23): noisy positions in, denoised positions out.

Everything that depends on the trunk alone is in `DiffusionContext`, computed once per job; what
the noise level adds, whatever the positions, is in `NoiseCondition`.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float32, Int32

from af3cli.features.types import AtomFeatures, Features, TokenFeatures
from af3cli.model.atom_encoder import AtomConditioning, AtomPairMlp, mean_over_atoms
from af3cli.model.atom_transformer import (
    AtomActivations,
    AtomStackContext,
    AtomTransformer,
    Windows,
    attended_keys,
    key_windows,
)
from af3cli.model.chunking import map_rows
from af3cli.model.config import SIGMA_DATA, ModelConfig
from af3cli.model.layers import LayerNorm, Linear, Transition, parameter
from af3cli.model.pair_embedding import relative_one_hot
from af3cli.model.token_transformer import (
    TokenActivations,
    TokenBias,
    TokenModulation,
    TokenTransformer,
)

Single = Float32[Array, "token single"]
Pair = Float32[Array, "token token pair"]
PairRows = Float32[Array, "row token pair"]
Positions = Float32[Array, "atom 3"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class DiffusionContext:
    """What every denoising step reads and none changes."""

    single: Single
    atoms: AtomActivations
    atom_mask: Bool[Array, "atom"]
    encoder: AtomStackContext
    decoder: AtomStackContext
    token_bias: TokenBias
    tokens: TokenFeatures
    atom_token: Int32[Array, "atom"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class NoiseCondition:
    """What denoising at one noise level reads beside the context.

    In the order of the fields: the level in Å, what is added to the tokens' activations, and what
    the token transformer's blocks make of the conditioning signal.
    """

    level: Float32[Array, ""]
    tokens: TokenActivations
    modulations: TokenModulation | list[TokenModulation]


class NoiseEmbedding(nnx.Module):
    """Fourier embedding of a noise level (algorithm 22)."""

    def __init__(self, width: int):
        self.frequency = parameter(width)
        self.phase = parameter(width)

    def __call__(self, scaled_noise: Float32[Array, ""]) -> Float32[Array, "width"]:
        angle = jnp.log(scaled_noise) / 4 * self.frequency[...] + self.phase[...]
        return jnp.cos(2 * jnp.pi * angle)


class DiffusionConditioning(nnx.Module):
    """Trunk representations and noise level to conditioning signals (algorithm 21)."""

    def __init__(self, config: ModelConfig):
        self.config = config
        single, pair = config.single_width, config.pair_width
        is_projected = config.diffusion.projected_relative_positions
        num_classes = config.num_relative_classes
        self.project_positions = Linear(num_classes, pair) if is_projected else None
        position_width = pair if is_projected else num_classes
        self.pair_norm = LayerNorm(pair + position_width, offset=False)
        self.pair = Linear(pair + position_width, pair, exact=True)
        factor = config.diffusion.transition_factor
        self.pair_transition_1 = Transition(pair, factor)
        self.pair_transition_2 = Transition(pair, factor)
        self.single_norm = LayerNorm(single + config.target_width, offset=False)
        self.single = Linear(single + config.target_width, single, exact=True)
        self.noise_embedding = NoiseEmbedding(config.diffusion.noise_width)
        self.noise_norm = LayerNorm(config.diffusion.noise_width, offset=False)
        self.noise = Linear(config.diffusion.noise_width, single, exact=True)
        self.single_transition_1 = Transition(single, factor)
        self.single_transition_2 = Transition(single, factor)

    def pairs(self, pair: Pair, tokens: TokenFeatures) -> Pair:
        """The pair conditioning, which no noise level changes."""
        offsets = self.config.max_relative_residue, self.config.max_relative_chain

        def of_rows(rows: tuple[PairRows, TokenFeatures]) -> PairRows:
            pair, row_tokens = rows
            positions = relative_one_hot(row_tokens, tokens, *offsets)
            if self.project_positions is not None:
                positions = self.project_positions(positions)
            pair = self.pair(self.pair_norm(jnp.concatenate([pair, positions], axis=-1)))
            pair = pair + self.pair_transition_1(pair)
            return pair + self.pair_transition_2(pair)

        joined = 4 * pair.shape[1] * self.pair.weight.shape[-2]
        row_bytes = 2 * joined + self.pair_transition_1.bytes_of(pair[0])
        return map_rows(of_rows, (pair, tokens), bytes_per_row=row_bytes)

    def noiseless_single(
        self, single: Single, target_feat: Float32[Array, "token target"]
    ) -> Single:
        """The single conditioning before the noise level is added."""
        return self.single(self.single_norm(jnp.concatenate([single, target_feat], axis=-1)))

    def singles(self, noiseless: Single, noise_level: Float32[Array, ""]) -> Single:
        """The single conditioning at a noise level in Å."""
        embedding = self.noise_embedding(noise_level / SIGMA_DATA)
        single = noiseless + self.noise(self.noise_norm(embedding))
        single = single + self.single_transition_1(single)
        return single + self.single_transition_2(single)


class DiffusionAtoms(nnx.Module):
    """The atom encoder and decoder of the diffusion module (algorithms 5 and 6)."""

    def __init__(self, config: ModelConfig):
        self.config = config
        width, pair_width = config.atom_width, config.atom_pair_width
        token_width = config.diffusion.token_width
        self.conditioning = AtomConditioning(config)
        self.single_norm = LayerNorm(config.single_width, offset=False)
        self.single = Linear(config.single_width, width, exact=True)
        self.pair_norm = LayerNorm(config.pair_width, offset=False)
        self.pair = Linear(config.pair_width, pair_width, exact=True)
        self.pair_mlp = AtomPairMlp(pair_width)
        self.position = Linear(3, width, exact=True)
        transformer = width, pair_width, config.diffusion.num_atom_blocks, config.atom_transformer
        self.encoder = AtomTransformer(*transformer)
        self.to_token = Linear(width, token_width)
        self.from_token = Linear(token_width, width)
        self.decoder = AtomTransformer(*transformer)
        self.output_norm = LayerNorm(width, offset=False)
        self.output = Linear(width, 3, exact=True)

    def singles(self, atoms: AtomFeatures, single: Single) -> AtomActivations:
        """Atom conditioning with the trunk's single representation; zero for padding."""
        from_trunk = self.single(self.single_norm(single))[atoms.token]
        return self.conditioning.single(atoms) + jnp.where(atoms.mask[:, None], from_trunk, 0)

    def pairs(
        self,
        atom_single: AtomActivations,
        atoms: AtomFeatures,
        tokens: TokenFeatures,
        pair: Pair,
        windows: Windows,
    ) -> Float32[Array, "block query key atom_pair"]:
        """Atom-pair conditioning with the pair conditioning of the atoms' tokens."""
        query_token = atoms.token.reshape(-1, self.config.atom_transformer.query_window)
        key_token = atoms.token[windows]
        present = atoms.mask.reshape(query_token.shape)[:, :, None] & (windows >= 0)[:, None]
        projected = map_rows(
            lambda rows: self.pair(self.pair_norm(rows)), pair, bytes_per_row=2 * pair[0].nbytes
        )
        from_trunk = projected[query_token[:, :, None], key_token[:, None]]
        pairs = self.conditioning.pairs(atom_single, atoms, tokens, windows)
        return self.pair_mlp(pairs + jnp.where(present[..., None], from_trunk, 0))

    def encode(
        self, positions: Positions, context: DiffusionContext
    ) -> tuple[TokenActivations, AtomActivations]:
        """Scaled positions to one activation per token, and the atoms' own activations."""
        mask = context.atom_mask[:, None]
        atoms = context.atoms + jnp.where(mask, self.position(positions), 0)
        atoms = self.encoder(atoms, context.encoder)
        atoms = jnp.where(mask, atoms, 0)
        per_token = mean_over_atoms(
            nnx.relu(self.to_token(atoms)), context.tokens, self.config.max_atoms_per_token
        )
        return per_token, atoms

    def decode(
        self,
        per_token: TokenActivations,
        skip: AtomActivations,
        context: DiffusionContext,
    ) -> Positions:
        """Token activations to an update of the positions."""
        mask = context.atom_mask[:, None]
        atoms = jnp.where(mask, self.from_token(per_token)[context.atom_token] + skip, 0)
        atoms = self.decoder(atoms, context.decoder)
        return self.output(self.output_norm(jnp.where(mask, atoms, 0)))


class DiffusionHead(nnx.Module):
    """Denoises positions, conditioned on the trunk (algorithm 20); float32 throughout.

    `unrolled` is that of the token transformer's `Stack`.
    """

    def __init__(self, config: ModelConfig, *, unrolled: bool = False):
        self.config = config
        width = config.diffusion.token_width
        self.conditioning = DiffusionConditioning(config)
        self.atoms = DiffusionAtoms(config)
        self.single_norm = LayerNorm(config.single_width, offset=False)
        self.single = Linear(config.single_width, width, exact=True)
        self.transformer = TokenTransformer(config, unrolled=unrolled)
        self.output_norm = LayerNorm(width, offset=False)

    def context(
        self,
        features: Features,
        single: Single,
        pair: Pair,
        target_feat: Float32[Array, "token target"],
    ) -> DiffusionContext:
        """Computes what all steps and samples of a job share."""
        atoms, tokens, module = features.atoms, features.tokens, self.atoms
        pair_condition = self.conditioning.pairs(pair, tokens)
        windows = key_windows(len(atoms.mask), jnp.sum(atoms.mask), self.config.atom_transformer)
        atom_single = module.singles(atoms, single)
        atom_pairs = module.pairs(atom_single, atoms, tokens, pair_condition, windows)
        attended = attended_keys(windows, self.config.empty_atom_keys_quirk)
        return DiffusionContext(
            single=self.conditioning.noiseless_single(single, target_feat.astype(jnp.float32)),
            atoms=atom_single,
            atom_mask=atoms.mask,
            encoder=module.encoder.context(atom_single, atom_pairs, windows, attended),
            decoder=module.decoder.context(atom_single, atom_pairs, windows, attended),
            token_bias=self.transformer.bias(pair_condition, tokens.mask),
            tokens=tokens,
            atom_token=atoms.token,
        )

    def condition(
        self, noise_level: Float32[Array, ""], context: DiffusionContext
    ) -> NoiseCondition:
        """Computes what all samples at a noise level, in Å, share."""
        single = self.conditioning.singles(context.single, noise_level)
        return NoiseCondition(
            level=noise_level,
            tokens=self.single(self.single_norm(single)),
            modulations=self.transformer.modulations(single),
        )

    def __call__(
        self, noisy: Positions, condition: NoiseCondition, context: DiffusionContext
    ) -> Positions:
        """The denoised positions, in Å; zero for padding atoms."""
        total = self._spread(condition.level)
        per_token, skip = self.activations(noisy, condition, context)
        update = self.atoms.decode(self.output_norm(per_token), skip, context)
        kept = jnp.square(SIGMA_DATA / total)
        denoised = kept * noisy + condition.level * SIGMA_DATA / total * update
        return jnp.where(context.atom_mask[:, None], denoised, 0)

    def activations(
        self, noisy: Positions, condition: NoiseCondition, context: DiffusionContext
    ) -> tuple[TokenActivations, AtomActivations]:
        """Tokens as the transformer leaves them, and atoms as the encoder leaves them."""
        scaled = jnp.where(context.atom_mask[:, None], noisy, 0) / self._spread(condition.level)
        per_token, atoms = self.atoms.encode(scaled, context)
        per_token = per_token + condition.tokens
        return self.transformer(per_token, condition.modulations, context.token_bias), atoms

    def _spread(self, noise_level: Float32[Array, ""]) -> Float32[Array, ""]:
        """The standard deviation of noisy positions, in Å."""
        return jnp.sqrt(jnp.square(noise_level) + SIGMA_DATA**2)
