"""Finding, checking and loading parameters, and what is told when that fails."""

from __future__ import annotations

import errno
import hashlib
import re

import numpy as np
import pytest

from af3cli.errors import WeightsError
from af3cli.model.config import OFFICIAL, reduced
from af3cli.weights import (
    find_weights,
    load_weights,
    official_schema,
    synthetic_parameters,
    write_records,
)
from af3cli.weights.official_file import read_official
from af3cli.weights.schema import (
    ATOM_CONDITIONING,
    DIFFUSION,
    IDENTIFIER,
    MSA_STACK,
    PAIRFORMER,
    is_of_trunk,
)
from af3cli.weights.synthetic import SYNTHETIC_IDENTIFIER


@pytest.fixture(autouse=True)
def no_parameters_here(monkeypatch, tmp_path):
    """An empty cache, and no AF3_WEIGHTS."""
    monkeypatch.delenv("AF3_WEIGHTS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def tiny_arrays(tiny_config):
    return synthetic_parameters(tiny_config)


@pytest.fixture
def tiny_file(tmp_path, tiny_arrays):
    path = tmp_path / "tiny.bin"
    write_records(path, tiny_arrays.items())
    return path


def test_file_of_any_widths_loads_with_its_own_configuration(tiny_file, tiny_config, tiny_arrays):
    weights = load_weights(tiny_file)
    assert weights.config == tiny_config
    assert weights.is_meaningless and weights.family == "synthetic"
    assert weights.path == tiny_file
    assert weights.sha256 == hashlib.sha256(tiny_file.read_bytes()).hexdigest()
    assert set(weights.arrays) == set(official_schema(tiny_config))
    for name, array in tiny_arrays.items():
        np.testing.assert_array_equal(weights.arrays[name], array)


@pytest.mark.parametrize("suffix", ["bin", "bin.zst"])
def test_arrays_that_are_not_needed_are_checked_and_passed_over(tmp_path, tiny_arrays, suffix):
    path = tmp_path / f"tiny.{suffix}"
    names = sorted(tiny_arrays, key=is_of_trunk, reverse=True)
    whole = {name: tiny_arrays[name] for name in names}
    write_records(path, whole.items())
    loaded = load_weights(path, needed=is_of_trunk).arrays
    assert list(loaded) == names
    for name, array in loaded.items():
        is_read = is_of_trunk(name) or name == IDENTIFIER
        expected = whole[name] if is_read else np.zeros_like(whole[name])
        np.testing.assert_array_equal(array, expected, strict=True)

    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(WeightsError, match=r"cut short"):
        load_weights(path, needed=is_of_trunk)
    last = names[-1]
    write_records(path, (whole | {last: whole[last][1:]}).items())
    with pytest.raises(WeightsError, match=rf"another shape \(1\):\s+{re.escape(last)}"):
        load_weights(path, needed=is_of_trunk)


def test_digest_is_of_the_compressed_file(tmp_path, tiny_arrays):
    path = tmp_path / "tiny.bin.zst"
    write_records(path, tiny_arrays.items())
    assert load_weights(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_synthetic_names_are_made_without_a_file():
    weights = load_weights("synthetic-reduced")
    assert weights.config == reduced(OFFICIAL)
    assert weights.is_meaningless and weights.path is None
    assert weights.sha256.startswith("b969b2bb7713b823")


def test_unknown_widths_and_depths_are_refused_unless_synthetic(tmp_path):
    arrays = synthetic_parameters(reduced(OFFICIAL))
    arrays["__meta__:__identifier__"] = np.zeros(64, np.uint8)
    write_records(tmp_path / "af3.bin", arrays.items())
    with pytest.raises(WeightsError, match=r"blocks: 2 pairformer, 1 MSA, .* 8 diffusion"):
        load_weights(tmp_path / "af3.bin")


def test_all_problems_are_told_at_once(tmp_path, tiny_arrays):
    arrays = dict(tiny_arrays)
    names = list(arrays)
    missing, misshapen, converted = names[10], names[20], names[-30]
    del arrays[missing]
    arrays[misshapen] = arrays[misshapen].reshape(-1)
    arrays[converted] = arrays[converted].astype(np.float16)
    arrays["diffuser/surprise:weights"] = np.zeros(3, np.float32)
    path = tmp_path / "wrong.bin"
    write_records(path, arrays.items())
    with pytest.raises(WeightsError) as caught:
        read_official(path)
    message = str(caught.value)
    assert f"missing arrays (1):\n    {missing}" in message
    assert re.search(rf"another shape \(1\):\n    {re.escape(misshapen)} is", message)
    assert f"{converted} is float16, not" in message
    assert "unexpected arrays (1):\n    diffuser/surprise:weights" in message


def test_of_a_file_that_is_cut_short_no_shape_is_doubted(tmp_path, tiny_file, tiny_arrays):
    """Depths and widths that are told by an array behind the cut are not known."""
    half = tmp_path / "half.bin"
    half.write_bytes(tiny_file.read_bytes()[: tiny_file.stat().st_size // 2])
    with pytest.raises(WeightsError) as caught:
        load_weights(half)
    last = re.search(r"cut short: it ends after (\S+) in", str(caught.value))[1]
    num_missing = len(tiny_arrays) - list(tiny_arrays).index(last) - 1
    assert f"missing arrays ({num_missing}):" in str(caught.value)
    assert "another shape" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "axis"),
    [
        (f"{MSA_STACK}/msa_attention1/pair_logits:weights", 2),
        (f"{MSA_STACK}/msa_attention1/pair_logits:weights", 0),
        (f"{PAIRFORMER}/pair_attention1/q_projection:weights", 0),
        (f"{PAIRFORMER}/single_pair_logits_projection:weights", 2),
        (f"{ATOM_CONDITIONING}_atom_transformer_encoder/pair_logits_projection:weights", 2),
        (
            f"{DIFFUSION}/transformer/__layer_stack_with_per_layer/"
            "__layer_stack_with_per_layer/transformerq_projection:weights",
            1,
        ),
    ],
)
def test_an_axis_without_values_is_another_shape(tmp_path, tiny_arrays, name, axis):
    path = tmp_path / "empty.bin"
    empty = np.take(tiny_arrays[name], [], axis)
    write_records(path, (tiny_arrays | {name: empty}).items())
    with pytest.raises(WeightsError, match="arrays of another shape"):
        load_weights(path)


def test_repeated_array_is_refused(tmp_path, tiny_arrays):
    path = tmp_path / "twice.bin"
    write_records(path, [*tiny_arrays.items(), next(iter(tiny_arrays.items()))])
    with pytest.raises(WeightsError, match="twice"):
        read_official(path)


def test_synthetic_identifier_is_text():
    assert SYNTHETIC_IDENTIFIER.tobytes().decode("ascii").startswith("syntheticparams-")


def test_nothing_found_says_what_to_do():
    with pytest.raises(WeightsError) as caught:
        load_weights()
    message = str(caught.value)
    for part in ("non-commercial", "WEIGHTS_TERMS_OF_USE", "--weights synthetic"):
        assert part in message
    with pytest.raises(WeightsError, match="alphafold3 are not on this machine"):
        load_weights("alphafold3")
    with pytest.raises(WeightsError, match=r"\(0\.4 GB, Apache-2\.0\)") as caught:
        load_weights("protenix-tiny")
    assert "    af3 weights get protenix-tiny\n" in str(caught.value)
    assert "openfold3" not in str(caught.value)
    with pytest.raises(WeightsError, match="Did you mean synthetic"):
        load_weights("syntetic")


def test_places_are_searched_in_order(tmp_path, monkeypatch):
    folders = [tmp_path / name for name in ("given", "environment", "cache/af3cli/weights")]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "af3.0.bin.zst").touch()
    monkeypatch.setenv("AF3_WEIGHTS", str(folders[1]))
    assert find_weights("alphafold3", folders[0]) == folders[0] / "af3.0.bin.zst"
    assert find_weights("alphafold3") == folders[1] / "af3.0.bin.zst"
    assert find_weights() == folders[1] / "af3.0.bin.zst"
    monkeypatch.delenv("AF3_WEIGHTS")
    assert find_weights("alphafold3") == folders[2] / "af3.0.bin.zst"
    assert find_weights() == folders[2] / "af3.0.bin.zst"


def test_a_file_that_is_called_as_another_model_is_refused(tmp_path, tiny_file):
    misnamed = tiny_file.rename(tmp_path / "af3.bin.zst")
    assert load_weights(misnamed).name == "synthetic"
    with pytest.raises(WeightsError, match=r"af3\.bin\.zst holds synthetic, not alphafold3"):
        load_weights("alphafold3", tmp_path)


def test_folder_of_one_model_in_any_form(tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    with pytest.raises(WeightsError, match="holds no parameters"):
        find_weights(folder)
    with pytest.raises(WeightsError, match="No model parameters are on this machine"):
        find_weights(None, folder)
    (folder / "mine.pt").touch()
    assert find_weights(folder) == find_weights(None, folder) == folder / "mine.pt"
    published = folder / "of3-ob-2025-06-30-174k.pt"
    published.touch()
    with pytest.raises(WeightsError, match=r"several models.*of3-ob.*mine\.pt"):
        find_weights(folder)
    (folder / "mine.pt").unlink()
    assert find_weights("openfold3", folder) == find_weights(folder) == published
    converted = folder / "openfold3.safetensors"
    converted.touch()
    assert find_weights("openfold3", folder) == find_weights(folder) == converted
    (folder / "af3.bin").touch()
    with pytest.raises(WeightsError, match=r"several models.*openfold3\.safetensors.*af3\.bin"):
        find_weights(folder)


@pytest.mark.parametrize("name", ["x.pt", "x.pth", "x.ckpt", "x.safetensors", "x.bin.zst"])
def test_the_only_file_of_a_folder_is_found_in_any_form(tmp_path, name):
    (tmp_path / name).touch()
    assert find_weights(tmp_path) == find_weights(None, tmp_path) == tmp_path / name


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("af3.bin", "mine.safetensors"),
        ("mine.bin", "other.pt"),
        ("mine.0.bin.zst", "other.bin"),
        ("openfold3.safetensors", "mine.bin.zst.0"),
    ],
)
def test_several_models_of_any_form_are_an_error(tmp_path, first, second):
    (tmp_path / first).touch()
    (tmp_path / "notes.bin.txt").touch()
    assert find_weights(tmp_path) == tmp_path / first
    (tmp_path / second).touch()
    for place in ((tmp_path,), (None, tmp_path)):
        with pytest.raises(WeightsError, match="several models") as caught:
            find_weights(*place)
        assert all(str(tmp_path / name) in str(caught.value) for name in (first, second))


def test_environment_may_name_a_file_but_not_an_absent_one(tiny_file, monkeypatch):
    monkeypatch.setenv("AF3_WEIGHTS", str(tiny_file))
    assert find_weights() == tiny_file
    monkeypatch.setenv("AF3_WEIGHTS", str(tiny_file) + "x")
    with pytest.raises(WeightsError, match=r"x, which .*AF3_WEIGHTS gives, does not exist"):
        find_weights()


TOO_LONG = "a" * 300


def test_what_cannot_be_read_is_told(tmp_path, monkeypatch):
    with pytest.raises(WeightsError, match=f"{TOO_LONG}.bin cannot be read: File name too long"):
        find_weights(tmp_path / f"{TOO_LONG}.bin")
    with pytest.raises(WeightsError, match=f"{TOO_LONG} cannot be read"):
        find_weights(None, tmp_path / TOO_LONG)
    unreadable = tmp_path / "x.bin"
    unreadable.symlink_to("/proc/self/mem")
    with pytest.raises(WeightsError, match=r"x\.bin cannot be read: Input/output error"):
        load_weights(unreadable)

    def refuse(folder):
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    monkeypatch.setattr("pathlib.Path.iterdir", refuse)
    for ask in (find_weights, load_weights):
        with pytest.raises(WeightsError, match=f"{tmp_path} cannot be read: Permission denied"):
            ask(tmp_path)
