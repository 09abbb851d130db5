"""The distogram head, and the contacts that it predicts."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float32

from af3cli.model.config import ModelConfig
from af3cli.model.layers import Linear

_FIRST_BREAK, _LAST_BREAK = 2.3125, 21.6875  # Å
# In Å: 8, and the official program's 0.001 so that rounding leaves out no bin that ends at 8.
_CONTACT_DISTANCE = 8.001


class DistogramHead(nnx.Module):
    """Distance distributions between tokens' representative atoms."""

    def __init__(self, config: ModelConfig):
        self.half_logits = Linear(
            config.pair_width, config.num_distogram_bins, bias=config.distogram_bias
        )

    def __call__(
        self, pair: Float32[Array, "token token pair"]
    ) -> Float32[Array, "token token bin"]:
        """Symmetric logits."""
        logits = self.half_logits(pair)
        return logits + logits.swapaxes(0, 1)


def distogram_breaks(num_bins: int) -> Float32[Array, "bin-1"]:
    """The edges between distogram bins, in Å."""
    return jnp.linspace(_FIRST_BREAK, _LAST_BREAK, num_bins - 1)


def contact_probabilities(
    logits: Float32[Array, "token token bin"], mask: Bool[Array, "token"]
) -> Float32[Array, "token token"]:
    """The probability of a distance below 8 Å: the sum over bins that end there or before."""
    breaks = distogram_breaks(logits.shape[-1])
    tops = jnp.append(breaks, 2 * breaks[-1] - breaks[-2])
    is_contact = (tops <= _CONTACT_DISTANCE).astype(jnp.float32)
    probabilities = jnp.matmul(jax.nn.softmax(logits), is_contact, precision="highest")
    return jnp.where(mask[:, None] & mask[None, :], probabilities, 0)
