"""Memory that JAX, on a processor, uses where it lies: what is placed there is not copied again."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

ALIGNMENT = 64  # bytes; XLA's buffers on a CPU begin at multiples of it


def aligned_empty(shape: Sequence[int], dtype: DTypeLike) -> np.ndarray:
    """Returns an aligned array of undefined values."""
    dtype = np.dtype(dtype)
    num_bytes = math.prod(shape) * dtype.itemsize
    memory = np.empty(num_bytes + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + num_bytes].view(dtype).reshape(shape)


def aligned(array: np.ndarray, dtype: DTypeLike) -> np.ndarray:
    """Returns `array` in `dtype`, aligned: itself if it is so, else a copy."""
    is_there = array.ctypes.data % ALIGNMENT == 0 and array.flags.c_contiguous
    if is_there and array.dtype == dtype:
        return array
    copy = aligned_empty(array.shape, dtype)
    copy[...] = array
    return copy
