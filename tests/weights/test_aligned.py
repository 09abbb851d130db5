"""Aligned arrays hold what they should, and JAX does not copy them."""

from __future__ import annotations

import jax
import ml_dtypes
import numpy as np
import pytest

from af3cli.weights.aligned import aligned, aligned_empty

is_on_cpu = pytest.mark.skipif(jax.default_backend() != "cpu", reason="of a processor's memory")


@is_on_cpu
@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16])
def test_jax_uses_an_aligned_array_where_it_lies(dtype):
    for size in (3, 1000, 12345):
        array = aligned_empty((size, 5), dtype)
        array[...] = 1
        assert jax.device_put(array).unsafe_buffer_pointer() == array.ctypes.data


def test_an_aligned_array_is_left_as_it_is():
    array = aligned_empty((7, 3), np.float32)
    assert aligned(array, np.float32) is array


def filled(array: np.ndarray) -> np.ndarray:
    array[...] = np.arange(array.size).reshape(array.shape)
    return array


@pytest.mark.parametrize(
    "array",
    [
        filled(aligned_empty((16, 16), np.float32)).T,
        filled(aligned_empty((16, 16), np.float32)).reshape(-1)[1:],
        filled(aligned_empty((16, 16), ml_dtypes.bfloat16)),
        np.array(2.5, np.float32),
    ],
    ids=["transposed", "unaligned", "bfloat16", "scalar"],
)
def test_what_lies_otherwise_is_copied_with_its_values(array):
    copy = aligned(array, np.float32)
    assert copy.ctypes.data % 64 == 0 and copy.flags.c_contiguous and copy.dtype == np.float32
    np.testing.assert_array_equal(copy, array.astype(np.float32))
