"""Layers under a conditioning signal (algorithms 24 to 26).

What a layer makes of the signal, its modulation, is computed apart from the layer itself: where the
signal does not change, one modulation serves many calls.
"""

from __future__ import annotations

from flax import nnx
from jaxtyping import Array, Float

from af3cli.model.layers import LayerNorm, Linear, normalise, swish_gate

Condition = Float[Array, "*batch condition"]
NormModulation = tuple[Float[Array, "*batch width"], Float[Array, "*batch width"]]
Gate = Float[Array, "*batch width"]


class AdaptiveLayerNorm(nnx.Module):
    """Layer normalisation whose scale and offset come from a conditioning signal (algorithm 26)."""

    def __init__(self, width: int, condition_width: int):
        self.norm = LayerNorm(condition_width, offset=False)
        self.scale = Linear(condition_width, width, bias=True)
        self.offset = Linear(condition_width, width)

    def modulation(self, condition: Condition) -> NormModulation:
        """Scale and offset."""
        condition = self.norm(condition)
        return nnx.sigmoid(self.scale(condition)), self.offset(condition)

    def __call__(
        self, x: Float[Array, "*batch width"], modulation: NormModulation
    ) -> Float[Array, "*batch width"]:
        scale, offset = modulation
        return scale * normalise(x) + offset


class ConditionedOutput(nnx.Module):
    """A projection gated by the conditioning signal (algorithms 24 and 25, last lines)."""

    def __init__(self, in_width: int, width: int, condition_width: int):
        self.contract = Linear(in_width, width)
        self.gate = Linear(condition_width, width, bias=True)

    def modulation(self, condition: Condition) -> Gate:
        """The gate."""
        return nnx.sigmoid(self.gate(condition))

    def __call__(
        self, x: Float[Array, "*batch in"], modulation: Gate
    ) -> Float[Array, "*batch width"]:
        return modulation * self.contract(x)


class ConditionedTransition(nnx.Module):
    """Gated two-layer perceptron under a conditioning signal (algorithm 25)."""

    def __init__(self, width: int, condition_width: int, factor: int):
        self.norm = AdaptiveLayerNorm(width, condition_width)
        self.expand = Linear(width, 2 * factor * width)
        self.output = ConditionedOutput(factor * width, width, condition_width)

    def modulation(self, condition: Condition) -> tuple[NormModulation, Gate]:
        """What the normalisation and the output take."""
        return self.norm.modulation(condition), self.output.modulation(condition)

    def __call__(
        self, x: Float[Array, "*batch width"], modulation: tuple[NormModulation, Gate]
    ) -> Float[Array, "*batch width"]:
        norm, gate = modulation
        return self.output(swish_gate(self.expand(self.norm(x, norm))), gate)
