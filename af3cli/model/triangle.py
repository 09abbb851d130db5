"""Triangle updates of the pair representation (algorithms 12 to 15)."""

from __future__ import annotations

import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float

from af3cli.model.chunking import map_rows
from af3cli.model.layers import LayerNorm, Linear, attend, gated, split_heads

_MASKED = float(jnp.finfo(jnp.float32).min)


class TriangleMultiplication(nnx.Module):
    """Triangle multiplication over outgoing (algorithm 12) or incoming edges (algorithm 13).

    `expand` holds the columns of the projections a and b and of their gates, in that order.
    """

    def __init__(self, width: int, hidden: int, *, outgoing: bool):
        self.hidden = hidden
        self.equation = "cik,cjk->ijc" if outgoing else "ckj,cki->ijc"
        self.outgoing = outgoing
        self.norm_in = LayerNorm(width)
        self.expand = Linear(width, 4 * hidden)
        self.gate = Linear(width, width)
        self.norm_out = LayerNorm(hidden)
        self.contract = Linear(hidden, width)

    def __call__(
        self, pair: Float[Array, "token token width"], mask: Bool[Array, "token"]
    ) -> Float[Array, "token token width"]:
        row_bytes = 4 * pair.shape[1] * self.expand.weight.shape[-1]
        a, b = map_rows(self._edges, pair, row_bytes)
        # Only the token summed over needs masking: k of a_ik when outgoing, of a_kj else.
        present = mask[None, :] if self.outgoing else mask[:, None]
        a = jnp.where(present, a.transpose(2, 0, 1), 0)
        products = jnp.einsum(self.equation, a, b.transpose(2, 0, 1))
        return map_rows(self._update, (products, pair), row_bytes)

    def _edges(
        self, rows: Float[Array, "row token width"]
    ) -> tuple[Float[Array, "row token hidden"], Float[Array, "row token hidden"]]:
        """The gated projections a and b."""
        value, gate = jnp.split(self.expand(self.norm_in(rows)), 2, axis=-1)
        a, b = jnp.split(gated(value, gate), 2, axis=-1)
        return a, b

    def _update(
        self,
        rows: tuple[Float[Array, "row token hidden"], Float[Array, "row token width"]],
    ) -> Float[Array, "row token width"]:
        """The update from sums of products, gated by the pair representation."""
        products, pair = rows
        return gated(self.contract(self.norm_out(products)), self.gate(self.norm_in(pair)))


class TriangleAttention(nnx.Module):
    """Triangle attention around the starting (algorithm 14) or ending node (algorithm 15).

    `expand` holds the columns of query, key, value and gate, in that order. With `swap_bias` the
    bias of query j and key k is read at (k, j) of the pair representation.
    """

    def __init__(
        self, width: int, num_heads: int, head_width: int, *, starting: bool, swap_bias: bool
    ):
        self.num_heads = num_heads
        self.starting = starting
        self.bias_axes = (2, 1, 0) if swap_bias else (2, 0, 1)
        self.norm = LayerNorm(width)
        self.bias = Linear(width, num_heads)
        self.expand = Linear(width, 4 * num_heads * head_width)
        self.contract = Linear(num_heads * head_width, width)

    def __call__(
        self, pair: Float[Array, "token token width"], mask: Bool[Array, "token"]
    ) -> Float[Array, "token token width"]:
        pair = self.norm(pair).astype(self.expand.dtype)
        bias = self.bias(pair).astype(jnp.float32).transpose(self.bias_axes)
        bias = jnp.where(mask, bias, _MASKED)
        rows = pair if self.starting else pair.swapaxes(0, 1)
        num_tokens = len(mask)
        update = map_rows(
            lambda rows: self._attend_rows(rows, bias), rows, 4 * self.num_heads * num_tokens**2
        )
        return update if self.starting else update.swapaxes(0, 1)

    def _attend_rows(
        self, rows: Float[Array, "row token width"], bias: Float[Array, "heads token token"]
    ) -> Float[Array, "row token width"]:
        query, key, value, gate = jnp.split(self.expand(rows), 4, axis=-1)
        heads = (split_heads(x, self.num_heads) for x in (query, key, value))
        return self.contract(gated(attend(*heads, bias), gate))
