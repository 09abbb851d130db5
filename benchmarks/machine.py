"""What the machine can do, and how much of its memory was used."""

from __future__ import annotations

import resource
import time

import jax
import jax.numpy as jnp


def matrix_rate(precision: str) -> float:
    """Returns operations per second of one large matrix product: the best of a few."""
    size = 2048 if jax.default_backend() == "cpu" else 8192
    matrix = jax.random.normal(jax.random.key(0), (size, size), jnp.dtype(precision))
    product = jax.jit(jnp.matmul)
    seconds = []
    for _ in range(6):
        start = time.perf_counter()
        product(matrix, matrix).block_until_ready()
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds)


def peak_bytes() -> int:
    """Returns the most memory that was in use: the device's, or this process's."""
    statistics = jax.local_devices()[0].memory_stats() or {}
    peak_of_process = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return statistics.get("peak_bytes_in_use", peak_of_process)
