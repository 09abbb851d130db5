"""Conversions against the tables that were proven on the families' own programs.

The tables say in words how every official array comes from a family's tensors; here the words are
followed literally, for tensors of the real shapes at reduced depth. Their network has 31 residue
types (without unknown RNA) and arrays that only other families have are not in them.
"""

from __future__ import annotations

import re
from math import prod

import ml_dtypes
import numpy as np
import pytest

from af3cli.errors import WeightsError
from af3cli.weights.schema import official_schema
from af3cli.weights.torch_blocks import CLASSES
from tests.weights.family_tensors import (
    DATA,
    REDUCED_OPENFOLD3,
    REDUCED_PROTENIX,
    converted,
    tensors_of,
)

OFFICIAL_CLASSES = [*range(21), 31, 21, 22, 23, 24, 26, 27, 28, 29]  # 0 to 29
TARGET = [384 + c for c in OFFICIAL_CLASSES] + [416 + c for c in OFFICIAL_CLASSES]
TARGET += [448, *range(384)]


@pytest.fixture(scope="module")
def openfold3():
    tensors = tensors_of("openfold3_reduced_schema.tsv")
    return tensors, converted(tensors, REDUCED_OPENFOLD3)


@pytest.fixture(scope="module")
def protenix():
    tensors = tensors_of("protenix_reduced_schema.tsv")
    return tensors, converted(tensors, REDUCED_PROTENIX)


def rows(file: str) -> list[list[str]]:
    return [line.split("\t") for line in (DATA / file).read_text().splitlines()[1:]]


def blocks_of(name: str, tensors: dict[str, np.ndarray]) -> int:
    """Returns how many blocks the stack of the tensor `name` (block written `*`) has."""
    stack = re.escape(name.split("*")[0])
    numbers = [int(m[1]) for other in tensors if (m := re.match(stack + r"(\d+)\.", other))]
    return max(numbers) + 1


def said(text: str, blocks: list[np.ndarray], second: list[np.ndarray] | None) -> np.ndarray:
    """Returns the array of one block or of none that the words of a table's row describe."""
    one = blocks[0]
    if "interleave" in text:
        result = np.empty((one.shape[1], 2 * one.shape[0]), np.float32)
        result[:, 0::2], result[:, 1::2] = one.T, second[0].T
        return result
    if "concat" in text:
        return np.concatenate([one.T, second[0].T], axis=1)
    if "no transpose" in text.lower() or "AF3 stores it" in text:
        return one
    transpose = text.startswith("T;") or text == "T" or re.search(r"\btranspose\b", text)
    return one.T if transpose else one


def assert_row(target: str, text: str, names: list[str], tensors, arrays) -> None:
    """Asserts that one array, made of the tensors `names` (block `*`), is as the words say."""
    array = arrays[target]
    if "*" not in names[0]:
        expected = said(text, [tensors[names[0]]], [tensors[names[-1]]])
        np.testing.assert_array_equal(array, expected.reshape(array.shape), target)
        return
    count = blocks_of(names[0], tensors)
    layers = array.reshape(count, *array.shape[2:]) if "transformer/__" in target else array
    if "/diffusion_head/transformer/" not in target:
        layers = array
    assert len(layers) == count
    for block in range(count):
        found = [name.replace("*", str(block)) for name in names]
        if found[0] not in tensors:
            assert block == count - 1 and "msa_stack" in target
            assert not layers[block].any()
            continue
        expected = said(text, [tensors[found[0]]], [tensors[found[-1]]])
        np.testing.assert_array_equal(layers[block], expected.reshape(layers[block].shape), target)


SPECIAL = re.compile(
    r"dead|unused|rows|row Z|permute|zero slot|axis 1|transpose \(0,2,1,3\)|fold|split|ones|"
    r"none|new parameter|constant|\(1, 0, 2\)|transpose \(1, 2, 0\)"
)


def test_openfold3_rows_of_the_table(openfold3):
    tensors, (family, arrays) = openfold3
    assert family == "openfold3"
    checked = 0
    for target, _, text, sources in rows("openfold3_mapping.tsv"):
        if SPECIAL.search(text):
            continue
        names = [name.replace("blocks.b.", "blocks.*.") for name in sources.split(" , ")]
        assert_row(target, text, names, tensors, arrays)
        checked += 1
    assert checked == 377


def test_protenix_rows_of_the_table(protenix):
    tensors, (family, arrays) = protenix
    assert family == "protenix"
    sources: dict[str, tuple[str, list[str]]] = {}
    for source, _, target, _, text in rows("protenix_mapping.tsv"):
        if not SPECIAL.search(text):
            sources.setdefault(target, (text, []))[1].append(source)
    for target, (text, names) in sources.items():
        assert_row(target, text, names, tensors, arrays)
    assert len(sources) == 360


def test_openfold3_special_rows(openfold3):
    tensors, (_, arrays) = openfold3
    config = REDUCED_OPENFOLD3
    trunk = "diffuser/evoformer"
    keep = [*range(30), *range(32, 62), *range(64, 449)]
    msa = tensors["msa_module_embedder.linear_m.weight"].T
    ours = arrays[f"{trunk}/msa_activations:weights"]
    np.testing.assert_array_equal(ours[:30], msa[OFFICIAL_CLASSES])
    np.testing.assert_array_equal(ours[[30, 31, 33, 34]], msa[[30, 25, 32, 33]])
    assert not ours[32].any()

    template = "template_embedder.template_pair_embedder"
    for index, source in ((2, "aatype_linear_2"), (3, "aatype_linear_1")):
        name = (
            f"{trunk}/template_embedding/single_template_embedding/template_pair_embedding_{index}"
        )
        expected = tensors[f"{template}.{source}.weight"].T[CLASSES]
        np.testing.assert_array_equal(arrays[f"{name}:weights"], expected)

    condition = tensors["diffusion_module.diffusion_conditioning.linear_s.weight"].T
    ours = arrays["diffuser/~/diffusion_head/single_cond_initial_projection:weights"]
    np.testing.assert_array_equal(ours[:384], condition[:384])
    np.testing.assert_array_equal(ours[384:][keep], condition[384:][TARGET])
    scale = tensors["diffusion_module.diffusion_conditioning.layer_norm_s.weight"]
    ours = arrays["diffuser/~/diffusion_head/single_cond_initial_norm:scale"]
    np.testing.assert_array_equal(ours[384:][keep], scale[384:][TARGET])

    embedder = "input_embedder.atom_attn_enc.ref_atom_feature_embedder"
    element = tensors[f"{embedder}.linear_ref_element.weight"]
    ours = arrays["diffuser/evoformer_conditioning_embed_ref_element:weights"]
    np.testing.assert_array_equal(ours[6], element[:, 5])
    assert not ours[0].any() and not ours[120:].any()

    plddt = tensors["aux_heads.plddt.linear.weight"]
    ours = arrays["diffuser/confidence_head/plddt_logits:weights"]
    np.testing.assert_array_equal(ours[:, 3, 7], plddt[3 * 50 + 7])
    assert not ours[:, 23].any()

    logits = arrays[
        "diffuser/~/diffusion_head/transformer/__layer_stack_with_per_layer/pair_logits_projection"
        ":weights"
    ]
    name = "diffusion_module.diffusion_transformer.blocks.6.attention_pair_bias.linear_z.weight"
    np.testing.assert_array_equal(logits[1, :, 2], tensors[name].T)
    logits = arrays[
        "diffuser/~/diffusion_head/diffusion_atom_transformer_decoder/pair_logits_projection:weights"
    ]
    attention = "diffusion_module.atom_attn_dec.atom_transformer.blocks.2.attention_pair_bias"
    np.testing.assert_array_equal(logits[:, 2], tensors[f"{attention}.linear_z.weight"].T)

    frequency = arrays["diffuser/~/diffusion_head/noise_embedding:frequency"]
    fourier = tensors["diffusion_module.diffusion_conditioning.fourier_emb.w"]
    np.testing.assert_array_equal(frequency, fourier)
    assert set(arrays) == set(official_schema(config))


def assert_target_rows(tensors, arrays, sources: dict[str, str]) -> None:
    """Asserts that layers on target features are `sources` with their inputs in our order."""
    ours = [*range(30), *range(32, 62), *range(64, 449)]
    for target, source in sources.items():
        array = arrays[f"diffuser/{target}:weights"]
        theirs = tensors[f"{source}.weight"].T
        np.testing.assert_array_equal(array[ours], theirs[TARGET], target)
        np.testing.assert_array_equal(array[[30, 31]], theirs[[384 + 30, 384 + 25]])
        np.testing.assert_array_equal(array[[62, 63]], theirs[[416 + 30, 416 + 25]])


def test_openfold3_layers_on_target_features(openfold3):
    tensors, (_, arrays) = openfold3
    embedding = "aux_heads.pairformer_embedding"
    sources = {
        "evoformer/single_activations": "input_embedder.linear_s",
        "evoformer/left_single": "input_embedder.linear_z_i",
        "evoformer/right_single": "input_embedder.linear_z_j",
        "evoformer/extra_msa_target_feat": "msa_module_embedder.linear_s_input",
        "confidence_head/~_embed_features/left_target_feat_project": f"{embedding}.linear_j",
        "confidence_head/~_embed_features/right_target_feat_project": f"{embedding}.linear_i",
    }
    assert_target_rows(tensors, arrays, sources)


def test_protenix_layers_on_target_features(protenix):
    tensors, (_, arrays) = protenix
    head = "confidence_head"
    sources = {
        "evoformer/single_activations": "linear_no_bias_sinit",
        "evoformer/extra_msa_target_feat": "msa_module.linear_no_bias_s",
        f"{head}/~_embed_features/left_target_feat_project": f"{head}.linear_no_bias_s1",
        f"{head}/~_embed_features/right_target_feat_project": f"{head}.linear_no_bias_s2",
    }
    assert_target_rows(tensors, arrays, sources)


def test_protenix_special_rows(protenix):
    tensors, (_, arrays) = protenix
    config = REDUCED_PROTENIX
    trunk = "diffuser/evoformer"
    msa = tensors["msa_module.linear_no_bias_m.weight"].T
    ours = arrays[f"{trunk}/msa_activations:weights"]
    np.testing.assert_array_equal(ours[:30], msa[OFFICIAL_CLASSES])
    np.testing.assert_array_equal(ours[[30, 31, 33, 34]], msa[[30, 25, 32, 33]])
    product = tensors["linear_no_bias_zinit2.weight"] @ tensors["linear_no_bias_sinit.weight"]
    right = arrays[f"{trunk}/right_single:weights"]
    np.testing.assert_allclose(right[:30], product.T[TARGET[:30]], rtol=1e-5)
    np.testing.assert_allclose(right[64:], product.T[TARGET[60:]], rtol=1e-5)

    layer = tensors["template_embedder.linear_no_bias_a.weight"].T
    embedding = f"{trunk}/template_embedding/single_template_embedding/template_pair_embedding"
    np.testing.assert_array_equal(arrays[f"{embedding}_0:weights"], layer[:39])
    np.testing.assert_array_equal(arrays[f"{embedding}_1:weights"], layer[39])
    np.testing.assert_array_equal(arrays[f"{embedding}_2:weights"], layer[40:72][CLASSES])
    np.testing.assert_array_equal(arrays[f"{embedding}_3:weights"], layer[72:104][CLASSES])
    for index in (4, 5, 6, 7):
        np.testing.assert_array_equal(arrays[f"{embedding}_{index}:weights"], layer[100 + index])

    atoms = tensors["diffusion_module.atom_attention_encoder.linear_no_bias_f.weight"].T
    embed = "diffuser/~/diffusion_head/diffusion_embed_ref"
    np.testing.assert_array_equal(arrays[f"{embed}_mask:weights"], atoms[:1])
    np.testing.assert_array_equal(arrays[f"{embed}_element:weights"][1:], atoms[1:128])
    assert not arrays[f"{embed}_element:weights"][0].any()
    np.testing.assert_array_equal(arrays[f"{embed}_atom_name:weights"], atoms[129:])

    attention = "diffusion_module.diffusion_transformer.blocks.3.attention_pair_bias"
    expected = (
        tensors[f"{attention}.linear_nobias_z.weight"] * tensors[f"{attention}.layernorm_z.weight"]
    )
    stack = "diffuser/~/diffusion_head/transformer"
    logits = arrays[f"{stack}/__layer_stack_with_per_layer/pair_logits_projection:weights"]
    np.testing.assert_array_equal(logits[0, :, 3], expected.T)
    assert (arrays[f"{stack}/pair_input_layer_norm:scale"] == 1).all()

    outer = arrays[f"{trunk}/__layer_stack_no_per_layer/msa_stack/outer_product_mean:output_w"][0]
    theirs = tensors["msa_module.blocks.0.outer_product_mean_msa.linear_out.weight"]
    np.testing.assert_array_equal(outer, theirs.reshape(-1, 32, 32).transpose(1, 2, 0))

    resolved = arrays["diffuser/confidence_head/experimentally_resolved_logits:weights"]
    theirs = tensors["confidence_head.resolved_weight"]
    np.testing.assert_array_equal(resolved, theirs.transpose(1, 0, 2))

    conditioning = "diffusion_module.diffusion_conditioning"
    for target, source in {
        "distogram_head/half_logits:bias": "distogram_head.linear.bias",
        "confidence_head/~_embed_features/single_norm:offset": (
            "confidence_head.input_strunk_ln.bias"
        ),
        "~/diffusion_head/noise_embedding:phase": f"{conditioning}.fourier_embedding.b",
    }.items():
        np.testing.assert_array_equal(arrays[f"diffuser/{target}"], tensors[source])
    for target, source in {
        "diffuser/~/diffusion_head/pair_cond_relative_encoding:weights": "relpe.linear_no_bias",
        "diffuser/~/diffusion_head/pair_cond_initial_projection:weights": "linear_no_bias_z",
    }.items():
        theirs = tensors[f"{conditioning}.{source}.weight"]
        np.testing.assert_array_equal(arrays[target], theirs.T)
    assert set(arrays) == set(official_schema(config))


def test_every_value_of_a_tensor_is_used(openfold3, protenix):
    for tensors, (_, arrays) in (openfold3, protenix):
        total = sum(prod(tensor.shape) for tensor in tensors.values())
        used = sum(np.count_nonzero(array) for array in arrays.values())
        assert used == pytest.approx(total, rel=0.01)


def test_tensors_that_are_no_finite_real_numbers_are_named(openfold3):
    tensors = dict(openfold3[0])
    block = "pairformer_stack.blocks.1.pair_stack."
    whole, nan, infinity, large = names = [
        f"{block}{module}.weight"
        for module in (
            "tri_mul_out.linear_g",
            "tri_mul_in.linear_z",
            "tri_att_end.linear_z",
            "tri_att_start.mha.linear_q",
        )
    ]
    changed = {name: np.array(tensors[name], np.float64) for name in names}
    changed[whole] = changed[whole].astype(np.int8)
    changed[nan] = changed[nan].astype(ml_dtypes.bfloat16)
    changed[nan].flat[7] = np.nan
    changed[infinity] = changed[infinity].astype(np.float16)
    changed[infinity].flat[7] = -np.inf
    changed[large].flat[7] = 1e300
    with pytest.raises(WeightsError) as caught:
        converted(tensors | changed, REDUCED_OPENFOLD3)
    message = str(caught.value)
    assert f"another dtype (1):\n    {whole} is int8" in message
    kind, *found = message.split("another dtype")[1].splitlines()[2:]
    assert kind == "  arrays with infinite values or none (NaN) (3):"
    assert {name.strip() for name in found} == {nan, infinity, large}


def test_missing_unknown_and_misshapen_tensors_are_named(protenix):
    tensors = dict(protenix[0])
    del tensors["layernorm_s.weight"]
    tensors["surprise.weight"] = np.zeros(3, np.float32)
    name = "pairformer_stack.blocks.1.tri_mul_in.linear_z.weight"
    tensors[name] = tensors[name][:, :-1]
    with pytest.raises(WeightsError) as caught:
        converted(tensors, REDUCED_PROTENIX)
    message = str(caught.value)
    assert "missing arrays (1):\n    layernorm_s.weight" in message
    assert "unexpected arrays (1):\n    surprise.weight" in message
    assert "another shape (1):\n    pairformer_stack.blocks" in message
