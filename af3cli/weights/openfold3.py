"""OpenFold3's tensors as arrays with the official names.

Names are those of the `state_dict` of openfold3 0.5 (aqlaboratory/openfold-3).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from af3cli.weights.conversion import (
    Rule,
    TensorFamily,
    Tensors,
    checked,
    regrouped,
    rules,
    transposed,
)
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
    MSA_ROWS,
    TARGET_ROWS,
    FamilyNames,
    atom_transformer,
    diffusion_conditioning,
    input_rule,
    stacks,
    token_transformer,
    unused_atom_arrays,
)

_VERSION = (2, 0, 0)  # what its own program asks for, if the file tells any

_NAMES = FamilyNames(
    stacks={
        "pairformer": "pairformer_stack",
        "msa": "msa_module",
        "template": "template_embedder.template_pair_stack",
        "confidence": "aux_heads.pairformer_embedding.pairformer_stack",
        "diffusion": "diffusion_module.diffusion_transformer",
    },
    pair="pair_stack.",
    triangle_bias="linear_z",
    attention="attn_pair_bias",
    heads="mha",
    norm="layer_norm",
    pair_bias="linear_z",
    transition_norm="layer_norm",
    transition_a="swiglu.linear_a",
    transition_b="swiglu.linear_b",
    transition_out="linear_out",
    outer="outer_product_mean",
    averaging="msa_att_row",
    averaging_bias="linear_z",
    averaging_value="linear_v",
    averaging_gate="linear_g",
    averaging_out="linear_o",
    msa_transition="msa_transition",
    adaptive_scale="linear_g",
    adaptive_shift="linear_s",
    zero_gate="linear_ada_out",
    ffw="conditioned_transition",
    ffw_norm="layer_norm",
    ffw_a="swiglu.linear_a",
    ffw_b="swiglu.linear_b",
    ffw_out="linear_out",
    ffw_zero_gate="linear_g",
    fourier="fourier_emb",
    condition_norm="layer_norm_s",
    condition_projection="linear_s",
    condition_transition="transition_{letter}.{index}",
)
_ATOM_NORMS = {"q": "layer_norm_a_q", "k": "layer_norm_a_k"}
_NUM_ELEMENTS = 119

_TRUNK = """
linear  /~_relative_encoding/position_activations   input_embedder.linear_relpos
linear  /bond_embedding                             input_embedder.linear_token_bonds
norm    /prev_embedding_layer_norm                  layer_norm_z
linear  /prev_embedding                             linear_z
norm    /prev_single_embedding_layer_norm           layer_norm_s
linear  /prev_single_embedding                      linear_s
linear  /template_embedding/output_linear           template_embedder.linear_t
"""

_TEMPLATE = """
norm    /output_layer_norm          template_pair_stack.layer_norm
norm    /query_embedding_norm       template_pair_embedder.layer_norm_z
linear  /template_pair_embedding_0  template_pair_embedder.dgram_linear
linear  /template_pair_embedding_1  template_pair_embedder.pseudo_beta_mask_linear
linear  /template_pair_embedding_4  template_pair_embedder.x_linear
linear  /template_pair_embedding_5  template_pair_embedder.y_linear
linear  /template_pair_embedding_6  template_pair_embedder.z_linear
linear  /template_pair_embedding_7  template_pair_embedder.backbone_mask_linear
linear  /template_pair_embedding_8  template_pair_embedder.linear_z
"""

_REFERENCE_ATOMS = """
linear  ref_pos                linear_ref_pos
linear  ref_mask               linear_ref_mask
linear  ref_charge             linear_ref_charge
linear  ref_atom_name          linear_ref_atom_chars
linear  pair_offsets_1         linear_ref_offset
linear  pair_distances_1       linear_inv_sq_dists
linear  pair_offsets_valid     linear_valid_mask
"""

_ATOM_ENCODER = """
linear  _single_to_pair_cond_row_1                          linear_l
linear  _single_to_pair_cond_col_1                          linear_m
linear  _pair_mlp_1                                         pair_mlp.1
linear  _pair_mlp_2                                         pair_mlp.3
linear  _pair_mlp_3                                         pair_mlp.5
linear  _project_atom_features_for_aggr                     linear_q.0
scale   _atom_transformer_encoder/pair_input_layer_norm     atom_transformer.layer_norm_z
"""

_NOISY_ATOMS = """
scale   lnorm_trunk_single_cond         layer_norm_s
linear  embed_trunk_single_cond         linear_s
scale   lnorm_trunk_pair_cond           layer_norm_z
linear  embed_trunk_pair_cond           linear_z
linear  atom_positions_to_features      linear_r
"""

_ATOM_DECODER = """
linear  project_token_features_for_broadcast                linear_q_in
scale   atom_transformer_decoder/pair_input_layer_norm      atom_transformer.layer_norm_z
scale   atom_features_layer_norm                            layer_norm
linear  atom_features_to_position_update                    linear_q_out
"""

_DIFFUSION = """
scale   /noise_embedding_initial_norm           diffusion_conditioning.layer_norm_n
linear  /noise_embedding_initial_projection     diffusion_conditioning.linear_n
scale   /pair_cond_initial_norm                 diffusion_conditioning.layer_norm_z
linear  /pair_cond_initial_projection           diffusion_conditioning.linear_z
scale   /single_cond_embedding_norm             layer_norm_s
linear  /single_cond_embedding_projection       linear_s
scale   /output_norm                            layer_norm_a
scale   /transformer/pair_input_layer_norm      diffusion_transformer.layer_norm_z
"""

_CONFIDENCE = """
linear  /~_embed_features/distogram_feat_project    pairformer_embedding.linear_distance
norm    /logits_ln                                  pde.layer_norm
linear  /left_half_distance_logits                  pde.linear
norm    /pae_logits_ln                              pae.layer_norm
linear  /pae_logits                                 pae.linear
norm    /plddt_logits_ln                            plddt.layer_norm
norm    /experimentally_resolved_ln                 experimentally_resolved.layer_norm
"""


def _rules() -> Iterator[Rule]:
    """Yields what every official array is made of."""
    yield from stacks(_NAMES)
    yield from _trunk()
    yield from _diffusion()
    yield from _confidence()


def _is_extra(name: str) -> bool:
    """Returns whether a tensor repeats another one or tells the version of the file."""
    return name == "version_tensor" or name.startswith("sample_diffusion.")


def _unsupported(tensors: Tensors, _: Mapping[str, int]) -> str | None:
    """Returns which version tensors are of if it is not supported, and which to use."""
    version = tensors.get("version_tensor", _VERSION)
    if np.array_equal(version, _VERSION):
        return None
    return (
        f"OpenFold3 with parameters of version {np.ravel(version)[:3].tolist()}, "
        f"which is not supported; use of3-ob-2025-06-30-174k.pt ({list(_VERSION)})."
    )


def _trunk() -> Iterator[Rule]:
    yield from rules(_TRUNK, TRUNK)
    for target, source in (
        ("single_activations", "input_embedder.linear_s"),
        ("left_single", "input_embedder.linear_z_i"),
        ("right_single", "input_embedder.linear_z_j"),
        ("extra_msa_target_feat", "msa_module_embedder.linear_s_input"),
    ):
        yield input_rule(f"{TRUNK}/{target}", source, TARGET_ROWS)
    yield input_rule(f"{TRUNK}/msa_activations", "msa_module_embedder.linear_m", MSA_ROWS)
    yield from rules(_TEMPLATE, TEMPLATE, "template_embedder.")
    embedder = "template_embedder.template_pair_embedder"
    for index, source in ((2, "aatype_linear_2"), (3, "aatype_linear_1")):
        target = f"{TEMPLATE}/template_pair_embedding_{index}"
        yield input_rule(target, f"{embedder}.{source}", CLASSES)
    yield from _atom_encoder(ATOM_CONDITIONING, "input_embedder.atom_attn_enc.")


def _atom_encoder(prefix: str, source: str) -> Iterator[Rule]:
    embedder = f"{source}ref_atom_feature_embedder."
    yield from rules(_REFERENCE_ATOMS, f"{prefix}_embed_", embedder)
    yield from rules(_ATOM_ENCODER, prefix, source)
    yield from unused_atom_arrays(prefix)
    element = f"{embedder}linear_ref_element.weight"
    yield Rule(f"{prefix}_embed_ref_element:weights", (element,), _element_rows)
    yield from _atom_transformer(f"{prefix}_atom_transformer_encoder", source)


def _element_rows(shape: Shape, array: np.ndarray) -> np.ndarray:
    """Returns rows by atomic number from columns that begin with hydrogen."""
    rows = np.zeros(shape, np.float32)
    rows[1 : 1 + _NUM_ELEMENTS] = checked(array, (shape[1], _NUM_ELEMENTS)).T
    return rows


def _atom_transformer(scope: str, source: str) -> Iterator[Rule]:
    blocks = f"{source}atom_transformer.blocks.{{}}."
    yield from atom_transformer(scope, blocks, _ATOM_NORMS, _NAMES)
    yield _pair_bias(f"{scope}/pair_logits_projection", blocks)


def _pair_bias(target: str, blocks: str) -> Rule:
    sources = (f"{blocks}attention_pair_bias.linear_z.weight",)
    return Rule(f"{target}:weights", sources, transposed, groups_blocks=True)


def _diffusion() -> Iterator[Rule]:
    source = "diffusion_module."
    atoms = f"{DIFFUSION}/diffusion_"
    yield from rules(_DIFFUSION, DIFFUSION, source)
    yield from rules(_NOISY_ATOMS, atoms, f"{source}atom_attn_enc.noisy_position_embedder.")
    yield from rules(_ATOM_DECODER, atoms, f"{source}atom_attn_dec.")
    yield from diffusion_conditioning(_NAMES)
    yield from _atom_encoder(f"{DIFFUSION}/diffusion", f"{source}atom_attn_enc.")
    yield from _atom_transformer(
        f"{DIFFUSION}/diffusion_atom_transformer_decoder", f"{source}atom_attn_dec."
    )
    yield from token_transformer("layer_norm_a", _NAMES)
    yield _pair_bias(
        f"{DIFFUSION_STACK}/pair_logits_projection",
        _NAMES.blocks("diffusion"),
    )


def _confidence() -> Iterator[Rule]:
    source = "aux_heads."
    yield from rules("linear half_logits distogram.linear", f"{DISTOGRAM}/", source)
    yield from rules(_CONFIDENCE, CONFIDENCE, source)
    for side, letter in (("left", "j"), ("right", "i")):
        target = f"{CONFIDENCE}/~_embed_features/{side}_target_feat_project"
        yield input_rule(target, f"{source}pairformer_embedding.linear_{letter}", TARGET_ROWS)
    for name in ("plddt", "experimentally_resolved"):
        target = f"{CONFIDENCE}/{name}_logits:weights"
        yield Rule(target, (f"{source}{name}.linear.weight",), _atom_slots)


def _atom_slots(shape: Shape, array: np.ndarray) -> np.ndarray:
    """Returns weights of each atom of a token; the last slot, which theirs have not, is zero."""
    single, slots, bins = shape
    weights = regrouped((single, slots - 1, bins), array.T)
    return np.concatenate([weights, np.zeros((single, 1, bins), np.float32)], axis=1)


OPENFOLD3_TENSORS = TensorFamily(
    name="openfold3",
    marker="aux_heads.pairformer_embedding.linear_i.weight",
    rules=_rules,
    is_extra=_is_extra,
    unsupported=_unsupported,
    stacks=_NAMES.stacks,
)
