"""What each family does, in literal values, so that none is changed unnoticed.

Those of the official network are of alphafold3's model configuration and its supplement. Others are
of the family's own program (openfold3 0.5.0, Protenix 2.0.0, IntelliFold 2), read in it and, where
a network's numbers depend on them, measured: recorded arrays of both are in `tests/data`.
"""

from __future__ import annotations

from functools import reduce

import pytest

from af3cli.model.config import OFFICIAL, ModelConfig
from af3cli.weights.families import (
    INTELLIFOLD2,
    OPENFOLD3,
    PROTENIX_BASE,
    PROTENIX_MINI,
    PROTENIX_TINY,
)

# field, then its value in the official network, OpenFold3, Protenix and IntelliFold, then where
# that comes from.
_FIELDS = [
    # features
    ("features.num_residue_types", 31, 32, 32, 31, "restype one-hots of 32: N and DN apart"),
    ("features.terminal_atoms", True, False, True, True, "openfold3 removes OXT, OP3"),
    ("features.parent_types", True, False, True, True, "openfold3: modified residues are UNK"),
    ("features.whole_residue_bonds", True, False, True, True, "openfold3: of atomised tokens only"),
    ("features.conformers_need_ideal", True, True, False, True, "Protenix's gen_ccd_cache"),
    ("features.ligand_types_by_name", False, True, False, False, "openfold3: by res_name alone"),
    ("features.bonds_at_their_atoms", False, True, True, False, "each atom's own token"),
    (
        "features.distant_polymer_bonds",
        False,
        False,
        True,
        False,
        "include_discont_poly_poly_bonds",
    ),
    ("features.bonds_along_chains", False, True, False, False, "openfold3: of atomised residues"),
    ("features.unique_rows", False, True, True, False, "main alignment deduplicated"),
    ("features.paired_rows_in_unpaired", False, False, True, False, "Protenix's msa_featurizer"),
    (
        "features.query_after_paired_rows",
        False,
        True,
        False,
        False,
        "openfold3: query, pairs, main",
    ),
    ("features.rows_of_dna_and_ligands", True, False, True, True, "openfold3: protein, RNA only"),
    ("features.unknown_ligand_columns", False, False, True, False, "Protenix's msa_featurizer"),
    ("features.query_fills_rows", False, False, True, False, "Protenix's msa_featurizer"),
    ("features.absent_template_class", 0, 21, 0, 0, "openfold3: GAP"),
    ("features.template_columns_quirk", True, False, False, True, "the official program's own"),
    ("features.template_of_gaps", False, False, True, False, "Protenix: type 31, counted as one"),
    # network
    ("pair_width", 128, 128, 128, 512, "shapes of the parameters"),
    ("msa.width", 64, 64, 64, 256, "shapes of the parameters"),
    ("template.width", 64, 64, 64, 256, "shapes of the parameters"),
    ("pairformer.triangle_heads", 4, 4, 4, 8, "shapes of the parameters"),
    ("template.stack.triangle_heads", 4, 4, 4, 8, "shapes of the parameters"),
    ("template.stack.triangle_head_width", 16, 16, 32, 32, "shapes of the parameters"),
    ("one_way_bonds_quirk", True, False, False, True, "token_bonds symmetric"),
    ("key_space_uid_quirk", True, False, False, False, "the right gather of keys' uids"),
    ("masked_reference_atoms", True, False, True, True, "openfold3: no factor ref_mask"),
    ("empty_atom_keys_quirk", True, False, False, True, "padding of windows is masked"),
    ("distogram_bias", False, False, True, False, "distogram_head.linear.bias"),
    ("atom_transformer.shifted_windows", True, True, False, True, "Protenix: windows stay, masked"),
    ("atom_transformer.twice_normalised_keys", False, False, True, False, "layernorm_kv after _a"),
    ("pairformer.transposed_ending_bias", False, False, True, False, "tri_att_end of transposed z"),
    ("template.stack.transposed_ending_bias", False, False, True, False, "the same"),
    ("msa.max_rows", 1024, 1024, 16384, 1024, "Protenix draws of all rows"),
    ("diffusion.learned_noise_embedding", False, True, True, True, "constants in the checkpoint"),
    ("diffusion.projected_relative_positions", False, False, True, False, "relpe.linear_no_bias"),
    ("confidence.normalised_single", False, False, True, False, "input_strunk_ln"),
    ("confidence.distance_input", False, False, True, False, "linear_no_bias_d_wo_onehot"),
    ("confidence.symmetric_pde_input", False, False, True, False, "Protenix: LN(z + transpose)"),
    ("confidence.atoms_by_rank", False, True, False, False, "openfold3: rank of present atoms"),
    # runs
    ("defaults.recycles", 10, 3, 9, 10, "num_recycles 10 and 3; N_cycle 10 counts passes"),
    ("defaults.samples", 5, 5, 5, 5, "samples of a seed"),
    ("defaults.sampler.steps", 200, 200, 200, 200, "N_step"),
    ("defaults.sampler.sigma_max", 160.0, 160.0, 160.0, 160.0, "s_max"),
    ("defaults.sampler.sigma_min", 4e-4, 4e-4, 4e-4, 4e-4, "s_min"),
    ("defaults.sampler.ends_at_zero", False, False, True, False, "Protenix's t_step_list"),
    ("defaults.sampler.exponent", 7.0, 7.0, 7.0, 7.0, "rho"),
    ("defaults.sampler.gamma", 0.8, 0.8, 0.8, 0.8, "gamma0"),
    ("defaults.sampler.gamma_above", 1.0, 1.0, 1.0, 1.0, "gamma_min"),
    ("defaults.sampler.noise_scale", 1.003, 1.003, 1.003, 1.003, "noise_scale_lambda"),
    ("defaults.sampler.step_scale", 1.5, 1.5, 1.5, 1.5, "step_scale_eta"),
]

# What Protenix mini and tiny do otherwise than base, by their model configurations.
_SMALL_FIELDS = {
    "template.slots": 0,
    "template.stack.num_blocks": 0,
    "msa.num_blocks": 1,
    "confidence.num_blocks": 4,
    "diffusion.num_blocks": 8,
    "diffusion.num_atom_blocks": 1,
    "atom_transformer.num_blocks": 3,
    "defaults.recycles": 3,  # N_cycle 4
    "defaults.sampler.steps": 5,
    "defaults.sampler.gamma": 0.0,
    "defaults.sampler.step_scale": 1.0,
}
_DEPTHS = {"msa.num_blocks": 4, "template.stack.num_blocks": 2, "confidence.num_blocks": 4}
_DEPTHS |= {"pairformer.num_blocks": 48, "diffusion.num_blocks": 24, "template.slots": 4}


def value(config: ModelConfig, field: str) -> object:
    return reduce(getattr, field.split("."), config)


@pytest.mark.parametrize("row", _FIELDS, ids=lambda row: row[0])
def test_each_family_is_as_its_own_program(row):
    field, *expected, _ = row
    configs = OFFICIAL, OPENFOLD3, PROTENIX_BASE, INTELLIFOLD2
    assert [value(config, field) for config in configs] == expected
    small = _SMALL_FIELDS.get(field, expected[2])
    assert [value(config, field) for config in (PROTENIX_MINI, PROTENIX_TINY)] == [small, small]


@pytest.mark.parametrize("config", [OFFICIAL, OPENFOLD3, PROTENIX_BASE, INTELLIFOLD2])
def test_whole_networks_are_of_the_published_depths(config):
    assert {field: value(config, field) for field in _DEPTHS} == _DEPTHS


@pytest.mark.parametrize(("config", "pairformer"), [(PROTENIX_MINI, 16), (PROTENIX_TINY, 8)])
def test_small_protenix_networks_have_few_blocks_and_steps(config, pairformer):
    assert {field: value(config, field) for field in _SMALL_FIELDS} == _SMALL_FIELDS
    assert config.pairformer.num_blocks == pairformer
