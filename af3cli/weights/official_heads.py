"""Official arrays to the parameters of the heads after the trunk.

Arrays that only other families have (see `schema`) are read where they are there.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

import numpy as np
from jaxtyping import Float32

from af3cli.weights.official_blocks import (
    Parameters,
    Scope,
    adaptive_norm,
    atom_conditioning,
    atom_pair_mlp,
    atom_transformer,
    channels_first,
    columns,
    conditioned_output,
    conditioned_transition,
    join,
    linear,
    norm,
    pairformer,
)
from af3cli.weights.schema import (
    CONFIDENCE,
    CONFIDENCE_PAIRFORMER,
    DIFFUSION,
    DIFFUSION_BLOCK,
    DIFFUSION_STACK,
    DISTOGRAM,
)


def diffusion_parameters(arrays: Mapping[str, np.ndarray]) -> Parameters:
    """The nested parameters of `DiffusionHead` from arrays named `scope:name`."""
    scope = Scope(arrays, DIFFUSION)
    return {
        "conditioning": _conditioning(scope),
        "atoms": _atoms(scope / "diffusion_"),
        "single_norm": norm(scope / "single_cond_embedding_norm", offset=False),
        "single": linear(scope / "single_cond_embedding_projection"),
        "transformer": _token_transformer(scope / "transformer"),
        "output_norm": norm(scope / "output_norm", offset=False),
    }


def noise_constants() -> Float32[np.ndarray, "2 width"]:
    """Frequencies and phases of the noise embedding, which the official program tabulates."""
    table = resources.files("af3cli.weights").joinpath("official_noise.tsv").read_text()
    return np.loadtxt(table.splitlines(), skiprows=1, dtype=np.float64).T.astype(np.float32)


def _transition(scope: Scope) -> Parameters:
    """A `Transition` whose arrays have the conditioned transition's names."""
    scope = scope + "ffw_"
    return {
        "norm": norm(scope + "layer_norm"),
        "expand": linear(scope + "transition1"),
        "contract": linear(scope + "transition2"),
    }


def _conditioning(scope: Scope) -> Parameters:
    noise = scope / "noise_embedding"
    frequency, phase = noise_constants()
    if noise.has("frequency"):
        frequency, phase = noise.array("frequency"), noise.array("phase")
    positions = scope / "pair_cond_relative_encoding"
    projected = {"project_positions": linear(positions)} if positions.has("weights") else {}
    return {
        **projected,
        "pair_norm": norm(scope / "pair_cond_initial_norm", offset=False),
        "pair": linear(scope / "pair_cond_initial_projection"),
        "pair_transition_1": _transition(scope / "pair_transition_0"),
        "pair_transition_2": _transition(scope / "pair_transition_1"),
        "single_norm": norm(scope / "single_cond_initial_norm", offset=False),
        "single": linear(scope / "single_cond_initial_projection"),
        "noise_embedding": {"frequency": frequency, "phase": phase},
        "noise_norm": norm(scope / "noise_embedding_initial_norm", offset=False),
        "noise": linear(scope / "noise_embedding_initial_projection"),
        "single_transition_1": _transition(scope / "single_transition_0"),
        "single_transition_2": _transition(scope / "single_transition_1"),
    }


def _atoms(scope: Scope) -> Parameters:
    return {
        "conditioning": atom_conditioning(scope),
        "single_norm": norm(scope + "lnorm_trunk_single_cond", offset=False),
        "single": linear(scope + "embed_trunk_single_cond"),
        "pair_norm": norm(scope + "lnorm_trunk_pair_cond", offset=False),
        "pair": linear(scope + "embed_trunk_pair_cond"),
        "pair_mlp": atom_pair_mlp(scope),
        "position": linear(scope + "atom_positions_to_features"),
        "encoder": atom_transformer(scope + "atom_transformer_encoder"),
        "to_token": linear(scope + "project_atom_features_for_aggr"),
        "from_token": linear(scope + "project_token_features_for_broadcast"),
        "decoder": atom_transformer(scope + "atom_transformer_decoder"),
        "output_norm": norm(scope + "atom_features_layer_norm", offset=False),
        "output": linear(scope + "atom_features_to_position_update"),
    }


def _token_transformer(scope: Scope) -> Parameters:
    blocks = _FlatLayers(scope.arrays, DIFFUSION_BLOCK)
    query = blocks + "q_projection"
    key, value = (columns((blocks + f"{x}_projection").weights) for x in "kv")
    block = {
        "norm": adaptive_norm(blocks),
        "query": {"weight": columns(query.weights), "bias": columns(query.array("bias"))},
        "expand": {"weight": join(key, value, (blocks + "gating_query").weights)},
        "output": conditioned_output(blocks),
        "transition": conditioned_transition(blocks),
    }
    pair_bias = Scope(scope.arrays, f"{DIFFUSION_STACK}/pair_logits_projection").weights
    return {
        "pair_norm": norm(scope / "pair_input_layer_norm", offset=False),
        "pair_bias": channels_first(pair_bias.swapaxes(0, 1).reshape(pair_bias.shape[1], -1)),
        "stack": {"blocks": block},
    }


class _FlatLayers(Scope):
    """A scope whose arrays have two layer axes, super blocks and blocks, read as one."""

    def array(self, name: str) -> np.ndarray:
        array = super().array(name)
        return array.reshape(-1, *array.shape[2:])

    def __add__(self, suffix: str) -> Scope:
        return _FlatLayers(self.arrays, self.path + suffix)


def confidence_parameters(arrays: Mapping[str, np.ndarray]) -> Parameters:
    """The nested parameters of `ConfidenceHead` from arrays named `scope:name`."""
    scope = Scope(arrays, CONFIDENCE)
    embed = scope / "~_embed_features"
    inputs: Parameters = {}
    if (embed / "distance_feat_project").has("weights"):
        inputs["distance"] = (embed / "distance_feat_project").weights[0]
    if (embed / "single_norm").has("scale"):
        inputs["single_norm"] = norm(embed / "single_norm")
    return {
        "column": linear(embed / "left_target_feat_project"),
        "row": linear(embed / "right_target_feat_project"),
        **inputs,
        "distance_bin": (embed / "distogram_feat_project").weights,
        "pairformer": pairformer(Scope(arrays, CONFIDENCE_PAIRFORMER)),
        "pde_norm": norm(scope / "logits_ln"),
        "pde": linear(scope / "left_half_distance_logits"),
        "pae_norm": norm(scope / "pae_logits_ln"),
        "pae": linear(scope / "pae_logits"),
        "plddt_norm": norm(scope / "plddt_logits_ln"),
        "plddt": {"weight": columns((scope / "plddt_logits").weights)},
        "resolved_norm": norm(scope / "experimentally_resolved_ln"),
        "resolved": {"weight": columns((scope / "experimentally_resolved_logits").weights)},
    }


def distogram_parameters(arrays: Mapping[str, np.ndarray]) -> Parameters:
    """The nested parameters of `DistogramHead` from arrays named `scope:name`."""
    logits = Scope(arrays, DISTOGRAM) / "half_logits"
    return {"half_logits": linear(logits, bias=logits.has("bias"))}
