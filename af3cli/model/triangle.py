"""Triangle updates of the pair representation (algorithms 12 to 15)."""

from __future__ import annotations

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float

from af3cli.model.attention import attend, is_fused
from af3cli.model.chunking import add_rows, map_rows
from af3cli.model.layers import ChannelsFirst, LayerNorm, Linear, gated, masked, split_heads


class TriangleMultiplication(nnx.Module):
    """Triangle multiplication over outgoing (algorithm 12) or incoming edges (algorithm 13).

    Returns the pair representation with the update added.
    `expand` holds the channels of the projections a and b and of their gates, in that order.
    """

    def __init__(self, width: int, hidden: int, *, outgoing: bool):
        self.outgoing = outgoing
        self.norm_in = LayerNorm(width)
        self.expand = ChannelsFirst(width, 4 * hidden)
        self.gate = Linear(width, width)
        self.norm_out = LayerNorm(hidden)
        self.contract = Linear(hidden, width)

    def __call__(
        self, pair: Float[Array, "token token width"], mask: Bool[Array, "token"]
    ) -> Float[Array, "token token width"]:
        row_bytes = 4 * pair.shape[1] * self.expand.weight.shape[0]
        a, b = map_rows(
            lambda rows: self._edges(rows, mask),
            pair,
            bytes_per_row=row_bytes,
            axis=0 if self.outgoing else 1,
            out_axis=1,
        )
        first, second = (a, b) if self.outgoing else (b, a)
        products = jnp.einsum("cik,cjk->cij", first, second)
        return add_rows(self._update, pair, products, bytes_per_row=row_bytes, others_axis=1)

    def _edges(
        self, pair: Float[Array, "*edges width"], mask: Bool[Array, "token"]
    ) -> tuple[Float[Array, "hidden row token"], Float[Array, "hidden row token"]]:
        """The gated projections a and b, the token that is summed over last.

        Of `pair` these are rows when outgoing and columns when incoming.
        """
        rows = self.norm_in(pair)
        rows = rows if self.outgoing else rows.swapaxes(0, 1)
        value, gate = jnp.split(self.expand(rows), 2)
        a, b = jnp.split(gated(value, gate), 2)
        return jnp.where(mask, a, 0), b

    def _update(
        self,
        pair: Float[Array, "row token width"],
        products: Float[Array, "hidden row token"],
    ) -> Float[Array, "row token width"]:
        """The update from sums of products, gated by the pair representation."""
        update = self.contract(self.norm_out(products.transpose(1, 2, 0)))
        return gated(update, self.gate(self.norm_in(pair)))


class TriangleAttention(nnx.Module):
    """Triangle attention around the starting (algorithm 14) or ending node (algorithm 15).

    Returns the pair representation with the update added.
    `expand` holds the columns of query, key, value and gate, in that order. With `swap_bias` the
    bias of query j and key k is read at (k, j) of the pair representation.
    """

    def __init__(
        self, width: int, num_heads: int, head_width: int, *, starting: bool, swap_bias: bool
    ):
        self.num_heads = num_heads
        self.starting = starting
        self.swap_bias = swap_bias
        self.norm = LayerNorm(width)
        self.bias = ChannelsFirst(width, num_heads)
        self.expand = Linear(width, 4 * num_heads * head_width)
        self.contract = Linear(num_heads * head_width, width)

    def __call__(
        self, pair: Float[Array, "token token width"], mask: Bool[Array, "token"]
    ) -> Float[Array, "token token width"]:
        bias = map_rows(
            lambda rows: self.bias(self.norm(rows)),
            pair,
            bytes_per_row=pair[0].nbytes,
            out_axis=1,
        )
        bias = bias.swapaxes(1, 2) if self.swap_bias else bias
        bias = masked(bias.astype(jnp.float32), mask)
        return add_rows(
            lambda rows: self._attend(rows, bias),
            pair,
            bytes_per_row=self._bytes_of_row(len(mask)),
            axis=0 if self.starting else 1,
        )

    def _bytes_of_row(self, num_tokens: int) -> int:
        """What the largest intermediate of a row takes: logits, or the projections."""
        if is_fused(self.expand.dtype):
            return self.expand.dtype.itemsize * num_tokens * self.expand.weight.shape[-1]
        return 4 * self.num_heads * num_tokens**2

    def _attend(
        self, pair: Float[Array, "*edges width"], bias: Float[Array, "heads token token"]
    ) -> Float[Array, "*edges width"]:
        """The update of rows when starting, of columns when ending."""
        rows = self.norm(pair)
        rows = rows if self.starting else rows.swapaxes(0, 1)
        query, key, value, gate = self.expand.parts(rows, 4)
        heads = (split_heads(x, self.num_heads) for x in (query, key, value))
        update = self.contract(gated(attend(*heads, bias), gate))
        return update if self.starting else update.swapaxes(0, 1)
