"""The device that computes: its memory, how programs are compiled for it, how attention runs."""

from __future__ import annotations

import logging
import os
from functools import cache

import jax
import jax.numpy as jnp

from af3cli.errors import DeviceError
from af3cli.inference.precision import Precision
from af3cli.model.attention import is_fused, why_not_fused, why_not_tiled

# The share of a GPU's memory that XLA takes; by itself it leaves a quarter unused.
_MEMORY_SHARE = "0.95"
_SHARE_VARIABLES = ("XLA_CLIENT_MEM_FRACTION", "XLA_PYTHON_CLIENT_MEM_FRACTION")

# Trying Triton's matrix products takes minutes of compilation, and cuBLAS's are as fast: a pass of
# 1,024 tokens took 1.24 s on an H200, and 1.23 with Triton's.
_GPU_OPTIONS = {"xla_gpu_enable_triton_gemm": False}


class _PluginErrors(logging.Filter):
    """Keeps why JAX cannot use a plugin for some kind of device, in place of a traceback."""

    def __init__(self) -> None:
        super().__init__()
        self.reasons: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets through what is not about an exception."""
        if not record.exc_info:
            return True
        self.reasons.append(_first_line(record.exc_info[1]))
        return False


_plugin_errors = _PluginErrors()  # JAX looks for plugins once in a process


def claim_memory() -> None:
    """Has JAX take nearly all of a GPU's memory, unless the user has chosen a share.

    It is to be called before JAX looks for devices.
    """
    if not any(variable in os.environ for variable in _SHARE_VARIABLES):
        os.environ[_SHARE_VARIABLES[0]] = _MEMORY_SHARE


def check_device() -> int:
    """Has the first device compute something; returns how many there are.

    Raises:
        DeviceError: JAX finds none, or the first does not compute.
    """
    logging.getLogger("jax._src.xla_bridge").addFilter(_plugin_errors)
    try:
        devices = jax.local_devices()
        jax.block_until_ready(jnp.ones((8, 8)) @ jnp.ones((8, 8)))
    except (RuntimeError, AssertionError) as error:  # the latter where a plugin is missing
        reasons = "; ".join(_plugin_errors.reasons) or _first_line(error)
        told = f" ({reasons})" if reasons else ""
        raise DeviceError(
            f"JAX has no device that computes{told}. JAX_PLATFORMS says which it may use: "
            f"{os.environ.get('JAX_PLATFORMS') or 'any'}; with JAX_PLATFORMS=cpu it computes on "
            "the processor"
        ) from error
    return len(devices)


@cache
def compiler_options() -> dict[str, bool]:
    """Returns what programs are compiled with here, of what this release of XLA knows."""
    if jax.default_backend() != "gpu":
        return {}
    return {name: value for name, value in _GPU_OPTIONS.items() if _is_known(name, value)}


def _is_known(option: str, value: bool) -> bool:
    try:
        jax.jit(lambda: 0, compiler_options={option: value}).lower().compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True


def made_on(precision: Precision) -> str:
    """Returns what a record of results says of the device, such as "NVIDIA H200, tiled attention".

    Values in bfloat16 differ between devices by its rounding.
    """
    kind = "plain"
    if is_fused(jnp.dtype(precision)):
        kind = "fused" if why_not_tiled() else "tiled"
    return f"{jax.local_devices()[0].device_kind}, {kind} attention"


def why_slow(precision: Precision) -> str | None:
    """Returns what this device, or attention on it, goes without, and why; None if nothing."""
    if jax.default_backend() == "cpu" and _plugin_errors.reasons:
        reasons = "; ".join(_plugin_errors.reasons)
        return (
            f"computing on the processor, for JAX cannot use the GPU ({reasons}). "
            "A container sees GPUs with --gpus all; JAX_PLATFORMS=cpu says that none is meant"
        )
    if jax.default_backend() != "gpu" or precision != Precision.BFLOAT16:
        return None
    if reason := why_not_fused():
        return f"without cuDNN's attention, which is faster and takes less memory: {reason}"
    if reason := why_not_tiled():
        return f"without the kernel for tiled attention, which is faster than cuDNN's: {reason}"
    return None


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
