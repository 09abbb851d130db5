"""The trunk (algorithm 1, lines 1 to 13): features in, single and pair representation out."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float, Int8

from af3cli.features.types import Features
from af3cli.model.atom_encoder import AtomEncoder
from af3cli.model.chunking import replace_rows
from af3cli.model.config import ModelConfig
from af3cli.model.layers import LayerNorm, Linear
from af3cli.model.msa import MsaEmbedding, MsaStack
from af3cli.model.pair_embedding import PairEmbedding
from af3cli.model.pairformer import Pairformer
from af3cli.model.template import TemplateEmbedder, TemplateGeometry, template_geometry

Single = Float[Array, "token single"]
Pair = Float[Array, "token token pair"]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class TrunkInputs:
    """What every pass reads and none changes."""

    mask: Bool[Array, "token"]
    target_feat: Float[Array, "token target"]
    single: Single
    pair: Pair
    templates: TemplateGeometry


class Trunk(nnx.Module):
    """The trunk of the network. `inputs` runs once per job, `__call__` once per pass."""

    def __init__(self, config: ModelConfig):
        self.config = config
        single_width, pair_width = config.single_width, config.pair_width
        self.atom_encoder = AtomEncoder(config)
        self.pair_embedding = PairEmbedding(config)
        self.single_embedding = Linear(config.target_width, single_width)
        self.previous_pair_norm = LayerNorm(pair_width)
        self.previous_pair = Linear(pair_width, pair_width)
        self.previous_single_norm = LayerNorm(single_width)
        self.previous_single = Linear(single_width, single_width)
        self.template_embedder = TemplateEmbedder(config)
        self.msa_embedding = MsaEmbedding(config)
        self.msa_stack = MsaStack(config)
        self.pairformer = Pairformer(single_width, pair_width, config.pairformer)

    def inputs(self, features: Features) -> TrunkInputs:
        """Embeds all that does not depend on the alignment or on earlier passes."""
        tokens = features.tokens
        target_feat = self._target_feat(features)
        return TrunkInputs(
            mask=tokens.mask,
            target_feat=target_feat,
            single=self.single_embedding(target_feat).astype(jnp.float32),
            pair=self.pair_embedding(target_feat, tokens, features.bonds).astype(
                self.previous_pair.dtype
            ),
            templates=template_geometry(
                features.templates, tokens, self.config.features.absent_template_class
            ),
        )

    def _target_feat(self, features: Features) -> Float[Array, "token target"]:
        """Residue type, profile, deletion mean and atom encoding of each token (algorithm 2)."""
        residue_type = jax.nn.one_hot(features.tokens.residue_type, self.config.num_residue_types)
        msa = features.msa
        encoding = self.atom_encoder(features.atoms, features.tokens)
        return jnp.concatenate(
            [residue_type, msa.profile, msa.deletion_mean[:, None], encoding], axis=-1
        )

    def embed_msa(
        self,
        inputs: TrunkInputs,
        rows: Int8[Array, "row token"],
        deletions: Int8[Array, "row token"],
    ) -> Float[Array, "row token msa"]:
        """The MSA representation of the given alignment rows."""
        return self.msa_embedding(rows, deletions, inputs.target_feat)

    def __call__(
        self,
        inputs: TrunkInputs,
        msa: Float[Array, "row token msa"],
        row_mask: Bool[Array, "row"],
        single: Single,
        pair: Pair,
    ) -> tuple[Single, Pair]:
        """One pass. `single` and `pair` are those of the pass before, zero for the first."""
        pair = self.recycle_pair(inputs, pair)
        if self.config.template.slots:
            pair = self.template_embedder(pair, inputs.templates, inputs.mask)
        pair = self.msa_stack(msa, pair, row_mask, inputs.mask)
        single = inputs.single + self.previous_single(self.previous_single_norm(single))
        pair, single = self.pairformer(pair, single, inputs.mask)
        return single, pair

    def recycle_pair(self, inputs: TrunkInputs, pair: Pair) -> Pair:
        """The pair representation with which a pass begins."""

        def recycle(rows: Pair, own: Pair) -> Pair:
            return own.astype(jnp.float32) + self.previous_pair(self.previous_pair_norm(rows))

        return replace_rows(recycle, pair, inputs.pair, bytes_per_row=2 * pair[0].nbytes)
