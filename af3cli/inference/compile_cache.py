"""Compiled programs are kept between runs, so that a bucket compiles once per machine, not per run."""

from __future__ import annotations

import os
import platform
import zlib
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Returns the folder for everything that can be made again: `AF3_CACHE`, or the user's cache."""
    return Path(os.environ.get("AF3_CACHE") or platformdirs.user_cache_path("af3cli"))


def keep_compiled_programs(folder: Path | None = None) -> Path | None:
    """Switches JAX's persistent compilation cache on and returns its folder.

    Returns None, and leaves the cache off, where the folder cannot be written. A folder that the
    user chose with `JAX_COMPILATION_CACHE_DIR` is left as it is.
    """
    import jax

    if jax.config.jax_compilation_cache_dir:
        return Path(jax.config.jax_compilation_cache_dir)
    folder = (folder or cache_folder()) / "compiled" / _processor()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    if not os.access(folder, os.W_OK):
        return None
    jax.config.update("jax_compilation_cache_dir", str(folder))
    return folder


def _processor() -> str:
    """Names the processor's instruction set: JAX's own key does not tell two x86-64 nodes apart."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return f"{platform.machine()}-{zlib.crc32(flags.encode()):08x}"
