"""The device that computes: how much of its memory is asked for, and how attention runs there."""

from __future__ import annotations

import os

import jax
import jax.numpy as jnp

from af3cli.inference.precision import Precision
from af3cli.model.attention import is_fused, why_not_fused

# The share of a GPU's memory that XLA takes; by itself it leaves a quarter unused.
_MEMORY_SHARE = "0.95"
_SHARE_VARIABLES = ("XLA_CLIENT_MEM_FRACTION", "XLA_PYTHON_CLIENT_MEM_FRACTION")


def claim_memory() -> None:
    """Has JAX take nearly all of a GPU's memory, unless the user has chosen a share.

    It is to be called before JAX looks for devices.
    """
    if not any(variable in os.environ for variable in _SHARE_VARIABLES):
        os.environ[_SHARE_VARIABLES[0]] = _MEMORY_SHARE


def made_on(precision: Precision) -> str:
    """Returns what a record of results says of the device, such as "NVIDIA H200, fused attention".

    Values in bfloat16 differ between devices by its rounding.
    """
    attention = "fused attention" if is_fused(jnp.dtype(precision)) else "plain attention"
    return f"{jax.local_devices()[0].device_kind}, {attention}"


def why_slow(precision: Precision) -> str | None:
    """Returns why attention on this GPU is slower than it could be, or None if it is not."""
    if jax.default_backend() == "gpu" and precision == Precision.BFLOAT16:
        return why_not_fused()
    return None
