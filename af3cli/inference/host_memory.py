"""How much memory this process may use: the machine's, or less where a control group limits it.

Containers and the jobs of a cluster run in control groups. Their limits are files: see the Linux
kernel's `cgroup-v2` and `cgroup-v1/memory` documents.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def host_bytes(
    groups: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")
) -> int:
    """Returns the memory, in bytes, that this process and those of its groups can use together.

    `groups` is where control groups are mounted, `membership` says which the process is in; on
    systems without them the machine's memory is returned.
    """
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([physical, *_group_limits(groups, membership)])


def _group_limits(groups: Path, membership: Path) -> Iterator[int]:
    """Limits of the process's groups and of those that these are in."""
    for line in _lines(membership):
        _, controllers, group = line.split(":", 2)
        if not controllers:
            folder, name = groups, "memory.max"
        elif "memory" in controllers.split(","):
            folder, name = groups / "memory", "memory.limit_in_bytes"
        else:
            continue
        path = PurePosixPath(group)
        for place in (path, *path.parents):
            for limit in _lines(folder / place.relative_to("/") / name):
                if limit.isdecimal():  # else it is "max"
                    yield int(limit)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:  # a group may be mounted elsewhere, or hidden from a container
        return []
