"""The schema against the official list of parameters."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from af3cli.features.conventions import FeatureConventions
from af3cli.model.config import OFFICIAL, reduced
from af3cli.weights.families import INTELLIFOLD2
from af3cli.weights.infer import infer_config
from af3cli.weights.schema import official_schema

LISTED = Path(__file__).parents[1] / "data" / "weights" / "params_schema.tsv"

REDUCED_LAYERS = {
    "trunk_pairformer": 2,
    "msa_stack": 1,
    "template_embedding_iteration": 1,
    "confidence_pairformer": 1,
    "diffusion_head/transformer/__layer_stack": 2,
}

OTHER_WIDTHS = replace(
    OFFICIAL,
    single_width=320,
    pair_width=512,
    features=FeatureConventions(num_residue_types=32),
    max_atoms_per_token=23,
    template=replace(
        OFFICIAL.template,
        width=256,
        stack=replace(
            OFFICIAL.template.stack,
            triangle_heads=8,
            triangle_head_width=32,
            triangle_multiplication_width=100,
        ),
    ),
    msa=replace(OFFICIAL.msa, num_blocks=3, width=256, outer_product_width=16, transition_factor=3),
    pairformer=replace(OFFICIAL.pairformer, num_blocks=5, triangle_heads=8, single_heads=8),
    diffusion=replace(
        OFFICIAL.diffusion,
        num_blocks=15,
        blocks_per_pair_projection=3,
        num_heads=8,
        token_width=640,
        noise_width=128,
        transition_factor=3,
    ),
)


def listed_arrays(path: Path = LISTED) -> list[tuple[str, str, tuple[int, ...]]]:
    """Returns name, dtype and shape of every line of a list, by default the official one."""
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    return [
        (name, dtype, tuple(map(int, re.findall(r"\d+", shape)))) for name, dtype, shape in rows
    ]


def test_official_schema_is_the_official_list_in_its_order():
    schema = official_schema(OFFICIAL)
    assert [(name, *spec) for name, spec in schema.items()] == listed_arrays()


def test_intellifold_schema_is_what_its_own_converter_writes():
    """The list is of a file that the project's converter made of its own PyTorch module."""
    schema = official_schema(INTELLIFOLD2)
    constants = {name for name in schema if "noise_embedding:" in name}
    ours = {(name, *spec) for name, spec in schema.items() if name not in constants}
    assert ours == set(listed_arrays(LISTED.with_name("intellifold2_schema.tsv")))
    assert {leaf.rsplit(":", 1)[1] for leaf in constants} == {"frequency", "phase"}
    assert all(schema[name].shape == (256,) for name in constants)


def test_reduced_schema_cuts_stacks_only():
    def cut(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
        layers = [count for part, count in REDUCED_LAYERS.items() if part in name]
        return (layers[0], *shape[1:]) if layers else shape

    expected = [(name, dtype, cut(name, shape)) for name, dtype, shape in listed_arrays()]
    schema = official_schema(reduced(OFFICIAL))
    assert [(name, *spec) for name, spec in schema.items()] == expected


@pytest.mark.parametrize("config", [OFFICIAL, reduced(OFFICIAL), OTHER_WIDTHS])
def test_configuration_is_inferred_from_shapes(config):
    shapes = {name: spec.shape for name, spec in official_schema(config).items()}
    assert infer_config(shapes) == config


def test_inference_keeps_the_official_value_where_an_array_is_absent():
    shapes = {name: spec.shape for name, spec in official_schema(OTHER_WIDTHS).items()}
    del shapes["diffuser/evoformer/bond_embedding:weights"]
    assert infer_config(shapes) == replace(OTHER_WIDTHS, pair_width=OFFICIAL.pair_width)
