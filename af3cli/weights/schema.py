"""The names, dtypes and shapes of the official parameter arrays, for any widths and depths.

Names are `scope:name` as in the official list (google-deepmind/alphafold3,
docs/model_parameters.md). Arrays of a stack have leading layer axes. Weights of linear layers have
their input axes first, except query, key and gate of triangle attention.

Arrays that only other families have follow the same scheme: `half_logits:bias`,
`pair_cond_relative_encoding:weights`, `noise_embedding:frequency` and `:phase`,
`distance_feat_project:weights`, `single_norm:scale` and `:offset`.
"""

from __future__ import annotations

from dataclasses import replace

from af3cli.model.config import NUM_DISTANCE_BINS, ModelConfig
from af3cli.weights.schema_blocks import (
    ArraySpec,
    Items,
    adaptive_layer_norm,
    array,
    atom_encoder,
    atom_transformer,
    conditioned_block,
    layer_norm,
    linear,
    pair_stack,
    pairformer,
    scale,
    transition,
    trunk_linear,
)

IDENTIFIER = "__meta__:__identifier__"
TRUNK = "diffuser/evoformer"
TEMPLATE = f"{TRUNK}/template_embedding/single_template_embedding"
TEMPLATE_STACK = f"{TEMPLATE}/__layer_stack_no_per_layer/template_embedding_iteration"
MSA_STACK = f"{TRUNK}/__layer_stack_no_per_layer/msa_stack"
PAIRFORMER = f"{TRUNK}/__layer_stack_no_per_layer_1/trunk_pairformer"
ATOM_CONDITIONING = "diffuser/evoformer_conditioning"
DIFFUSION = "diffuser/~/diffusion_head"
DIFFUSION_STACK = f"{DIFFUSION}/transformer/__layer_stack_with_per_layer"
DIFFUSION_BLOCK = f"{DIFFUSION_STACK}/__layer_stack_with_per_layer/transformer"
DISTOGRAM = "diffuser/distogram_head"
CONFIDENCE = "diffuser/confidence_head"
CONFIDENCE_PAIRFORMER = f"{CONFIDENCE}/__layer_stack_no_per_layer/confidence_pairformer"

_RESOLVED_CLASSES = 2

Schema = dict[str, ArraySpec]


def is_of_trunk(name: str) -> bool:
    """Returns whether the trunk reads the array called `name`, not only the heads after it."""
    return name.startswith(TRUNK)


def official_schema(config: ModelConfig) -> Schema:
    """Returns every array that a parameter file for `config` holds, in the official order."""
    items = dict(_all_arrays(config))
    return {name: items[name] for name in sorted(items, key=_official_order)}


def _official_order(name: str) -> str:
    """Returns the sort key of the official list: punctuation first, in this order."""
    return name.translate(str.maketrans("_:/~", "\x01\x02\x03\x04"))


def _all_arrays(config: ModelConfig) -> Items:
    yield IDENTIFIER, ArraySpec("uint8", (64,))
    yield from atom_encoder(
        ATOM_CONDITIONING, config, config.single_width, config.atom_transformer.num_blocks
    )
    yield from _trunk_inputs(config)
    yield from _template_embedder(config)
    yield from _msa_stack(config)
    yield from pairformer(PAIRFORMER, config, config.pairformer)
    yield from linear(f"{DISTOGRAM}/half_logits", config.pair_width, config.num_distogram_bins)
    if config.distogram_bias:
        yield from array(f"{DISTOGRAM}/half_logits:bias", config.num_distogram_bins)
    yield from _diffusion_conditioning(config)
    yield from _diffusion_transformer(config)
    yield from _diffusion_atoms(config)
    yield from _confidence_head(config)


def _trunk_inputs(config: ModelConfig) -> Items:
    """Target features, relative positions, bonds and recycled representations."""
    single, pair, target = config.single_width, config.pair_width, config.target_width
    yield from trunk_linear(f"{TRUNK}/single_activations", target, single)
    yield from trunk_linear(f"{TRUNK}/left_single", target, pair)
    yield from trunk_linear(f"{TRUNK}/right_single", target, pair)
    yield from trunk_linear(f"{TRUNK}/extra_msa_target_feat", target, config.msa.width)
    yield from trunk_linear(
        f"{TRUNK}/msa_activations", config.num_residue_types + 3, config.msa.width
    )
    yield from trunk_linear(f"{TRUNK}/bond_embedding", 1, pair)
    yield from trunk_linear(
        f"{TRUNK}/~_relative_encoding/position_activations", config.num_relative_classes, pair
    )
    for name, width in (("prev_embedding", pair), ("prev_single_embedding", single)):
        yield from layer_norm(f"{TRUNK}/{name}_layer_norm", width)
        yield from trunk_linear(f"{TRUNK}/{name}", width, width)


def _template_embedder(config: ModelConfig) -> Items:
    width, types = config.template.width, config.num_residue_types
    inputs = (NUM_DISTANCE_BINS,), (), (types,), (types,), (), (), (), (), (config.pair_width,)
    for index, axes in enumerate(inputs):
        yield from trunk_linear(f"{TEMPLATE}/template_pair_embedding_{index}", *axes, width)
    yield from layer_norm(f"{TEMPLATE}/query_embedding_norm", config.pair_width)
    yield from pair_stack(TEMPLATE_STACK, width, config.template.stack)
    yield from layer_norm(f"{TEMPLATE}/output_layer_norm", width)
    yield from trunk_linear(f"{TRUNK}/template_embedding/output_linear", width, config.pair_width)


def _msa_stack(config: ModelConfig) -> Items:
    msa, pair, layers = config.msa, config.pair_width, config.msa.num_blocks
    outer = msa.outer_product_width
    scope = f"{MSA_STACK}/outer_product_mean"
    yield from layer_norm(f"{scope}/layer_norm_input", layers, msa.width)
    yield from trunk_linear(f"{scope}/left_projection", layers, msa.width, outer)
    yield from trunk_linear(f"{scope}/right_projection", layers, msa.width, outer)
    yield from array(f"{scope}:output_w", layers, outer, outer, pair, dtype="bfloat16")
    yield from array(f"{scope}:output_b", layers, pair, dtype="bfloat16")

    scope = f"{MSA_STACK}/msa_attention1"
    heads = (msa.num_heads, msa.width // msa.num_heads)
    yield from layer_norm(f"{scope}/act_norm", layers, msa.width)
    yield from layer_norm(f"{scope}/pair_norm", layers, pair)
    yield from trunk_linear(f"{scope}/pair_logits", layers, pair, msa.num_heads)
    yield from trunk_linear(f"{scope}/v_projection", layers, msa.width, *heads)
    yield from trunk_linear(f"{scope}/gating_query", layers, msa.width, msa.width)
    yield from trunk_linear(f"{scope}/output_projection", layers, msa.width, msa.width)
    yield from transition(f"{MSA_STACK}/msa_transition", layers, msa.width, msa.transition_factor)
    yield from pair_stack(MSA_STACK, pair, replace(config.pairformer, num_blocks=layers))


def _diffusion_transformer(config: ModelConfig) -> Items:
    diffusion = config.diffusion
    width, condition = diffusion.token_width, config.single_width
    inner = diffusion.blocks_per_pair_projection
    layers = (diffusion.num_blocks // inner, inner)
    heads, factor = diffusion.num_heads, diffusion.transition_factor
    yield from adaptive_layer_norm(DIFFUSION_BLOCK, layers, width, condition)
    yield from conditioned_block(DIFFUSION_BLOCK, layers, width, condition, heads, factor)
    yield from scale(f"{DIFFUSION}/transformer/pair_input_layer_norm", config.pair_width)
    yield from linear(
        f"{DIFFUSION_STACK}/pair_logits_projection",
        layers[0],
        config.pair_width,
        inner,
        heads,
    )


def _diffusion_conditioning(config: ModelConfig) -> Items:
    diffusion, single, pair = config.diffusion, config.single_width, config.pair_width
    relative = config.num_relative_classes
    if diffusion.projected_relative_positions:
        yield from linear(f"{DIFFUSION}/pair_cond_relative_encoding", relative, pair)
        relative = pair
    if diffusion.learned_noise_embedding:
        yield from array(f"{DIFFUSION}/noise_embedding:frequency", diffusion.noise_width)
        yield from array(f"{DIFFUSION}/noise_embedding:phase", diffusion.noise_width)
    inputs = {
        "single_cond_initial": (single + config.target_width, single),
        "pair_cond_initial": (pair + relative, pair),
        "noise_embedding_initial": (diffusion.noise_width, single),
        "single_cond_embedding": (single, diffusion.token_width),
    }
    for name, (width, output) in inputs.items():
        yield from scale(f"{DIFFUSION}/{name}_norm", width)
        yield from linear(f"{DIFFUSION}/{name}_projection", width, output)
    for name, width in (("pair", pair), ("single", single)):
        for index in (0, 1):
            prefix = f"{DIFFUSION}/{name}_transition_{index}ffw"
            hidden = diffusion.transition_factor * width
            yield from layer_norm(f"{prefix}_layer_norm", width)
            yield from linear(f"{prefix}_transition1", width, 2 * hidden)
            yield from linear(f"{prefix}_transition2", hidden, width)
    yield from scale(f"{DIFFUSION}/output_norm", diffusion.token_width)


def _diffusion_atoms(config: ModelConfig) -> Items:
    prefix, atom = f"{DIFFUSION}/diffusion", config.atom_width
    token_width = config.diffusion.token_width
    blocks = config.diffusion.num_atom_blocks
    yield from atom_encoder(prefix, config, token_width, blocks)
    trunk = (
        ("single", config.single_width, atom),
        ("pair", config.pair_width, config.atom_pair_width),
    )
    for name, width, output in trunk:
        yield from scale(f"{prefix}_lnorm_trunk_{name}_cond", width)
        yield from linear(f"{prefix}_embed_trunk_{name}_cond", width, output)
    yield from linear(f"{prefix}_atom_positions_to_features", 3, atom)
    yield from linear(f"{prefix}_project_token_features_for_broadcast", token_width, atom)
    yield from atom_transformer(f"{prefix}_atom_transformer_decoder", config, blocks)
    yield from scale(f"{prefix}_atom_features_layer_norm", atom)
    yield from linear(f"{prefix}_atom_features_to_position_update", atom, 3)


def _confidence_head(config: ModelConfig) -> Items:
    heads = config.confidence
    single, pair, slots = config.single_width, config.pair_width, config.max_atoms_per_token
    for side in ("left", "right"):
        yield from trunk_linear(
            f"{CONFIDENCE}/~_embed_features/{side}_target_feat_project", config.target_width, pair
        )
    yield from trunk_linear(
        f"{CONFIDENCE}/~_embed_features/distogram_feat_project", NUM_DISTANCE_BINS, pair
    )
    if heads.distance_input:
        yield from linear(f"{CONFIDENCE}/~_embed_features/distance_feat_project", 1, pair)
    if heads.normalised_single:
        yield from layer_norm(f"{CONFIDENCE}/~_embed_features/single_norm", single)
    yield from pairformer(
        CONFIDENCE_PAIRFORMER, config, replace(config.pairformer, num_blocks=heads.num_blocks)
    )
    yield from layer_norm(f"{CONFIDENCE}/logits_ln", pair)
    yield from linear(f"{CONFIDENCE}/left_half_distance_logits", pair, heads.num_pde_bins)
    yield from layer_norm(f"{CONFIDENCE}/pae_logits_ln", pair)
    yield from linear(f"{CONFIDENCE}/pae_logits", pair, heads.num_pae_bins)
    yield from layer_norm(f"{CONFIDENCE}/plddt_logits_ln", single)
    yield from linear(f"{CONFIDENCE}/plddt_logits", single, slots, heads.num_plddt_bins)
    yield from layer_norm(f"{CONFIDENCE}/experimentally_resolved_ln", single)
    yield from linear(
        f"{CONFIDENCE}/experimentally_resolved_logits", single, slots, _RESOLVED_CLASSES
    )
