"""What the open checkpoint families do otherwise than the official network, as configurations."""

from __future__ import annotations

from dataclasses import replace

from af3cli.model.config import OFFICIAL, ModelConfig

_CORRECTED = replace(
    OFFICIAL,
    one_way_bonds_quirk=False,
    key_space_uid_quirk=False,
    empty_atom_keys_quirk=False,
    num_residue_types=32,
    diffusion=replace(OFFICIAL.diffusion, learned_noise_embedding=True),
)

OPENFOLD3 = replace(_CORRECTED, confidence=replace(OFFICIAL.confidence, atoms_by_rank=True))

PROTENIX_BASE = replace(
    _CORRECTED,
    distogram_bias=True,
    atom_transformer=replace(
        OFFICIAL.atom_transformer, shifted_windows=False, twice_normalised_keys=True
    ),
    pairformer=replace(OFFICIAL.pairformer, transposed_ending_bias=True),
    template=replace(
        OFFICIAL.template,
        stack=replace(
            OFFICIAL.template.stack,
            triangle_head_width=32,
            triangle_multiplication_width=128,
            transposed_ending_bias=True,
        ),
    ),
    diffusion=replace(_CORRECTED.diffusion, projected_relative_positions=True),
    confidence=replace(
        OFFICIAL.confidence,
        normalised_single=True,
        distance_input=True,
        symmetric_pde_input=True,
    ),
)


def _small_protenix(pairformer_blocks: int) -> ModelConfig:
    """Few blocks, few diffusion steps, and no templates: without slots they contribute nothing."""
    base = PROTENIX_BASE
    return replace(
        base,
        template=replace(base.template, slots=0, stack=replace(base.template.stack, num_blocks=0)),
        msa=replace(base.msa, num_blocks=1),
        pairformer=replace(base.pairformer, num_blocks=pairformer_blocks),
        diffusion=replace(base.diffusion, num_blocks=8, num_atom_blocks=1),
    )


PROTENIX_MINI = _small_protenix(16)
PROTENIX_TINY = _small_protenix(8)

_WIDE_STACK = {"triangle_heads": 8, "triangle_head_width": 64, "triangle_multiplication_width": 512}

INTELLIFOLD2 = replace(
    OFFICIAL,
    pair_width=512,
    key_space_uid_quirk=False,
    msa=replace(OFFICIAL.msa, width=256),
    template=replace(
        OFFICIAL.template,
        width=256,
        stack=replace(
            OFFICIAL.template.stack,
            triangle_heads=8,
            triangle_head_width=32,
            triangle_multiplication_width=256,
        ),
    ),
    pairformer=replace(OFFICIAL.pairformer, **_WIDE_STACK),
    diffusion=replace(OFFICIAL.diffusion, learned_noise_embedding=True),
)
