"""Compiled programs are kept between runs: a bucket compiles once per machine, not once per run."""

from __future__ import annotations

import os
import platform
import zlib
from pathlib import Path

from af3cli.user_cache import user_cache

# Seconds that a program takes to compile; one run compiles a dozen that JAX would not keep.
_WORTH_KEEPING = 0.1
_SECONDS_VARIABLE = "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"

NOT_KEPT = "compiled programs are not kept, so each run compiles anew"
HOW_TO_KEEP = "name a folder that you can write to in JAX_COMPILATION_CACHE_DIR"


def keep_compiled_programs(cache: Path | None = None) -> Path | str | None:
    """Switches JAX's persistent compilation cache on and returns where it is.

    Programs are kept in `compiled` in `cache`, by default the user's cache. JAX's setting is left
    as it is where the user made one with `JAX_COMPILATION_CACHE_DIR`; an address there, such as
    `gs://bucket/folder`, is returned as text. Returns None where there is no such folder or it
    cannot be read and written; the cache is then off by default. Programs that JAX would compile
    anew each time are kept as well, unless `JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS` is set.
    """
    import jax

    if _SECONDS_VARIABLE not in os.environ:
        jax.config.update(_SECONDS_VARIABLE.lower(), _WORTH_KEEPING)
    if chosen := jax.config.jax_compilation_cache_dir:
        return chosen if "://" in chosen else _usable(Path(chosen))
    compiled = cache / "compiled" if cache else user_cache("compiled")
    folder = _usable(compiled / _processor()) if compiled else None
    if folder is None:
        return None
    jax.config.update("jax_compilation_cache_dir", str(folder))
    return folder


def _usable(folder: Path) -> Path | None:
    """Returns `folder`, which is made if need be; None if it cannot be read and written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.R_OK | os.W_OK | os.X_OK) else None


def _processor() -> str:
    """Names the processor's instruction set, which JAX's own key leaves out.

    Machines of several generations often share a home folder, and a program compiled for one may
    stop with an illegal instruction on another.
    """
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return f"{platform.machine()}-{zlib.crc32(flags.encode()):08x}"
