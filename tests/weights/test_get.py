"""`af3 weights get` and `convert`: from a server or a file to parameters that load."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest
from click.testing import CliRunner

from af3cli.cli import main
from af3cli.errors import OutputError, WeightsError
from af3cli.locking import only_writer
from af3cli.model.config import OFFICIAL
from af3cli.weights import (
    catalogue,
    find_weights,
    load_weights,
    synthetic_parameters,
    write_records,
)
from af3cli.weights.families import INTELLIFOLD2
from af3cli.weights.get import convert_file, get_weights
from af3cli.weights.infer import infer_config, nearest_config
from af3cli.weights.official_file import read_official
from af3cli.weights.provenance import known_digest, native_metadata, with_provenance
from af3cli.weights.safetensors_file import write_safetensors
from af3cli.weights.schema import DIFFUSION, IDENTIFIER, PAIRFORMER, official_schema


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def entry(tmp_path, tiny_config, monkeypatch):
    """A small model of the catalogue, its file on a server on this machine."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    write_records(shelf / "tiny.bin.zst", synthetic_parameters(tiny_config).items())
    handler = partial(Quiet, directory=str(shelf))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        entry = replace(
            catalogue.SYNTHETIC,
            urls=(f"http://127.0.0.1:{server.server_port}/tiny.bin.zst",),
            sha256=None,
            needs_consent=True,
            terms_url="https://example.org/terms",
        )
        monkeypatch.setitem(catalogue.CATALOGUE, "synthetic", entry)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.delenv("AF3_WEIGHTS", raising=False)
        yield entry
        server.shutdown()
        thread.join()


def run(*arguments: object, **options):
    return CliRunner().invoke(main, ["weights", *map(str, arguments)], **options)


def test_terms_are_shown_and_must_be_accepted(entry, monkeypatch):
    result = run("get", "synthetic")
    assert result.exit_code == 3
    for part in (entry.licence, entry.terms_url, "--accept-terms"):
        assert part in result.output
    with pytest.raises(WeightsError, match="not on this machine"):
        find_weights("synthetic")

    result = run("get", "synthetic", "--accept-terms")
    assert result.exit_code == 0, result.output
    found = find_weights("synthetic")
    assert str(found) in result.output
    assert load_weights().path == found
    assert {file.name for file in found.parent.iterdir()} == {"tiny.bin.zst", ".synthetic.lock"}


def test_interactive_consent(entry, monkeypatch):
    monkeypatch.setattr("af3cli.cli.weights._is_interactive", lambda: True)
    refused = run("get", "synthetic", input="n\n")
    assert refused.exit_code == 3 and "are not accepted" in refused.output
    stopped = run("get", "synthetic", input="")
    assert stopped.exit_code == 130 and "Stopped." in stopped.output
    with pytest.raises(WeightsError):
        find_weights("synthetic")
    assert run("get", "synthetic", input="y\n").exit_code == 0
    assert find_weights("synthetic")


def test_a_file_that_is_there_already(entry, tmp_path):
    copy = tmp_path / "shelf" / "renamed.zst"
    (tmp_path / "shelf" / "tiny.bin.zst").rename(copy)
    folder = tmp_path / "elsewhere"
    result = run("get", "synthetic", "--accept-terms", "--from", copy, "--weights-dir", folder)
    assert result.exit_code == 0, result.output
    assert load_weights("synthetic", folder).path == folder / "tiny.bin.zst"
    assert get_weights(entry, folder) == [folder / "tiny.bin.zst"]


def test_one_process_at_a_time_gets_a_model(entry, tmp_path):
    with only_writer(tmp_path / "synthetic"):
        result = run("get", "synthetic", "--accept-terms", "--weights-dir", tmp_path)
    assert result.exit_code == 4
    assert f"is being written by process {os.getpid()} on" in result.output
    assert get_weights(entry, tmp_path) == [tmp_path / "tiny.bin.zst"]


def test_a_file_that_was_there_all_the_time(entry, tmp_path):
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    folder = tmp_path / "elsewhere"
    with pytest.raises(KeyboardInterrupt):
        get_weights(entry, folder, progress=stop)
    assert (folder / ".synthetic" / "tiny.bin.zst.part").exists()
    get_weights(entry, folder, tmp_path / "shelf")
    assert {file.name for file in folder.iterdir()} == {"tiny.bin.zst", ".synthetic.lock"}


def test_a_folder_that_cannot_be_written(entry, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        get_weights(entry, tmp_path / "file" / "folder")


def test_the_second_file_of_a_model_is_taken_from_beside_the_first(entry, tmp_path):
    shelf, folder = tmp_path / "shelf", tmp_path / "elsewhere"
    two = replace(entry, urls=(*entry.urls, "https://example.org/tiny_fourier.npz"))
    renamed = (shelf / "tiny.bin.zst").rename(shelf / "mine.zst")
    with pytest.raises(OutputError, match=r"tiny_fourier\.npz cannot be copied .*No such file"):
        get_weights(two, folder, renamed)
    (shelf / "tiny_fourier.npz").write_bytes(b"more")
    first, second = get_weights(two, folder, renamed)
    assert (first.name, second.read_bytes()) == ("tiny.bin.zst", b"more")


def test_a_file_of_a_model_that_is_there_is_not_brought_again(entry, tmp_path):
    shelf, folder = tmp_path / "shelf", tmp_path / "elsewhere"
    host = entry.urls[0].removesuffix("tiny.bin.zst")
    two = replace(entry, urls=(*entry.urls, f"{host}tiny_fourier.npz"))
    folder.mkdir()
    (shelf / "tiny.bin.zst").rename(folder / "tiny.bin.zst")
    with pytest.raises(OutputError, match=r"tiny_fourier\.npz: the server answers 404"):
        get_weights(two, folder)
    (shelf / "tiny_fourier.npz").write_bytes(b"more")
    assert get_weights(two, folder) == [folder / "tiny.bin.zst", folder / "tiny_fourier.npz"]
    assert len(list(folder.iterdir())) == 3  # and the lock's file


def test_a_broken_file_that_is_there_is_named(entry, tmp_path):
    shelf, folder = tmp_path / "shelf", tmp_path / "elsewhere"
    host = entry.urls[0].removesuffix("tiny.bin.zst")
    two = replace(entry, urls=(*entry.urls, f"{host}tiny_fourier.npz"))
    (shelf / "tiny_fourier.npz").write_bytes(b"more")
    folder.mkdir()
    broken = folder / "tiny.bin.zst"
    broken.write_bytes(b"broken")
    with pytest.raises(OutputError) as caught:
        get_weights(two, folder)
    told = str(caught.value)
    assert f"Remove {broken}, and give the command again" in told
    assert f"{folder}/.synthetic" not in told and broken.read_bytes() == b"broken"
    broken.unlink()
    assert get_weights(two, folder) == [broken, folder / "tiny_fourier.npz"]


@pytest.mark.parametrize("name", ["synthetic.safetensors", "tiny.0.bin", "tiny.bin"])
def test_a_model_that_is_there_in_another_form_is_not_brought(entry, tmp_path, name):
    (tmp_path / "shelf" / "tiny.bin.zst").unlink()
    (tmp_path / name).touch()
    assert get_weights(entry, tmp_path) == [tmp_path / name]


def test_the_second_file_may_have_its_other_name(entry, tmp_path):
    two = replace(entry, urls=(*entry.urls, "https://example.org/tiny_fourier.npz"))
    for name in ("tiny.0.bin.zst", "intfold_fourier.npz"):
        (tmp_path / name).touch()
    assert get_weights(two, tmp_path) == [
        tmp_path / name for name in ("tiny.0.bin.zst", "intfold_fourier.npz")
    ]


def test_a_broken_split_file_does_not_stop_it(entry, tmp_path):
    for part in (0, 2):
        (tmp_path / f"tiny.{part}.bin").touch()
    assert get_weights(entry, tmp_path) == [tmp_path / "tiny.bin.zst"]


def test_something_else_is_not_kept(entry, tmp_path):
    wrong = tmp_path / "login.html"
    wrong.write_text("<html>please log in before you download</html>")
    result = run("get", "synthetic", "--accept-terms", "--from", wrong)
    assert result.exit_code == 4
    assert "What came is not synthetic" in result.output
    with pytest.raises(WeightsError):
        find_weights("synthetic")


def test_a_file_that_cannot_be_got_has_the_code_of_all_downloads(entry, tmp_path):
    (tmp_path / "shelf" / "tiny.bin.zst").unlink()
    result = run("get", "synthetic", "--accept-terms")
    assert result.exit_code == 4 and "404" in result.output


def test_unknown_and_made_models():
    assert "not a known model (openfold3, protenix-base" in run("get", "openfold").output
    assert "use --weights synthetic-reduced" in run("get", "synthetic-reduced").output


def test_ones_own_copy_is_asked_for_by_its_name(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("AF3_WEIGHTS", raising=False)
    with pytest.raises(WeightsError, match=r"pass your copy of af3\.bin\.zst with --weights"):
        find_weights("alphafold3")


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
