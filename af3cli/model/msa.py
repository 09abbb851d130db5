"""The MSA stack (algorithms 8 to 10)."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float, Int8

from af3cli.model.chunking import add_rows, map_rows
from af3cli.model.config import ModelConfig
from af3cli.model.layers import (
    ChannelsFirst,
    LayerNorm,
    Linear,
    Transition,
    gated,
    masked,
    split_heads,
)
from af3cli.model.pairformer import PairBlock
from af3cli.model.stack import Stack

Msa = Float[Array, "row token msa"]
Pair = Float[Array, "token token pair"]

# Outer products of fewer tokens at once run below the rate of a processor.
_LEAST_TOKENS = 8


class MsaEmbedding(nnx.Module):
    """Alignment rows and target features to the MSA representation (algorithm 8, lines 1 to 4).

    The input classes are those of the rows, one unused class, and two deletion features.
    """

    def __init__(self, config: ModelConfig):
        self.row_features = Linear(config.num_residue_types + 3, config.msa.width)
        self.target = Linear(config.target_width, config.msa.width)

    def __call__(
        self,
        rows: Int8[Array, "row token"],
        deletions: Int8[Array, "row token"],
        target_feat: Float[Array, "token target"],
    ) -> Msa:
        weight = self.row_features.weight[...].astype(jnp.float32)
        deletions = deletions.astype(jnp.float32)[..., None]
        activations = (
            weight[:-2][rows.astype(jnp.int32)]
            + jnp.clip(deletions, 0.0, 1.0) * weight[-2]
            + jnp.arctan(deletions / 3.0) * (2.0 / jnp.pi) * weight[-1]
        )
        return activations + self.target(target_feat)


class OuterProductMean(nnx.Module):
    """Mean over rows of the outer products of two projections (algorithm 9).

    The bias is added before the division by the number of rows. `expand` holds the columns of the
    left and the right projection; `contract` maps their flattened outer product (left-major).
    """

    def __init__(self, msa_width: int, hidden: int, pair_width: int):
        self.norm = LayerNorm(msa_width)
        self.expand = Linear(msa_width, 2 * hidden)
        self.contract = Linear(hidden * hidden, pair_width, bias=True)

    def __call__(self, msa: Msa, row_mask: Bool[Array, "row"]) -> Pair:
        columns = jnp.where(row_mask[:, None, None], self.expand(self.norm(msa)), 0)
        left, right = jnp.split(columns, 2, axis=-1)

        def contract_rows(left: Float[Array, "some row hidden"]) -> Float[Array, "some token pair"]:
            products = jnp.einsum("brc,rde->bdce", left, right)
            return self.contract(products.reshape(*products.shape[:2], -1))

        # Products are there twice when their axes are turned, and more often while a compiler tries
        # algorithms; nothing is lost by small chunks.
        bytes_per_token = 4 * right.shape[1] * right.shape[2] ** 2 * right.dtype.itemsize
        summed = map_rows(
            contract_rows,
            left.swapaxes(0, 1),
            bytes_per_row=bytes_per_token,
            least_rows=_LEAST_TOKENS,
        )
        return summed / (1e-3 + row_mask.sum())


class MsaAveraging(nnx.Module):
    """Averages values over tokens with weights from the pair representation (algorithm 10).

    Returns the MSA representation with the update added.
    `expand` holds the columns of value and gate, in that order.
    """

    def __init__(self, msa_width: int, pair_width: int, num_heads: int):
        self.num_heads = num_heads
        self.norm = LayerNorm(msa_width)
        self.pair_norm = LayerNorm(pair_width)
        self.pair_logits = ChannelsFirst(pair_width, num_heads)
        self.expand = Linear(msa_width, 2 * msa_width)
        self.contract = Linear(msa_width, msa_width)

    def __call__(self, msa: Msa, pair: Pair, mask: Bool[Array, "token"]) -> Msa:
        logits = self.pair_logits(self.pair_norm(pair)).astype(jnp.float32)
        weights = jax.nn.softmax(masked(logits, mask)).astype(self.expand.dtype)
        row_bytes = 4 * msa.shape[1] * 2 * self.expand.weight.shape[-1]
        return add_rows(lambda rows: self._average(rows, weights), msa, bytes_per_row=row_bytes)

    def _average(self, rows: Msa, weights: Float[Array, "heads token token"]) -> Msa:
        """The update of some rows."""
        value, gate = jnp.split(self.expand(self.norm(rows)), 2, axis=-1)
        mean = jnp.einsum("hqk,rkhc->rqhc", weights, split_heads(value, self.num_heads))
        return self.contract(gated(mean.reshape(rows.shape), gate))


class MsaBlock(nnx.Module):
    """One block of the MSA stack."""

    def __init__(self, config: ModelConfig):
        msa = config.msa
        self.outer_product = OuterProductMean(msa.width, msa.outer_product_width, config.pair_width)
        self.averaging = MsaAveraging(msa.width, config.pair_width, msa.num_heads)
        self.transition = Transition(msa.width, msa.transition_factor)
        self.pair = PairBlock(config.pair_width, config.pairformer)

    def __call__(
        self, msa: Msa, pair: Pair, row_mask: Bool[Array, "row"], mask: Bool[Array, "token"]
    ) -> tuple[Msa, Pair]:
        pair = pair + self.outer_product(msa, row_mask)
        msa = self.averaging(msa, pair, mask)
        # The pair representation is updated in place once it has been read.
        msa, pair = jax.lax.optimization_barrier((msa, pair))
        msa = add_rows(self.transition, msa, bytes_per_row=self.transition.bytes_of(msa[0]))
        return msa, self.pair(pair, mask)


class MsaStack(nnx.Module):
    """The MSA stack: an alignment updates the pair representation."""

    def __init__(self, config: ModelConfig):
        self.stack = Stack(lambda: MsaBlock(config), config.msa.num_blocks)

    def __call__(
        self, msa: Msa, pair: Pair, row_mask: Bool[Array, "row"], mask: Bool[Array, "token"]
    ) -> Pair:
        return self.stack(lambda block, carry: block(*carry, row_mask, mask), (msa, pair))[1]
