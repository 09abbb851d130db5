"""How much memory a device has, and what fits into it."""

from __future__ import annotations

import os

import jax

# Of the device's memory, samples get this part; the rest is for parameters and representations.
_SAMPLES_SHARE = 0.2
_ATTENTION_HEADS, _FLOATS_PER_ATOM = 16, 20_000


def device_bytes() -> int:
    """Returns the memory that programs on the first device can use, in bytes."""
    statistics = jax.local_devices()[0].memory_stats() or {}
    if "bytes_limit" in statistics:
        return int(statistics["bytes_limit"])
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def sample_bytes(num_tokens: int, num_atoms: int) -> int:
    """Returns about how much one sample needs while it is denoised, in bytes.

    Logits and weights of one layer's token attention, and windowed atom activations.
    """
    return 4 * (2 * _ATTENTION_HEADS * num_tokens**2 + _FLOATS_PER_ATOM * num_atoms)


def samples_at_once(num_tokens: int, num_atoms: int) -> int:
    """Returns how many samples of a job fit into the device's memory together, at least one."""
    share = _SAMPLES_SHARE * device_bytes()
    return max(1, int(share // sample_bytes(num_tokens, num_atoms)))
