"""The processors that there are for this process."""

from __future__ import annotations

import os
from pathlib import Path

_DESCRIPTION = Path("/proc/cpuinfo")
_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")


def num_processors() -> int:
    """Returns how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def last_level_cache() -> int | None:
    """Returns the bytes of the cache that processors share, where the system tells them (Linux)."""
    try:
        kibibytes = (_CACHES / "index3" / "size").read_text().strip().removesuffix("K")
    except OSError:
        return None
    return 1024 * int(kibibytes) if kibibytes.isdecimal() else None


def instruction_sets() -> frozenset[str]:
    """Returns the instruction sets of the first processor as Linux names them; elsewhere none."""
    try:
        lines = _DESCRIPTION.read_text().splitlines()
    except OSError:
        return frozenset()
    values = (line.partition(":")[2] for line in lines if line.startswith(("flags", "Features")))
    return frozenset(next(values, "").split())
