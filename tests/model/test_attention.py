"""Attention by JAX's own implementation and by cuDNN's kernel, against attention written out."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from af3cli.inference.device import made_on, why_slow
from af3cli.inference.precision import Precision
from af3cli.model import attention
from af3cli.model.attention import attend, attend_fused, attend_plain, why_not_fused

is_on_cpu = pytest.mark.skipif(jax.default_backend() != "cpu", reason="of a processor")
is_on_gpu = pytest.mark.skipif(jax.default_backend() != "gpu", reason="of a GPU's kernel")

# Rows that share their bias, the heads, their width, and the tokens.
SHAPES = [((7,), 4, 32, 7), ((5,), 2, 16, 20), ((), 16, 24, 13), ((3, 2), 4, 32, 24)]


def inputs(batch: tuple[int, ...], heads: int, width: int, tokens: int) -> list[np.ndarray]:
    """Query, key and value in float32, and a bias that leaves the last two keys out."""
    random = np.random.default_rng(len(batch))
    arrays = [random.normal(size=(*batch, tokens, heads, width)) for _ in range(3)]
    bias = random.normal(size=(heads, tokens, tokens))
    bias[..., -2:] = np.finfo(np.float32).min
    return [array.astype(np.float32) for array in (*arrays, bias)]


@pytest.fixture
def chosen_anew():
    """Which kernel is used is found out again, before and after."""
    why_not_fused.cache_clear()
    yield
    why_not_fused.cache_clear()


@pytest.mark.parametrize("shape", SHAPES)
def test_arguments_mean_the_same_to_jax(shape):
    arrays = inputs(*shape)
    with jax.default_matmul_precision("highest"):
        expected = attend_plain(*arrays)
        found = attend_fused(*arrays, implementation="xla")
    assert expected.shape == found.shape == (*shape[0], shape[3], shape[1] * shape[2])
    np.testing.assert_allclose(found, expected, atol=2e-6)


@is_on_gpu
@pytest.mark.parametrize("shape", SHAPES)
def test_the_kernel_computes_attention(shape):
    assert why_not_fused() is None
    arrays = inputs(*shape)
    expected = np.asarray(attend_plain(*arrays))
    found = jax.jit(attend)(*(jnp.asarray(array, jnp.bfloat16) for array in arrays[:3]), arrays[3])
    assert np.linalg.norm(found - expected) < 1e-2 * np.linalg.norm(expected)


@is_on_cpu
def test_a_processor_has_no_kernel(chosen_anew):
    assert why_not_fused() == "there is no GPU"
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


def test_a_kernel_is_tried_while_a_program_is_traced(chosen_anew, monkeypatch):
    on_a_gpu(monkeypatch)
    jax.jit(lambda x: x if why_not_fused() is None else -x)(jnp.ones(3))
    assert why_not_fused() is None
    assert made_on(Precision.BFLOAT16).endswith(", fused attention")
    assert made_on(Precision.FLOAT32).endswith(", plain attention")


def test_a_kernel_that_is_wrong_is_not_used(chosen_anew, monkeypatch):
    on_a_gpu(monkeypatch, scale=0.1)
    assert why_slow(Precision.BFLOAT16).startswith("its result is wrong by ")


@is_on_cpu
def test_a_kernel_that_fails_is_not_used(chosen_anew, monkeypatch):
    on_a_gpu(monkeypatch, implementation="cudnn")
    assert why_slow(Precision.BFLOAT16) == "cuDNN is not detected."
    assert why_slow(Precision.FLOAT32) is None
