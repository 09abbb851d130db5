"""Whose tensors they are: neighbours of the known families and hostile sets are refused by name."""

from __future__ import annotations

import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from af3cli.errors import WeightsError
from af3cli.model.config import depths, with_depths
from af3cli.weights.catalogue import OPENFOLD3_OPENBIND
from af3cli.weights.families import PROTENIX_BASE, PROTENIX_TINY
from af3cli.weights.provenance import known_digest, with_provenance
from af3cli.weights.recognise import convert_tensors, nearest_in_depth
from af3cli.weights.report import summary_lines
from af3cli.weights.schema import official_schema
from tests.weights.family_tensors import (
    REDUCED_OPENFOLD3,
    REDUCED_PROTENIX,
    converted,
    tensors_of,
)


@pytest.fixture(scope="module")
def protenix():
    return tensors_of("protenix_reduced_schema.tsv")


@pytest.fixture(scope="module")
def openfold3():
    return tensors_of("openfold3_reduced_schema.tsv")


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("constraint_embedder.pocket.weight", (1,), "Protenix with constraints"),
        (
            "diffusion_module.diffusion_transformer.blocks.3.attention_pair_bias.layer_norm_z.weight",
            (128,),
            "a preview of OpenFold3; use of3-ob",
        ),
        ("structure_module.score_model.x", (1,), "Boltz"),
        ("backbone_trunk.input_embedder.x", (1,), "IntelliFold as PyTorch saves it"),
        ("something.else", (1,), "unknown model"),
    ],
)
def test_neighbours_are_named(name, shape, message):
    with pytest.raises(WeightsError, match=message):
        convert_tensors(Path("other.pt"), {name: np.zeros(shape, np.float32)})


def test_other_protenix_versions_are_named(protenix):
    tensors = {name: array for name, array in protenix.items() if "template" not in name}
    with pytest.raises(WeightsError, match="template"):
        converted(tensors, REDUCED_PROTENIX)
    wide = protenix | {
        "relative_position_encoding.linear_no_bias.weight": np.zeros((256, 139), np.float32)
    }
    with pytest.raises(WeightsError, match="Protenix v2"):
        convert_tensors(Path("v2.pt"), wide)


def test_openfold3_of_another_version_is_refused(openfold3):
    tensors = openfold3 | {"version_tensor": np.array([1, 0, 0], np.float32)}
    with pytest.raises(WeightsError, match=r"of version \[1\.0, 0\.0, 0\.0\], which is not"):
        convert_tensors(Path("old.pt"), tensors)


@pytest.mark.parametrize("prefix", ["module.model.", "_orig_mod.", "module._orig_mod.model."])
def test_prefixes_of_wrappers_are_dropped(openfold3, prefix):
    wrapped = {prefix + name: tensor for name, tensor in openfold3.items()}
    family, config, arrays = convert_tensors(Path("wrapped"), wrapped)
    assert (family, config) == ("openfold3", REDUCED_OPENFOLD3)
    assert set(arrays) == set(official_schema(REDUCED_OPENFOLD3))


def small(depth: int, tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns a Protenix without templates, with `depth` pairformer blocks and few of others."""
    left_out = re.compile(
        r"template_embedder\.pairformer_stack|pairformer_stack\.blocks\.1\."
        r"|diffusion_module\.atom_attention_.*\.blocks\.[12]\."
    )
    blocks = {
        name.replace(".0.", f".{number}.", 1): array
        for name, array in tensors.items()
        if name.startswith("pairformer_stack.blocks.0.")
        for number in range(depth)
    }
    return {name: array for name, array in tensors.items() if not left_out.match(name)} | blocks


def test_the_layer_of_a_language_model_is_unused_in_tiny_and_refused_elsewhere(protenix):
    layer = {"input_embedder.linear_esm.weight": np.ones((449, 2560), np.float32)}
    tiny = small(8, protenix)
    _, config, arrays = convert_tensors(Path("tiny.pt"), tiny | layer)
    assert config == with_depths(PROTENIX_TINY, msa=2, confidence=1, diffusion=4)
    expected = convert_tensors(Path("tiny.pt"), tiny)[2]
    assert set(arrays) == set(expected)
    assert all(np.array_equal(arrays[name], expected[name]) for name in expected)
    with pytest.raises(WeightsError, match="embeddings of a language model"):
        convert_tensors(Path("mini_esm.pt"), small(16, protenix) | layer)


PROTENIX = "confidence_head.linear_no_bias_s1.weight"
OPENFOLD3 = "aux_heads.pairformer_embedding.linear_i.weight"
BIAS = "diffusion_module.diffusion_transformer.blocks.{}.attention_pair_bias."


def test_blocks_of_any_number_are_unexpected():
    names = [f"pairformer_stack.blocks.{block}.x" for block in (*range(64), "9" * 5000)]
    tensors = dict.fromkeys([PROTENIX, *names], np.zeros(1, np.float32))
    with pytest.raises(WeightsError, match=r"unexpected arrays \(65\)"):
        convert_tensors(Path("deep.pt"), tensors)


@pytest.mark.parametrize(
    "left_out",
    [
        "pairformer_stack.blocks.",
        "pairformer_stack.blocks.1.",
        "msa_module.blocks.",
        "template_embedder.template_pair_stack.blocks.",
        "aux_heads.pairformer_embedding.pairformer_stack.blocks.",
        "diffusion_module.diffusion_transformer.blocks.",
        "diffusion_module.diffusion_transformer.blocks.7.",
    ],
)
def test_blocks_that_are_not_there_are_named(openfold3, left_out):
    tensors = {name: tensor for name, tensor in openfold3.items() if not name.startswith(left_out)}
    first = re.escape(left_out if left_out[-2].isdigit() else f"{left_out}0.")
    with pytest.raises(WeightsError, match=rf"missing arrays \(\d+\):\n    {first}"):
        converted(tensors, REDUCED_OPENFOLD3)


def test_other_depths_than_those_of_known_models_are_told(openfold3):
    family, config, arrays = convert_tensors(Path("reduced.pt"), openfold3)
    assert config == REDUCED_OPENFOLD3
    weights = with_provenance(family, None, config, arrays, known_digest("00"))
    assert not weights.is_of_known_depths
    (told,) = (line for line in summary_lines(weights) if "is the file whole?" in line)
    assert told.startswith("blocks: 2 pairformer, 2 MSA, 1 template, 1 confidence, 8 diffusion;")
    known = with_provenance(family, None, OPENFOLD3_OPENBIND.config, {}, known_digest("00"))
    assert known.is_of_known_depths


@pytest.mark.parametrize("stack", ["pairformer_stack.", "msa_module.", "diffusion_module."])
def test_a_stack_without_blocks_is_missing(openfold3, stack):
    tensors = {
        name: tensor
        for name, tensor in openfold3.items()
        if not (name.startswith(stack) and ".blocks." in name)
    }
    with pytest.raises(WeightsError, match=rf"missing arrays \(\d+\):\n    {stack}.*blocks\.0"):
        convert_tensors(Path("cut.pt"), tensors)


def test_of_a_stack_that_is_not_there_the_others_tell_the_depths():
    """Without its pairformer, base is nearer to tiny by the number of blocks alone."""
    found = depths(PROTENIX_BASE) | {"pairformer": 0}
    assert nearest_in_depth([PROTENIX_TINY, PROTENIX_BASE], found) is PROTENIX_BASE


@pytest.mark.parametrize(
    ("marker", "shapes"),
    [
        (
            PROTENIX,
            {"linear_no_bias_zinit1.weight": (128, 1), "linear_no_bias_sinit.weight": (1, 10**6)},
        ),
        (
            PROTENIX,
            {f"{BIAS}linear_nobias_z.weight".format(block): (10**5, 1) for block in range(8)}
            | {f"{BIAS}layernorm_z.weight".format(block): (10**3,) for block in range(8)},
        ),
        (
            OPENFOLD3,
            {
                "input_embedder.atom_attn_enc.ref_atom_feature_embedder."
                "linear_ref_element.weight": (10**6, 1)
            },
        ),
    ],
)
def test_shapes_are_checked_before_they_are_multiplied(marker, shapes):
    tensors = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    tracemalloc.start()
    with pytest.raises(WeightsError, match=r"it is \[\d+, \d+\], not"):
        convert_tensors(Path("wide.pt"), {marker: np.zeros(1, np.float32)} | tensors)
    assert tracemalloc.get_traced_memory()[1] < 2**26
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("marker", "name"),
    [
        (PROTENIX, "relative_position_encoding.linear_no_bias.weight"),
        (OPENFOLD3, "input_embedder.linear_s.weight"),
    ],
)
def test_a_single_number_is_another_shape(marker, name):
    tensors = {marker: np.zeros(1, np.float32), name: np.zeros((), np.float32)}
    with pytest.raises(WeightsError, match=rf"{re.escape(name)}: "):
        convert_tensors(Path("zero.pt"), tensors)
