"""Official arrays to the parameters of `af3cli.model.trunk.Trunk`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from af3cli.weights.official_blocks import (
    Parameters,
    Scope,
    atom_conditioning,
    atom_pair_mlp,
    atom_transformer,
    channels_first,
    columns,
    join,
    linear,
    norm,
    pair_block,
    pairformer,
    transition,
)
from af3cli.weights.schema import ATOM_CONDITIONING, MSA_STACK, PAIRFORMER, TEMPLATE_STACK, TRUNK


def trunk_parameters(arrays: Mapping[str, np.ndarray]) -> Parameters:
    """The nested parameters of `Trunk` from arrays named `scope:name`."""
    scope = Scope(arrays, TRUNK)
    return {
        "atom_encoder": _atom_encoder(Scope(arrays, ATOM_CONDITIONING)),
        "pair_embedding": _pair_embedding(scope),
        "single_embedding": linear(scope / "single_activations"),
        "previous_pair_norm": norm(scope / "prev_embedding_layer_norm"),
        "previous_pair": linear(scope / "prev_embedding"),
        "previous_single_norm": norm(scope / "prev_single_embedding_layer_norm"),
        "previous_single": linear(scope / "prev_single_embedding"),
        "template_embedder": _template_embedder(scope / "template_embedding"),
        "msa_embedding": {
            "row_features": linear(scope / "msa_activations"),
            "target": linear(scope / "extra_msa_target_feat"),
        },
        "msa_stack": _msa_stack(Scope(arrays, MSA_STACK)),
        "pairformer": pairformer(Scope(arrays, PAIRFORMER)),
    }


def _atom_encoder(scope: Scope) -> Parameters:
    return {
        "conditioning": atom_conditioning(scope + "_"),
        "pair_mlp": atom_pair_mlp(scope + "_"),
        "transformer": atom_transformer(scope + "_atom_transformer_encoder"),
        "to_token": linear(scope + "_project_atom_features_for_aggr"),
    }


def _pair_embedding(scope: Scope) -> Parameters:
    return {
        "left": linear(scope / "left_single"),
        "right": linear(scope / "right_single"),
        "relative": {"weight": (scope / "~_relative_encoding" / "position_activations").weights},
        "bond": (scope / "bond_embedding").weights[0],
    }


def _template_embedder(scope: Scope) -> Parameters:
    single = scope / "single_template_embedding"

    def embedding(index: int) -> np.ndarray:
        return (single / f"template_pair_embedding_{index}").weights

    vectors = [embedding(index)[None] for index in (1, 4, 5, 6, 7)]
    return {
        "geometric": np.concatenate([embedding(0), *vectors]),
        "type_column": embedding(2),
        "type_row": embedding(3),
        "query_norm": norm(single / "query_embedding_norm"),
        "query": {"weight": embedding(8)},
        "stack": {"blocks": pair_block(Scope(scope.arrays, TEMPLATE_STACK))},
        "norm": norm(single / "output_layer_norm"),
        "contract": linear(scope / "output_linear"),
    }


def _msa_stack(scope: Scope) -> Parameters:
    outer, averaging = scope / "outer_product_mean", scope / "msa_attention1"
    left, right = ((outer / f"{side}_projection").weights for side in ("left", "right"))
    product = outer.array("output_w")
    value, gate = (averaging / "v_projection").weights, (averaging / "gating_query").weights
    block = {
        "outer_product": {
            "norm": norm(outer / "layer_norm_input"),
            "expand": {"weight": join(left, right)},
            "contract": {
                "weight": product.reshape(len(product), -1, product.shape[-1]),
                "bias": outer.array("output_b"),
            },
        },
        "averaging": {
            "norm": norm(averaging / "act_norm"),
            "pair_norm": norm(averaging / "pair_norm"),
            "pair_logits": channels_first((averaging / "pair_logits").weights),
            "expand": {"weight": join(columns(value), gate)},
            "contract": linear(averaging / "output_projection"),
        },
        "transition": transition(scope / "msa_transition"),
        "pair": pair_block(scope),
    }
    return {"stack": {"blocks": block}}
