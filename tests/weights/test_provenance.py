"""Converted parameters, and those of several files: values, names and provenance stay."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from af3cli.cli import main
from af3cli.errors import WeightsError
from af3cli.model.config import OFFICIAL
from af3cli.weights import (
    catalogue,
    load_weights,
    synthetic_parameters,
    write_records,
)
from af3cli.weights.families import INTELLIFOLD2
from af3cli.weights.get import convert_file
from af3cli.weights.infer import infer_config, nearest_config
from af3cli.weights.official_file import read_official
from af3cli.weights.provenance import known_digest, native_metadata, with_provenance
from af3cli.weights.safetensors_file import write_safetensors
from af3cli.weights.schema import DIFFUSION, IDENTIFIER, PAIRFORMER, official_schema


def run(*arguments: object):
    return CliRunner().invoke(main, ["weights", *map(str, arguments)])


def test_a_converted_file_has_a_name_by_which_it_is_read(tmp_path):
    result = run("convert", "synthetic-reduced", tmp_path / "out.pt")
    assert result.exit_code == 2 and "must end in .safetensors" in result.output
    assert not list(tmp_path.iterdir())


def test_converted_file_keeps_values_and_provenance(tmp_path, tiny_config):
    source, out = tmp_path / "tiny.bin", tmp_path / "tiny.safetensors"
    write_records(source, synthetic_parameters(tiny_config).items())
    result = run("convert", source, out)
    assert result.exit_code == 0, result.output
    before, after = load_weights(source), load_weights(out)
    assert after.sha256 == before.sha256 and after.sha256 in result.output
    assert (after.config, after.is_meaningless) == (before.config, True)
    assert {a.dtype for a in after.arrays.values()} == {a.dtype for a in before.arrays.values()}
    for name, array in before.arrays.items():
        np.testing.assert_array_equal(after.arrays[name], array)
    convert_file(out, tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == out.read_bytes()


def small(config):
    """Returns `config` with few channels, and what tells its family apart."""
    return replace(
        config,
        single_width=16,
        atom_width=8,
        atom_pair_width=4,
        diffusion=replace(config.diffusion, num_heads=2, token_width=16, noise_width=8),
        pairformer=replace(config.pairformer, num_blocks=1, single_heads=2),
        confidence=replace(config.confidence, num_blocks=1),
    )


@pytest.fixture
def small_tiny(monkeypatch):
    """The configuration of `protenix-tiny`, made small in the catalogue."""
    entry = catalogue.CATALOGUE["protenix-tiny"]
    config = small(entry.config)
    monkeypatch.setitem(catalogue.CATALOGUE, entry.name, replace(entry, config=config))
    return config


def test_a_checkpoint_without_a_name_stays_without_when_it_is_converted(tmp_path, small_tiny):
    config = small_tiny
    unnamed = with_provenance(
        "protenix",
        tmp_path / "finetuned.pt",
        config,
        synthetic_parameters(config),
        known_digest("00"),
    )
    assert (unnamed.name, unnamed.checkpoint) == ("protenix (unnamed)", "")
    path = tmp_path / "protenix-tiny.safetensors"
    write_safetensors(path, unnamed.arrays, native_metadata(unnamed))
    loaded = load_weights(path)
    assert loaded.config == config  # with its own recycles and steps, not those of base
    assert (loaded.name, loaded.checkpoint, loaded.training_cutoff) == (unnamed.name, "", None)
    assert loaded.licence.startswith("unknown")
    assert loaded.sha256 == "00"
    shown = run("info", path, "--no-arrays").output
    assert "licence  unknown" in shown and "get NAME --from FILE" in shown


def test_results_of_the_official_parameters_have_terms_of_their_own():
    official = with_provenance("alphafold3", None, OFFICIAL, {}, known_digest("00"))
    assert official.terms_url.endswith("/WEIGHTS_TERMS_OF_USE.md")
    assert official.output_terms_url.endswith("/OUTPUT_TERMS_OF_USE.md")
    synthetic = with_provenance("synthetic", None, OFFICIAL, {}, known_digest("00"))
    assert synthetic.output_terms_url is None


def test_native_file_tells_its_family_and_a_damaged_one_what_it_lacks(tmp_path, small_tiny):
    config = small_tiny
    arrays = synthetic_parameters(config)
    weights = with_provenance("protenix", None, config, arrays, known_digest("00"))
    weights = replace(weights, name="protenix-tiny")
    path = tmp_path / "x.safetensors"
    write_safetensors(path, arrays, native_metadata(weights))
    loaded = load_weights(path)
    assert loaded.config == config
    assert (loaded.name, loaded.training_cutoff) == ("protenix-tiny", "2021-09-30")
    assert not loaded.is_meaningless

    del arrays["diffuser/distogram_head/half_logits:bias"]
    write_safetensors(path, arrays, native_metadata(weights))
    with pytest.raises(WeightsError, match=r"missing arrays \(1\):\n +diffuser/distogram_head"):
        load_weights(path)
    write_safetensors(path, arrays, native_metadata(weights) | {"family": "boltz"})
    with pytest.raises(WeightsError, match="unknown family 'boltz'"):
        load_weights(path)
    without_blocks = {
        name: array[:0] if name.startswith(PAIRFORMER) else array for name, array in arrays.items()
    }
    write_safetensors(path, without_blocks, native_metadata(weights))
    with pytest.raises(WeightsError, match=r"another shape .*\s+.*trunk_pair.* is \[0, .*\[1,"):
        load_weights(path)


NOISE = [f"{DIFFUSION}/noise_embedding:{leaf}" for leaf in ("frequency", "phase")]


@pytest.fixture
def small_intellifold(monkeypatch):
    """IntelliFold's configuration, made small in the catalogue, and its arrays."""
    config = small(INTELLIFOLD2)
    stack = replace(config.pairformer, triangle_head_width=1, triangle_multiplication_width=2)
    config = replace(config, pairformer=stack, msa=replace(config.msa, width=8, num_blocks=1))
    arrays = synthetic_parameters(config)
    arrays[IDENTIFIER] = np.zeros(64, np.uint8)
    entry = replace(catalogue.INTELLIFOLD, config=config)
    monkeypatch.setitem(catalogue.CATALOGUE, entry.name, entry)
    return config, arrays


@pytest.mark.parametrize(
    "names",
    [("intellifold_v2.0.bin", "intellifold_v2.1.bin"), ("a.bin.0", "a.bin.1"), ("renamed",)],
)
def test_both_files_of_intellifold_make_its_identity(tmp_path, small_intellifold, names):
    _, arrays = small_intellifold
    frequency, phase = (arrays.pop(name) for name in NOISE)
    folder = tmp_path / "model"
    folder.mkdir()
    write_records(tmp_path / "whole.bin", arrays.items())
    content = (tmp_path / "whole.bin").read_bytes()
    for part, name in enumerate(names):
        start, stop = (len(content) * edge // len(names) for edge in (part, part + 1))
        (folder / name).write_bytes(content[start:stop])
    digests = set()
    for factor in (1, 1000):
        sidecar = folder / f"{names[0].split('.')[0]}_fourier.npz"
        np.savez(sidecar, weight=frequency * factor, bias=phase)
        weights = load_weights(folder / names[0])
        np.testing.assert_array_equal(weights.arrays[NOISE[0]], frequency * factor)
        assert weights.name == "intellifold2"
        assert weights.sha256 == hashlib.sha256(content + sidecar.read_bytes()).hexdigest()
        digests.add(weights.sha256)
    assert len(digests) == 2


def test_intellifold_needs_the_file_of_its_noise_embedding(tmp_path, small_intellifold):
    config, arrays = small_intellifold
    constants = [arrays.pop(name) for name in NOISE]
    path = tmp_path / "intellifold_v2.bin"
    write_records(path, arrays.items())
    with pytest.raises(WeightsError, match=r"intellifold_v2_fourier\.npz is missing"):
        read_official(path)
    sidecar = tmp_path / "intellifold_v2_fourier.npz"
    np.savez(sidecar, weight=constants[0], bias=constants[1])
    read, found = read_official(path)
    assert found == config
    assert set(read) == set(official_schema(config))
    np.testing.assert_array_equal(read[NOISE[1]], constants[1])

    encrypted = bytearray(sidecar.read_bytes())
    encrypted[encrypted.index(b"PK\x01\x02") + 8] |= 1
    objects, compressed, huge = (tmp_path / f"{name}.npz" for name in ("o", "c", "h"))
    np.savez(objects, weight=np.array([{}], object), bias=constants[1])
    np.savez_compressed(compressed, weight=constants[0], bias=constants[1])
    with zipfile.ZipFile(huge, "w") as archive:
        archive.writestr("weight.npy", claiming(2**42))
    damaged = bytearray(compressed.read_bytes())
    damaged[60:90] = b"\xff" * 30
    for content in (
        b"not an archive",
        objects.read_bytes(),
        bytes(damaged),
        huge.read_bytes(),
        bytes(encrypted),
    ):
        sidecar.write_bytes(content)
        with pytest.raises(WeightsError, match="not a readable noise embedding"):
            read_official(path)


def claiming(num_values: int) -> bytes:
    """Returns the header of an array in numpy's form, without its values."""
    out = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": (num_values,)}
    np.lib.format.write_array_header_1_0(out, header)
    return out.getvalue()


def test_catalogue_configurations_are_told_by_their_shapes():
    for entry in catalogue.CATALOGUE.values():
        shapes = {name: spec.shape for name, spec in official_schema(entry.config).items()}
        assert nearest_config(shapes, catalogue.configs_of(entry.family)) == entry.config
        if entry.config.template.stack.num_blocks:
            assert infer_config(shapes, entry.config) == entry.config
