"""Attention by JAX's own implementation, and by kernels, against attention written out."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from af3cli.inference import device
from af3cli.inference.device import made_on, why_slow
from af3cli.inference.precision import Precision
from af3cli.model import attention, tiled_attention
from af3cli.model.attention import (
    attend,
    attend_fused,
    attend_plain,
    why_not_fused,
    why_not_tiled,
)
from af3cli.model.layers import MASKED
from af3cli.model.tiled_attention import attend_tiled, fits_tiles

is_on_cpu = pytest.mark.skipif(jax.default_backend() != "cpu", reason="of a processor")
is_on_gpu = pytest.mark.skipif(jax.default_backend() != "gpu", reason="of a GPU's kernel")

# Rows that share their bias, the heads, their width, and the tokens.
SHAPES = [((7,), 4, 32, 7), ((5,), 2, 16, 20), ((), 16, 24, 13), ((3, 2), 4, 32, 24)]
TILED_SHAPES = [((2,), 4, 32, 128), ((), 2, 16, 64), ((2, 1), 1, 64, 192)]


def inputs(batch: tuple[int, ...], heads: int, width: int, tokens: int) -> list[np.ndarray]:
    """Query, key and value in float32, and a bias that leaves the last two keys out."""
    random = np.random.default_rng(len(batch))
    arrays = [random.normal(size=(*batch, tokens, heads, width)) for _ in range(3)]
    bias = random.normal(size=(heads, tokens, tokens))
    bias[..., -2:] = MASKED
    return [array.astype(np.float32) for array in (*arrays, bias)]


@pytest.fixture
def chosen_anew():
    """Which kernel is used is found out again, before and after."""
    why_not_fused.cache_clear(), why_not_tiled.cache_clear()
    yield
    why_not_fused.cache_clear(), why_not_tiled.cache_clear()


@pytest.mark.parametrize("shape", SHAPES)
def test_arguments_mean_the_same_to_jax(shape):
    arrays = inputs(*shape)
    with jax.default_matmul_precision("highest"):
        expected = attend_plain(*arrays)
        found = attend_fused(*arrays, implementation="xla")
    assert expected.shape == found.shape == (*shape[0], shape[3], shape[1] * shape[2])
    np.testing.assert_allclose(found, expected, atol=2e-6)


@pytest.mark.parametrize("shape", TILED_SHAPES)
def test_tiles_make_up_the_whole(shape):
    """The kernel as any device interprets it; keys of a whole tile are left out in one case."""
    *arrays, bias = inputs(*shape)
    bias[0, :, :64] = MASKED
    with jax.default_matmul_precision("highest"):
        expected = attend_plain(*arrays, bias)
        found = attend_tiled(*map(jnp.asarray, arrays), bias, interpret=True)
    assert expected.shape == found.shape
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_sizes_that_are_no_whole_tiles_are_not_for_the_kernel():
    assert fits_tiles(1024, 32) and fits_tiles(64, 16)
    assert not any(map(fits_tiles, (1023, 96, 76, 128), (32, 32, 32, 24)))


@is_on_gpu
@pytest.mark.parametrize("shape", SHAPES + TILED_SHAPES)
def test_the_kernels_compute_attention(shape):
    assert why_not_fused() is None and why_not_tiled() is None
    arrays = inputs(*shape)
    expected = np.asarray(attend_plain(*arrays))
    found = jax.jit(attend)(*(jnp.asarray(array, jnp.bfloat16) for array in arrays[:3]), arrays[3])
    assert np.linalg.norm(found - expected) < 1e-2 * np.linalg.norm(expected)


@is_on_cpu
def test_a_processor_has_no_kernel(chosen_anew):
    assert why_not_fused() == why_not_tiled() == "there is no GPU"
    assert why_slow(Precision.BFLOAT16) is None
    assert made_on(Precision.BFLOAT16) == "cpu, plain attention"


def on_a_gpu(monkeypatch: pytest.MonkeyPatch, **options: float | str) -> None:
    """Has the kernel be JAX's own implementation, called with these options."""

    def kernel(query, key, value, *, bias, implementation):
        assert implementation == "cudnn" and query.dtype == bias.dtype == jnp.bfloat16
        return dot_product(query, key, value, bias=bias, **options)

    dot_product = jax.nn.dot_product_attention
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(jax.nn, "dot_product_attention", kernel)


def test_a_kernel_that_works_is_used_in_bfloat16_only(monkeypatch):
    used = []
    monkeypatch.setattr(attention, "attend_fused", lambda *of: used.append(of) or of[0])
    *arrays, bias = inputs(*SHAPES[0])
    monkeypatch.setattr(attention, "why_not_fused", lambda: None)
    attend(*arrays, bias)
    assert not used
    attend(*(array.astype(jnp.bfloat16) for array in arrays), bias)
    assert used


@pytest.mark.parametrize(("num_tokens", "is_tiled"), [(128, True), (127, False)])
def test_whole_tiles_are_for_our_kernel(num_tokens, is_tiled, monkeypatch):
    used = []
    for module, name in ((tiled_attention, "attend_tiled"), (attention, "attend_fused")):
        monkeypatch.setattr(module, name, lambda *of, name=name: used.append(name))
    monkeypatch.setattr(attention, "why_not_fused", lambda: None)
    monkeypatch.setattr(attention, "why_not_tiled", lambda: None)
    *arrays, bias = inputs((1,), 2, 16, num_tokens)
    attend(*(array.astype(jnp.bfloat16) for array in arrays), bias)
    assert used == ["attend_tiled" if is_tiled else "attend_fused"]


def test_a_kernel_is_tried_while_a_program_is_traced(chosen_anew, monkeypatch):
    on_a_gpu(monkeypatch)
    jax.jit(lambda x: x if why_not_fused() is None else -x)(jnp.ones(3))
    assert why_not_fused() is None
    monkeypatch.setattr(device, "why_not_tiled", lambda: "it does not compile")
    assert made_on(Precision.BFLOAT16).endswith(", fused attention")
    assert why_slow(Precision.BFLOAT16).endswith(" faster than cuDNN's: it does not compile")
    monkeypatch.setattr(device, "why_not_tiled", lambda: None)
    assert made_on(Precision.BFLOAT16).endswith(", tiled attention")
    assert why_slow(Precision.BFLOAT16) is None
    assert made_on(Precision.FLOAT32).endswith(", plain attention")


def test_a_kernel_that_is_wrong_is_not_used(chosen_anew, monkeypatch):
    on_a_gpu(monkeypatch, scale=0.1)
    assert "cuDNN" in why_slow(Precision.BFLOAT16)
    assert ": its result is wrong by " in why_slow(Precision.BFLOAT16)


@is_on_cpu
def test_a_kernel_that_fails_is_not_used(chosen_anew, monkeypatch):
    on_a_gpu(monkeypatch, implementation="cudnn")
    assert why_slow(Precision.BFLOAT16).endswith(": cuDNN is not detected.")
    assert why_slow(Precision.FLOAT32) is None
