"""What the open checkpoint families do otherwise than the official network, as configurations."""

from __future__ import annotations

from dataclasses import replace

from af3cli.features.conventions import MAX_ROWS, FeatureConventions
from af3cli.features.residue_classes import GAP
from af3cli.model.config import OFFICIAL, ModelConfig, RunDefaults, SamplerConfig, with_depths

_CORRECTED = replace(
    OFFICIAL,
    one_way_bonds_quirk=False,
    key_space_uid_quirk=False,
    empty_atom_keys_quirk=False,
    features=FeatureConventions(
        num_residue_types=32, unique_rows=True, template_columns_quirk=False
    ),
    diffusion=replace(OFFICIAL.diffusion, learned_noise_embedding=True),
)

OPENFOLD3 = replace(
    _CORRECTED,
    masked_reference_atoms=False,
    confidence=replace(OFFICIAL.confidence, atoms_by_rank=True),
    features=replace(
        _CORRECTED.features,
        terminal_atoms=False,
        parent_types=False,
        ligand_types_by_name=True,
        whole_residue_bonds=False,
        bonds_at_their_atoms=True,
        bonds_along_chains=True,
        query_after_paired_rows=True,
        rows_of_dna_and_ligands=False,
        absent_template_class=GAP,
    ),
    defaults=RunDefaults(recycles=3),
)

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
    # Its own passes each read a random number of random rows; all of them is their common limit.
    msa=replace(OFFICIAL.msa, max_rows=MAX_ROWS),
    features=replace(
        _CORRECTED.features,
        conformers_need_ideal=False,
        bonds_at_their_atoms=True,
        distant_polymer_bonds=True,
        paired_rows_in_unpaired=True,
        unknown_ligand_columns=True,
        query_fills_rows=True,
        template_of_gaps=True,
    ),
    defaults=RunDefaults(recycles=9, sampler=SamplerConfig(ends_at_zero=True)),
)


def _small_protenix(pairformer_blocks: int) -> ModelConfig:
    """Few blocks, few diffusion steps, and no templates: without slots they contribute nothing."""
    base = with_depths(PROTENIX_BASE, pairformer=pairformer_blocks, msa=1, template=0, diffusion=8)
    return replace(
        base,
        template=replace(base.template, slots=0),
        diffusion=replace(base.diffusion, num_atom_blocks=1),
        defaults=RunDefaults(
            recycles=3,
            sampler=replace(base.defaults.sampler, steps=5, gamma=0.0, step_scale=1.0),
        ),
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
