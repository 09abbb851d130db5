"""Official arrays to the parameters of the blocks that trunk and heads share.

The official names are those of google-deepmind/alphafold3, docs/model_parameters.md. Arrays of a
stack carry a leading layer axis, which every function here leaves alone. Each function returns the
nested dictionary of one module of `af3cli.model`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from af3cli.weights.aligned import aligned_empty

Parameters = dict[str, "Parameters | np.ndarray"]
Weight = Float[np.ndarray, "*layers in out"]


@dataclass(frozen=True)
class Scope:
    """Named official arrays below one scope. `scope / name` goes one level down."""

    arrays: Mapping[str, np.ndarray]
    path: str

    def __truediv__(self, name: str) -> Scope:
        return Scope(self.arrays, f"{self.path}/{name}")

    def __add__(self, suffix: str) -> Scope:
        return Scope(self.arrays, self.path + suffix)

    def has(self, name: str) -> bool:
        """Whether there is an array `scope:name`."""
        return f"{self.path}:{name}" in self.arrays

    def array(self, name: str) -> np.ndarray:
        """The array `scope:name`."""
        return self.arrays[f"{self.path}:{name}"]

    @property
    def weights(self) -> np.ndarray:
        """The array `scope:weights`."""
        return self.array("weights")


def join(*weights: Weight) -> Weight:
    """Weights side by side, as one matrix with all their columns."""
    *shape, _ = weights[0].shape
    joined = aligned_empty((*shape, sum(w.shape[-1] for w in weights)), np.result_type(*weights))
    return np.concatenate(weights, axis=-1, out=joined)


def columns(weight: Float[np.ndarray, "*layers in heads width"]) -> Weight:
    """Flattens the head axis of a projection to heads."""
    *rest, heads, width = weight.shape
    return weight.reshape(*rest, heads * width)


def linear(scope: Scope, *, bias: bool = False) -> Parameters:
    """A `Linear`."""
    parameters: Parameters = {"weight": scope.weights}
    if bias:
        parameters["bias"] = scope.array("bias")
    return parameters


def channels_first(weight: Weight) -> Parameters:
    """A `ChannelsFirst`, whose weight is the transpose of a `Linear`'s."""
    return {"weight": weight.swapaxes(-1, -2)}


def norm(scope: Scope, *, offset: bool = True) -> Parameters:
    """A `LayerNorm`."""
    names = ("scale", "offset") if offset else ("scale",)
    return {name: scope.array(name) for name in names}


def transition(scope: Scope) -> Parameters:
    """A `Transition`."""
    return {
        "norm": norm(scope / "input_layer_norm"),
        "expand": linear(scope / "transition1"),
        "contract": linear(scope / "transition2"),
    }


def triangle_multiplication(scope: Scope) -> Parameters:
    """A `TriangleMultiplication`; official channels of a and b alternate, ours do not."""
    projection, gate = (scope / "projection").weights, (scope / "gate").weights
    parts = (x[..., first::2] for x in (projection, gate) for first in (0, 1))
    return {
        "norm_in": norm(scope / "left_norm_input"),
        "expand": channels_first(join(*parts)),
        "gate": linear(scope / "gating_linear"),
        "norm_out": norm(scope / "center_norm"),
        "contract": linear(scope / "output_projection"),
    }


def triangle_attention(scope: Scope) -> Parameters:
    """A `TriangleAttention`; official queries, keys and gates are stored transposed."""

    def transposed(name: str) -> Weight:
        weight = (scope / name).weights
        *layers, outputs, inputs = weight.shape
        if name != "gating_query":
            *layers, heads = layers
            outputs *= heads
        return weight.reshape(*layers, outputs, inputs).swapaxes(-1, -2)

    value = columns((scope / "v_projection").weights)
    query, key, gate = map(transposed, ("q_projection", "k_projection", "gating_query"))
    return {
        "norm": norm(scope / "act_norm"),
        "bias": channels_first((scope / "pair_bias_projection").weights),
        "expand": {"weight": join(query, key, value, gate)},
        "contract": linear(scope / "output_projection"),
    }


def pair_block(scope: Scope) -> Parameters:
    """A `PairBlock`."""
    return {
        "multiply_outgoing": triangle_multiplication(scope / "triangle_multiplication_outgoing"),
        "multiply_incoming": triangle_multiplication(scope / "triangle_multiplication_incoming"),
        "attend_starting": triangle_attention(scope / "pair_attention1"),
        "attend_ending": triangle_attention(scope / "pair_attention2"),
        "transition": transition(scope / "pair_transition"),
    }


def pairformer(scope: Scope) -> Parameters:
    """A `Pairformer`."""
    single = scope / "single_attention_"
    key, value = (columns((single + f"{x}_projection").weights) for x in "kv")
    query = single + "q_projection"
    attention = {
        "norm": norm(single + "layer_norm"),
        "pair_norm": norm(scope / "single_pair_logits_norm"),
        "pair_bias": channels_first((scope / "single_pair_logits_projection").weights),
        "query": {"weight": columns(query.weights), "bias": columns(query.array("bias"))},
        "expand": {"weight": join(key, value, (single + "gating_query").weights)},
        "contract": linear(single + "transition2"),
    }
    block = {
        "pair": pair_block(scope),
        "attention": attention,
        "transition": transition(scope / "single_transition"),
    }
    return {"stack": {"blocks": block}}


def adaptive_norm(scope: Scope) -> Parameters:
    """An `AdaptiveLayerNorm`; `scope` ends in the prefix of its arrays."""
    return {
        "norm": norm(scope + "single_cond_layer_norm", offset=False),
        "scale": linear(scope + "single_cond_scale", bias=True),
        "offset": linear(scope + "single_cond_bias"),
    }


def conditioned_output(scope: Scope) -> Parameters:
    """A `ConditionedOutput`; `scope` ends in the prefix of its arrays."""
    return {
        "contract": linear(scope + "transition2"),
        "gate": linear(scope + "adaptive_zero_cond", bias=True),
    }


def conditioned_transition(scope: Scope) -> Parameters:
    """A `ConditionedTransition`; `scope` ends in the prefix of its arrays."""
    scope = scope + "ffw_"
    return {
        "norm": adaptive_norm(scope),
        "expand": linear(scope + "transition1"),
        "output": conditioned_output(scope),
    }


def atom_transformer(scope: Scope) -> Parameters:
    """An `AtomTransformer`; the blocks' arrays repeat its last name as a prefix."""
    name = scope.path.rsplit("/", 1)[-1]
    blocks = scope / "__layer_stack_with_per_layer" / name
    query = blocks + "q_projection"
    key, value = (columns((blocks + f"{x}_projection").weights) for x in "kv")
    block = {
        "norm_query": adaptive_norm(blocks + "q"),
        "norm_key": adaptive_norm(blocks + "k"),
        "query": {"weight": columns(query.weights), "bias": columns(query.array("bias"))},
        "gate": linear(blocks + "gating_query"),
        "expand_key": {"weight": join(key, value)},
        "output": conditioned_output(blocks),
        "transition": conditioned_transition(blocks),
    }
    return {
        "pair_norm": norm(scope / "pair_input_layer_norm", offset=False),
        "pair_bias": {"weight": columns((scope / "pair_logits_projection").weights)},
        "stack": {"blocks": block},
    }


def atom_conditioning(scope: Scope) -> Parameters:
    """An `AtomConditioning`; official arrays without the suffix `_1` are not read."""

    def weights(name: str) -> np.ndarray:
        return (scope + name).weights

    name = weights("embed_ref_atom_name")
    distance = weights("embed_pair_distances_1"), weights("embed_pair_offsets_valid")
    return {
        "position": linear(scope + "embed_ref_pos"),
        "present": weights("embed_ref_mask")[0],
        "element": weights("embed_ref_element"),
        "charge": weights("embed_ref_charge")[0],
        "name": name.reshape(4, -1, name.shape[-1]),
        "from_query": linear(scope + "single_to_pair_cond_row_1"),
        "from_key": linear(scope + "single_to_pair_cond_col_1"),
        "offset": linear(scope + "embed_pair_offsets_1"),
        "distance": np.concatenate(distance),
    }


def atom_pair_mlp(scope: Scope) -> Parameters:
    """An `AtomPairMlp`."""
    names = ("first", "second", "third")
    return {name: linear(scope + f"pair_mlp_{i}") for i, name in enumerate(names, 1)}
