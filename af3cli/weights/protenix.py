"""Protenix's tensors as arrays with the official names.

Names are those of the `state_dict` of Protenix 2.0 (bytedance/Protenix) for its v0.5.0 and v1.0.0
checkpoints.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from af3cli.model.config import NUM_DISTANCE_BINS
from af3cli.weights.conversion import (
    Rule,
    TensorFamily,
    Tensors,
    checked,
    constant,
    input_rows,
    regrouped,
    rules,
    transposed,
)
from af3cli.weights.families import PROTENIX_BASE, PROTENIX_TINY
from af3cli.weights.schema import (
    ATOM_CONDITIONING,
    CONFIDENCE,
    DIFFUSION,
    DIFFUSION_STACK,
    DISTOGRAM,
    TEMPLATE,
    TRUNK,
)
from af3cli.weights.schema_blocks import Shape
from af3cli.weights.torch_blocks import (
    CLASSES,
    ELEMENTS,
    MSA_ROWS,
    TARGET_ROWS,
    TARGET_WIDTH,
    FamilyNames,
    atom_transformer,
    diffusion_conditioning,
    input_rule,
    stacks,
    token_transformer,
    unused_atom_arrays,
)

_NAMES = FamilyNames(
    stacks={
        "pairformer": "pairformer_stack",
        "msa": "msa_module",
        "template": "template_embedder.pairformer_stack",
        "confidence": "confidence_head.pairformer_stack",
        "diffusion": "diffusion_module.diffusion_transformer",
    },
    pair="",
    triangle_bias="linear",
    attention="attention_pair_bias",
    heads="attention",
    norm="layernorm",
    pair_bias="linear_nobias_z",
    transition_norm="layernorm1",
    transition_a="linear_no_bias_a",
    transition_b="linear_no_bias_b",
    transition_out="linear_no_bias",
    outer="outer_product_mean_msa",
    averaging="msa_stack.msa_pair_weighted_averaging",
    averaging_bias="linear_no_bias_z",
    averaging_value="linear_no_bias_mv",
    averaging_gate="linear_no_bias_mg",
    averaging_out="linear_no_bias_out",
    msa_transition="msa_stack.transition_m",
    adaptive_scale="linear_s",
    adaptive_shift="linear_nobias_s",
    zero_gate="linear_a_last",
    ffw="conditioned_transition_block",
    ffw_norm="adaln",
    ffw_a="linear_nobias_a1",
    ffw_b="linear_nobias_a2",
    ffw_out="linear_nobias_b",
    ffw_zero_gate="linear_s",
    fourier="fourier_embedding",
    condition_norm="layernorm_s",
    condition_projection="linear_no_bias_s",
    condition_transition="transition_{letter}{number}",
)
_ATOM_NORMS = {"q": "layernorm_a", "k": "layernorm_kv"}

# From a protein language model to the target features. The published tiny checkpoint, which is for
# runs without one, holds it nevertheless; its own program loads that file without strictness.
_LANGUAGE_MODEL = "input_embedder.linear_esm.weight"

_TRUNK = """
linear  /~_relative_encoding/position_activations   relative_position_encoding.linear_no_bias
linear  /bond_embedding                             linear_no_bias_token_bond
norm    /prev_embedding_layer_norm                  layernorm_z_cycle
linear  /prev_embedding                             linear_no_bias_z_cycle
norm    /prev_single_embedding_layer_norm           layernorm_s
linear  /prev_single_embedding                      linear_no_bias_s
linear  /template_embedding/output_linear           template_embedder.linear_no_bias_u
"""

_TEMPLATE = """
norm    /output_layer_norm          layernorm_v
norm    /query_embedding_norm       layernorm_z
linear  /template_pair_embedding_8  linear_no_bias_z
"""

_ATOM_ENCODER = """
linear  _embed_ref_pos                      linear_no_bias_ref_pos
linear  _embed_ref_charge                   linear_no_bias_ref_charge
linear  _embed_pair_offsets_1               linear_no_bias_d
linear  _embed_pair_distances_1             linear_no_bias_invd
linear  _embed_pair_offsets_valid           linear_no_bias_v
linear  _single_to_pair_cond_row_1          linear_no_bias_cl
linear  _single_to_pair_cond_col_1          linear_no_bias_cm
linear  _pair_mlp_1                         small_mlp.1
linear  _pair_mlp_2                         small_mlp.3
linear  _pair_mlp_3                         small_mlp.5
linear  _project_atom_features_for_aggr     linear_no_bias_q
"""

_NOISY_ATOMS = """
scale   lnorm_trunk_single_cond                 atom_attention_encoder.layernorm_s
linear  embed_trunk_single_cond                 atom_attention_encoder.linear_no_bias_s
scale   lnorm_trunk_pair_cond                   atom_attention_encoder.layernorm_z
linear  embed_trunk_pair_cond                   atom_attention_encoder.linear_no_bias_z
linear  atom_positions_to_features              atom_attention_encoder.linear_no_bias_r
linear  project_token_features_for_broadcast    atom_attention_decoder.linear_no_bias_a
scale   atom_features_layer_norm                atom_attention_decoder.layernorm_q
linear  atom_features_to_position_update        atom_attention_decoder.linear_no_bias_out
"""

_DIFFUSION = """
scale   /noise_embedding_initial_norm           diffusion_conditioning.layernorm_n
linear  /noise_embedding_initial_projection     diffusion_conditioning.linear_no_bias_n
linear  /pair_cond_relative_encoding            diffusion_conditioning.relpe.linear_no_bias
scale   /pair_cond_initial_norm                 diffusion_conditioning.layernorm_z
linear  /pair_cond_initial_projection           diffusion_conditioning.linear_no_bias_z
scale   /single_cond_embedding_norm             layernorm_s
linear  /single_cond_embedding_projection       linear_no_bias_s
scale   /output_norm                            layernorm_a
"""

_CONFIDENCE = """
linear  /~_embed_features/distogram_feat_project    linear_no_bias_d
linear  /~_embed_features/distance_feat_project     linear_no_bias_d_wo_onehot
norm    /~_embed_features/single_norm               input_strunk_ln
norm    /logits_ln                                  pde_ln
linear  /left_half_distance_logits                  linear_no_bias_pde
norm    /pae_logits_ln                              pae_ln
linear  /pae_logits                                 linear_no_bias_pae
norm    /plddt_logits_ln                            plddt_ln
norm    /experimentally_resolved_ln                 resolved_ln
"""


def _rules() -> Iterator[Rule]:
    """Yields what every official array is made of."""
    yield from stacks(_NAMES)
    yield from _trunk()
    yield from _diffusion()
    yield from _confidence()


def _is_extra(name: str) -> bool:
    """Returns whether a tensor is not used: bounds of the distance bins, a language model's."""
    return name in ("confidence_head.lower_bins", "confidence_head.upper_bins", _LANGUAGE_MODEL)


def _unsupported(tensors: Tensors, blocks: Mapping[str, int]) -> str | None:
    """Returns which version tensors are of if it is not supported, and which to use."""
    positions = tensors.get("relative_position_encoding.linear_no_bias.weight")
    if positions is not None and positions.shape[:1] == (256,):
        return "Protenix v2 (pair width 256), which is not supported."
    pairformer = blocks["pairformer"]
    if _LANGUAGE_MODEL in tensors and pairformer != PROTENIX_TINY.pairformer.num_blocks:
        return (
            "Protenix with embeddings of a language model (ESM or ISM), which is not "
            "supported; use protenix_mini_default_v0.5.0.pt."
        )
    if pairformer == PROTENIX_BASE.pairformer.num_blocks and not blocks["template"]:
        return "Protenix base v0.5.0, which is not supported; use v1.0.0."
    return None


def _trunk() -> Iterator[Rule]:
    yield from rules(_TRUNK, TRUNK)
    yield input_rule(f"{TRUNK}/single_activations", "linear_no_bias_sinit", TARGET_ROWS)
    for side, number in (("left", 1), ("right", 2)):
        sources = (f"linear_no_bias_zinit{number}.weight", "linear_no_bias_sinit.weight")
        yield Rule(f"{TRUNK}/{side}_single:weights", sources, _through_single)
    yield input_rule(f"{TRUNK}/extra_msa_target_feat", "msa_module.linear_no_bias_s", TARGET_ROWS)
    yield input_rule(f"{TRUNK}/msa_activations", "msa_module.linear_no_bias_m", MSA_ROWS)
    yield from rules(_TEMPLATE, TEMPLATE, "template_embedder.")
    for index, columns in enumerate(_template_columns()):
        target = f"{TEMPLATE}/template_pair_embedding_{index}"
        yield input_rule(target, "template_embedder.linear_no_bias_a", columns)
    yield from _atom_encoder(ATOM_CONDITIONING, "input_embedder.atom_attention_encoder.")


def _through_single(shape: Shape, pair: np.ndarray, single: np.ndarray) -> np.ndarray:
    """Returns the product of two linear layers, from target features to the pair."""
    between = pair.shape[-1:]
    checked(pair, (shape[1], *between))
    checked(single, (*between, TARGET_WIDTH))
    product = pair.astype(np.float64) @ single.astype(np.float64)
    return input_rows(TARGET_ROWS)(shape, product)


def _template_columns() -> list[list[int]]:
    """Returns the inputs of each official template layer among those of the one layer here."""
    types = NUM_DISTANCE_BINS + 1
    column_types, row_types = ([types + side * 32 + kind for kind in CLASSES] for side in (0, 1))
    first = types + 2 * 32
    return [
        list(range(NUM_DISTANCE_BINS)),
        [NUM_DISTANCE_BINS],
        column_types,
        row_types,
        *([first + index] for index in range(4)),
    ]


def _atom_encoder(prefix: str, source: str) -> Iterator[Rule]:
    yield from rules(_ATOM_ENCODER, prefix, source)
    yield from unused_atom_arrays(prefix)
    columns = {
        "mask": [0],
        "element": [-1, *range(1, ELEMENTS)],
        "atom_name": list(range(1 + ELEMENTS, 1 + ELEMENTS + 256)),
    }
    for name, indices in columns.items():
        yield input_rule(f"{prefix}_embed_ref_{name}", f"{source}linear_no_bias_f", indices)
    yield from _atom_transformer(f"{prefix}_atom_transformer_encoder", source)


def _atom_transformer(scope: str, source: str) -> Iterator[Rule]:
    blocks = f"{source}atom_transformer.diffusion_transformer.blocks.{{}}."
    yield from atom_transformer(scope, blocks, _ATOM_NORMS, _NAMES)
    yield from _pair_bias(scope, f"{scope}/pair_logits_projection", blocks)


def _pair_bias(scope: str, target: str, blocks: str) -> Iterator[Rule]:
    """Each block's normalisation has its own scale, which goes into its projection."""
    attention = f"{blocks}attention_pair_bias."
    sources = (f"{attention}linear_nobias_z.weight", f"{attention}layernorm_z.weight")
    yield Rule(f"{target}:weights", sources, _scaled, groups_blocks=True)
    yield Rule(f"{scope}/pair_input_layer_norm:scale", (), constant(1.0))


def _scaled(shape: Shape, weight: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return transposed(shape, checked(weight, shape[::-1]) * checked(scale, shape[:1]))


def _diffusion() -> Iterator[Rule]:
    source = "diffusion_module."
    yield from rules(_DIFFUSION, DIFFUSION, source)
    yield from rules(_NOISY_ATOMS, f"{DIFFUSION}/diffusion_", source)
    yield from diffusion_conditioning(_NAMES)
    yield from _atom_encoder(f"{DIFFUSION}/diffusion", f"{source}atom_attention_encoder.")
    yield from _atom_transformer(
        f"{DIFFUSION}/diffusion_atom_transformer_decoder", f"{source}atom_attention_decoder."
    )
    yield from token_transformer("layernorm_a", _NAMES)
    yield from _pair_bias(
        f"{DIFFUSION}/transformer",
        f"{DIFFUSION_STACK}/pair_logits_projection",
        _NAMES.blocks("diffusion"),
    )


def _confidence() -> Iterator[Rule]:
    source = "confidence_head."
    yield from rules("biased half_logits distogram_head.linear", f"{DISTOGRAM}/")
    yield from rules(_CONFIDENCE, CONFIDENCE, source)
    for side, number in (("left", 1), ("right", 2)):
        target = f"{CONFIDENCE}/~_embed_features/{side}_target_feat_project"
        yield input_rule(target, f"{source}linear_no_bias_s{number}", TARGET_ROWS)
    for name, theirs in (("plddt", "plddt"), ("experimentally_resolved", "resolved")):
        target = f"{CONFIDENCE}/{name}_logits:weights"
        yield Rule(target, (f"{source}{theirs}_weight",), _atom_slots)


def _atom_slots(shape: Shape, array: np.ndarray) -> np.ndarray:
    return regrouped(shape, array.transpose(1, 0, 2))


PROTENIX_TENSORS = TensorFamily(
    name="protenix",
    marker="confidence_head.linear_no_bias_s1.weight",
    rules=_rules,
    is_extra=_is_extra,
    unsupported=_unsupported,
    stacks=_NAMES.stacks,
)
