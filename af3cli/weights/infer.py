"""The network's widths and depths, read off the shapes of its parameter arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod

from af3cli.model.config import OFFICIAL, ModelConfig, with_fields
from af3cli.weights.schema import (
    ATOM_CONDITIONING,
    CONFIDENCE,
    CONFIDENCE_PAIRFORMER,
    DIFFUSION,
    DIFFUSION_BLOCK,
    DIFFUSION_STACK,
    DISTOGRAM,
    MSA_STACK,
    PAIRFORMER,
    TEMPLATE,
    TEMPLATE_STACK,
    TRUNK,
    official_schema,
)
from af3cli.weights.schema_blocks import Shape

_ATOM_STACK = f"{ATOM_CONDITIONING}_atom_transformer_encoder"
_ATOM_BLOCK = (
    f"{_ATOM_STACK}/__layer_stack_with_per_layer/evoformer_conditioning_atom_transformer_encoder"
)


def _pair_stack_axes(field: str, scope: str) -> dict[str, tuple[str, int]]:
    query = f"{scope}/pair_attention1/q_projection:weights"
    return {
        f"{field}.num_blocks": (query, 0),
        f"{field}.triangle_heads": (query, 1),
        f"{field}.triangle_head_width": (query, 2),
        f"{field}.triangle_multiplication_width": (
            f"{scope}/triangle_multiplication_outgoing/center_norm:scale",
            1,
        ),
    }


# field of `ModelConfig`: (array, axis whose length it is)
_AXES = {
    "single_width": (f"{TRUNK}/single_activations:weights", 1),
    "pair_width": (f"{TRUNK}/bond_embedding:weights", 1),
    "atom_width": (f"{ATOM_CONDITIONING}_embed_ref_pos:weights", 1),
    "atom_pair_width": (f"{ATOM_CONDITIONING}_pair_mlp_1:weights", 1),
    "features.num_residue_types": (f"{TEMPLATE}/template_pair_embedding_2:weights", 0),
    "max_atoms_per_token": (f"{CONFIDENCE}/plddt_logits:weights", 1),
    "num_distogram_bins": (f"{DISTOGRAM}/half_logits:weights", 1),
    "atom_transformer.num_blocks": (f"{_ATOM_STACK}/pair_logits_projection:weights", 1),
    "atom_transformer.num_heads": (f"{_ATOM_STACK}/pair_logits_projection:weights", 2),
    "template.width": (f"{TRUNK}/template_embedding/output_linear:weights", 0),
    **_pair_stack_axes("template.stack", TEMPLATE_STACK),
    "msa.num_blocks": (f"{MSA_STACK}/msa_attention1/pair_logits:weights", 0),
    "msa.num_heads": (f"{MSA_STACK}/msa_attention1/pair_logits:weights", 2),
    "msa.width": (f"{TRUNK}/msa_activations:weights", 1),
    "msa.outer_product_width": (f"{MSA_STACK}/outer_product_mean/left_projection:weights", 2),
    **_pair_stack_axes("pairformer", PAIRFORMER),
    "pairformer.single_heads": (f"{PAIRFORMER}/single_pair_logits_projection:weights", 2),
    "diffusion.blocks_per_pair_projection": (f"{DIFFUSION_BLOCK}q_projection:weights", 1),
    "diffusion.num_heads": (f"{DIFFUSION_STACK}/pair_logits_projection:weights", 3),
    "diffusion.num_atom_blocks": (
        f"{DIFFUSION}/diffusion_atom_transformer_decoder/pair_logits_projection:weights",
        1,
    ),
    "diffusion.token_width": (f"{DIFFUSION}/output_norm:scale", 0),
    "diffusion.noise_width": (f"{DIFFUSION}/noise_embedding_initial_norm:scale", 0),
    "confidence.num_blocks": (f"{CONFIDENCE_PAIRFORMER}/pair_attention1/q_projection:weights", 0),
    "confidence.num_plddt_bins": (f"{CONFIDENCE}/plddt_logits:weights", 2),
    "confidence.num_pae_bins": (f"{CONFIDENCE}/pae_logits:weights", 1),
    "confidence.num_pde_bins": (f"{CONFIDENCE}/left_half_distance_logits:weights", 1),
}

# field of `ModelConfig`: array whose last but one axis is that many times its last
_FACTORS = {
    "template.stack.transition_factor": f"{TEMPLATE_STACK}/pair_transition/transition2:weights",
    "msa.transition_factor": f"{MSA_STACK}/msa_transition/transition2:weights",
    "pairformer.transition_factor": f"{PAIRFORMER}/pair_transition/transition2:weights",
    "atom_transformer.transition_factor": f"{_ATOM_BLOCK}ffw_transition2:weights",
    "diffusion.transition_factor": f"{DIFFUSION_BLOCK}ffw_transition2:weights",
}


def infer_config(shapes: Mapping[str, Shape], base: ModelConfig = OFFICIAL) -> ModelConfig:
    """Returns `base` with the widths and depths that arrays named `scope:name` have.

    What an absent or oddly shaped array would tell, or one without values, stays as it is in
    `base`, so that checking the arrays against the schema of the result names it.
    """
    return with_fields(base, dict(_lengths(shapes)))


def nearest_config(shapes: Mapping[str, Shape], configs: Sequence[ModelConfig]) -> ModelConfig:
    """Returns the one of `configs` with the fewest arrays that have another shape or are absent."""

    def num_others(config: ModelConfig) -> int:
        schema = official_schema(config)
        return sum(shapes.get(name) != spec.shape for name, spec in schema.items())

    return min(configs, key=num_others)


def _lengths(shapes: Mapping[str, Shape]) -> Iterator[tuple[str, int]]:
    for field, (name, axis) in _AXES.items():
        shape = shapes.get(name, ())
        if len(shape) > axis and shape[axis]:
            yield field, shape[axis]
    for field, name in _FACTORS.items():
        if len(shape := shapes.get(name, ())) > 1 and shape[-1]:
            yield field, shape[-2] // shape[-1]
    shape = shapes.get(f"{DIFFUSION_BLOCK}q_projection:weights", ())
    if len(shape) > 1 and (num_blocks := prod(shape[:2])):
        yield "diffusion.num_blocks", num_blocks
