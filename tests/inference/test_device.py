"""What the device decides: precision, and where its compiled programs are kept."""

from __future__ import annotations

import os
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from af3cli.errors import DeviceError, InputError
from af3cli.features.padding import Sizes
from af3cli.inference import compile_cache, device, memory
from af3cli.inference.compile_cache import keep_compiled_programs
from af3cli.inference.device import claim_memory, compiler_options
from af3cli.inference.precision import Precision, choose_precision
from af3cli.model.config import OFFICIAL
from af3cli.weights.families import INTELLIFOLD2, PROTENIX_BASE


@pytest.fixture
def no_cache():
    """Nothing has chosen a cache yet."""
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", None)
    yield
    jax.config.update("jax_compilation_cache_dir", before)


def test_precision_follows_the_device_unless_chosen():
    assert choose_precision("bfloat16") is Precision.BFLOAT16
    assert choose_precision("auto") is Precision.FLOAT32  # on a processor
    with pytest.raises(InputError, match="'float64' is not one of: auto, float32, bfloat16"):
        choose_precision("float64")


def test_compiled_programs_are_kept(tmp_path, no_cache):
    folder = keep_compiled_programs(tmp_path)
    assert folder.is_dir() and folder.parent.parent == tmp_path
    assert jax.config.jax_compilation_cache_dir == str(folder)


def test_the_users_own_choice_is_left(tmp_path, no_cache):
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    assert keep_compiled_programs() == tmp_path


@pytest.mark.parametrize("is_usable", [True, False])
def test_the_users_own_folder_is_made_and_must_be_usable(
    tmp_path, no_cache, monkeypatch, is_usable
):
    chosen = tmp_path / "mine"
    jax.config.update("jax_compilation_cache_dir", str(chosen))
    monkeypatch.setattr(os, "access", lambda path, mode: is_usable)
    assert keep_compiled_programs() == (chosen if is_usable else None)
    assert chosen.is_dir()
    (tmp_path / "file").touch()
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "file"))
    assert keep_compiled_programs() is None


@pytest.mark.parametrize("seconds", [None, 3.0])
def test_programs_that_compile_fast_are_kept_in_any_place(tmp_path, no_cache, monkeypatch, seconds):
    name = "jax_persistent_cache_min_compile_time_secs"
    before = jax.config.jax_persistent_cache_min_compile_time_secs
    jax.config.update(name, 3.0)
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    if seconds is None:
        monkeypatch.delenv(name.upper(), raising=False)
    else:
        monkeypatch.setenv(name.upper(), str(seconds))
    keep_compiled_programs()
    assert jax.config.jax_persistent_cache_min_compile_time_secs == (seconds or 0.1)
    jax.config.update(name, before)


def test_an_address_of_the_users_is_left_as_text(no_cache):
    jax.config.update("jax_compilation_cache_dir", "gs://bucket/folder")
    assert keep_compiled_programs() == "gs://bucket/folder"


def test_a_folder_that_cannot_be_is_done_without(tmp_path, no_cache, monkeypatch):
    (tmp_path / "file").touch()
    assert keep_compiled_programs(tmp_path / "file") is None
    monkeypatch.setattr(compile_cache, "user_cache", lambda name: None)
    assert keep_compiled_programs() is None
    assert jax.config.jax_compilation_cache_dir is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"XLA_CLIENT_MEM_FRACTION": "0.95"}),
        ({"XLA_CLIENT_MEM_FRACTION": "0.4"}, {"XLA_CLIENT_MEM_FRACTION": "0.4"}),
        # An older name; JAX refuses to have both.
        ({"XLA_PYTHON_CLIENT_MEM_FRACTION": "0.4"}, {"XLA_PYTHON_CLIENT_MEM_FRACTION": "0.4"}),
    ],
)
def test_memory_is_claimed_unless_the_user_has_chosen(monkeypatch, before, after):
    environment = dict(before)
    monkeypatch.setattr(os, "environ", environment)
    claim_memory()
    assert environment == after


@pytest.mark.parametrize(("reason", "told"), [("", "computes. "), ("no\nmore", "computes (no). ")])
def test_why_no_device_computes(monkeypatch, reason, told):
    def fail() -> None:
        raise AssertionError(reason)

    monkeypatch.setattr(device._plugin_errors, "reasons", [])
    monkeypatch.setattr(jax, "local_devices", fail)
    with pytest.raises(DeviceError) as caught:
        device.check_device()
    assert f"JAX has no device that {told}JAX_PLATFORMS" in str(caught.value)


@pytest.mark.parametrize(
    ("option", "is_known"), [("xla_gpu_enable_triton_gemm", True), ("xla_gpu_no_such", False)]
)
def test_options_that_xla_does_not_know_are_left_out(monkeypatch, option, is_known):
    monkeypatch.setattr(device, "_GPU_OPTIONS", {option: False})
    monkeypatch.setattr(jax, "default_backend", lambda: "cpu")
    assert compiler_options.__wrapped__() == {}
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert compiler_options.__wrapped__() == ({option: False} if is_known else {})


# Memory that may be used, tokens, atoms, and what was most in use on an H200 and, of 5,120 tokens,
# on an H100, in GB: for embedding, and by XLA's count for the confidences with what samples share.
MEASURED = [
    (142.0, 384, 3_008, 1.52, None),
    (142.0, 1024, 8_096, 4.66, 5.5),
    (142.0, 2048, 16_192, 12.8, None),
    (80.8, 5120, 40_512, 50.5, 69.1),
]


@pytest.mark.parametrize(("limit", "num_tokens", "num_atoms", "trunk", "heads"), MEASURED)
def test_estimates_on_a_gpu(monkeypatch, limit, num_tokens, num_atoms, trunk, heads):
    """Not below what was measured, and 1.5 times it at most."""
    monkeypatch.setattr(memory, "is_fused", lambda dtype: True)
    monkeypatch.setattr(memory, "chunk_budget", lambda: min(1 << 32, limit * 1e9 / 16))
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    of_trunk = SimpleNamespace(
        precision=Precision.BFLOAT16, parameters=np.zeros(307_000_000, np.int8), config=OFFICIAL
    )
    model = SimpleNamespace(
        trunk=of_trunk, heads=SimpleNamespace(parameters=np.zeros(840_000_000, np.int8))
    )
    sizes = Sizes(num_tokens, num_atoms, row=1_024, template=4, bond=32)
    estimate = memory.trunk_memory(of_trunk, sizes).total / 1e9
    assert trunk < estimate < 1.5 * trunk
    if heads is not None:
        need = memory.prediction_memory(model, sizes, at_once=1)
        assert heads < need.representations / 1e9 < 1.5 * heads
        assert need.total < limit * 1e9


def test_estimates_of_wider_pairs_and_deeper_alignments():
    def need(config, num_rows):
        model = SimpleNamespace(precision=Precision.FLOAT32, parameters=[], config=config)
        sizes = Sizes(512, 4_096, num_rows, template=1, bond=32)
        return memory.trunk_memory(model, sizes).representations

    assert need(OFFICIAL, 1_024) == need(OFFICIAL, 16_384)
    assert need(PROTENIX_BASE, 1_024) == need(OFFICIAL, 1_024)
    read = 16_384 * PROTENIX_BASE.msa.width * 512 * np.float32().nbytes
    assert need(PROTENIX_BASE, 16_384) - need(PROTENIX_BASE, 1_024) > read
    wider = INTELLIFOLD2.pair_width / OFFICIAL.pair_width
    assert need(INTELLIFOLD2, 1) > wider * need(OFFICIAL, 1) - wider * 512 * 600_000
