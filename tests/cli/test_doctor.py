"""`af3 doctor` tells what is there, and what to do where something is missing."""

from __future__ import annotations

import os
import subprocess
import sys

import jax
import pytest

from af3cli.runs import doctor
from tests.cli.commands import EXAMPLES


@pytest.fixture(autouse=True)
def _no_databases(monkeypatch):
    monkeypatch.delenv("AF3_DATABASES", raising=False)


def test_without_parameters_it_says_how_to_get_some(af3):
    run = af3("doctor")
    assert run.exit_code == 1
    assert f"jax {jax.__version__}" in run.output
    assert jax.local_devices()[0].device_kind in run.output
    assert "biotite" in run.output and "af3 weights get openfold3" in run.output
    assert "name a folder or a file of their paths in AF3_DATABASES" in run.output


def test_a_package_that_is_missing(af3, monkeypatch):
    monkeypatch.setattr(doctor, "_PACKAGES", ("jax", "no-such-package"))
    run = af3("doctor")
    assert run.exit_code == 1 and "no-such-package is missing\n" in run.output
    assert "-> install the program anew" in run.output and "device" not in run.output


def test_with_parameters_nothing_is_missing(af3, tmp_path):
    (tmp_path / "af3.bin.zst").touch()
    run = af3("doctor", "--weights-dir", tmp_path)
    assert run.exit_code == 0
    assert f"parameters  without --weights: {tmp_path / 'af3.bin.zst'}\n" in run.output


def parameters(monkeypatch, place, cache):
    """Returns what is told of parameters with `AF3_WEIGHTS` and a cache."""
    monkeypatch.setenv("AF3_WEIGHTS", str(place))
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    return next(f for f in doctor.examine() if f.subject == "parameters")


def test_parameters_are_those_that_a_run_finds(tmp_path, monkeypatch):
    place, cached = tmp_path / "place", tmp_path / "cache" / "af3cli" / "weights"
    place.mkdir()
    cached.mkdir(parents=True)
    (cached / "af3.bin.zst").touch()
    official = f"alphafold3: {cached / 'af3.bin.zst'}"

    finding = parameters(monkeypatch, place / "none", tmp_path / "cache")
    assert finding.text == f"without --weights: none; {official}" and not finding.is_lacking
    assert "AF3_WEIGHTS gives, does not exist" in finding.advice

    (place / "intellifold_v2.bin.zst").touch()
    finding = parameters(monkeypatch, place, tmp_path / "cache")
    assert finding.text == f"without --weights: none; {official}"
    assert "intellifold_v2_fourier.npz is missing" in finding.advice

    for part in (0, 2):
        (place / f"af3.{part}.bin").touch()
    (place / "openfold3.safetensors").touch()
    finding = parameters(monkeypatch, place, tmp_path / "cache")
    openfold = f"openfold3: {place / 'openfold3.safetensors'}"
    assert finding.text == f"without --weights: none; {openfold}; {official}"
    assert "part 1 of this split file is missing" in finding.advice


def test_a_cache_that_cannot_be_read_does_not_hide_other_parameters(tmp_path, monkeypatch):
    path = tmp_path / "mine.bin"
    path.touch()
    finding = parameters(monkeypatch, path, tmp_path / ("a" * 300))
    assert finding.text == f"without --weights: {path}" and not finding.is_lacking
    assert "cannot be read: File name too long" in finding.advice


def test_databases_that_are_named_and_not_there(af3, tmp_path, monkeypatch):
    (tmp_path / "af3.bin.zst").touch()
    monkeypatch.setenv("AF3_DATABASES", str(tmp_path / "gone.toml"))
    run = af3("doctor", "--weights-dir", tmp_path)
    assert run.exit_code == 0 and "gone.toml: does not exist" in run.output


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("/proc/nope", "compiled    compiled programs are not kept"),
        ("gs://bucket/x", "compiled    gs://bucket/x\n"),
    ],
)
def test_a_place_for_programs_that_is_no_usable_folder(af3, tmp_path, place, told):
    (tmp_path / "af3.bin.zst").touch()
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", place)
    try:
        run = af3("doctor", "--weights-dir", tmp_path)
    finally:
        jax.config.update("jax_compilation_cache_dir", before)
    assert run.exit_code == 0 and told in run.output, run.output


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="JAX uses the GPU here")
def test_a_gpu_that_is_not_used(af3, tmp_path, monkeypatch):
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    assert "there is a GPU" not in af3("doctor").output
    driver = tmp_path / "nvidia0"
    driver.touch()
    monkeypatch.setattr(doctor, "_GPU_FILES", (str(driver),))
    assert "-> there is a GPU that JAX does not use: install '.[cuda13]'" in af3("doctor").output


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="JAX uses the GPU here")
@pytest.mark.parametrize(
    ("sets", "jax_version", "ending"),
    [
        ({"avx2", "amx_bf16"}, (0, 12, 0), "\n"),
        ({"avx2", "amx_bf16"}, (0, 10, 2), " with JAX 0.12, which needs Python 3.12\n"),
        ({"avx2"}, (0, 12, 0), None),
    ],
)
def test_a_processor_that_is_made_for_bfloat16(af3, monkeypatch, sets, jax_version, ending):
    monkeypatch.setattr(doctor, "_GPU_FILES", ())
    monkeypatch.setattr(doctor, "instruction_sets", lambda: sets)
    monkeypatch.setattr(jax, "__version_info__", jax_version)
    told = "(AMX): --precision bfloat16 takes half to two thirds of the time"
    output = af3("doctor").output
    assert told not in output if ending is None else told + ending in output


@pytest.mark.parametrize(
    ("command", "exit_code"),
    [
        (["doctor"], 1),
        (["embed", EXAMPLES / "ion.json", "--weights", "synthetic-reduced", "--out", "e.h5"], 6),
    ],
)
def test_no_device_is_a_message(tmp_path, command, exit_code):
    run = subprocess.run(
        [sys.executable, "-m", "af3cli", *map(str, command)],
        env=os.environ | {"JAX_PLATFORMS": "cuda", "CUDA_VISIBLE_DEVICES": ""},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == exit_code, run.stderr
    told = run.stdout + run.stderr
    assert "JAX has no device that computes" in told and "Traceback" not in told
    assert not list(tmp_path.glob("e.h5"))


def test_a_gpu_that_cannot_be_used_is_told_without_a_traceback(tmp_path):
    """As where a container was not given the GPUs that its image is made for."""
    plugin = tmp_path / "jax_plugins" / "xla_cuda12"
    plugin.mkdir(parents=True)
    (plugin / "__init__.py").write_text(
        "def initialize():\n    raise RuntimeError('operation cuInit(0) failed\\nand more')\n"
    )
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = ["embed", EXAMPLES / "ion.json", "--weights", "synthetic-reduced", "--out", "e.h5"]
    for arguments in (["doctor"], [*command, "--recycles", 0, "--buckets", "exact"]):
        run = subprocess.run(
            [sys.executable, "-m", "af3cli", *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": path, "JAX_PLATFORMS": ""},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        told = run.stdout + run.stderr
        assert "JAX cannot use the GPU (operation cuInit(0) failed)" in told, told
        assert "--gpus all" in told and "Traceback" not in told
