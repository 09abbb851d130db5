"""The memory of this machine, and the limits of control groups as Linux lays them out."""

from __future__ import annotations

from pathlib import Path

import pytest

from af3cli.inference.host_memory import host_bytes

MACHINE = host_bytes(Path("/nowhere"), Path("/nowhere/cgroup"))
KERNEL = Path("/proc/meminfo")


def bytes_with(root: Path, membership: str, limits: dict[str, str]) -> int:
    for path, limit in limits.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(f"{limit}\n")
    (root / "membership").write_text(membership)
    return host_bytes(root, root / "membership")


@pytest.mark.skipif(not KERNEL.exists(), reason="compares with what Linux says")
def test_without_groups_it_is_the_machine_s():
    kilobytes = KERNEL.read_text().split(maxsplit=2)[1]
    assert 1024 * int(kilobytes) == MACHINE


@pytest.mark.parametrize(
    ("membership", "limits", "expected"),
    [
        pytest.param("0::/\n", {"memory.max": "4096"}, 4096, id="container"),
        pytest.param(
            "0::/slurm/job_1/step_0\n",
            {
                "slurm/job_1/step_0/memory.max": "max",
                "slurm/job_1/memory.max": "8192",
                "slurm/job_2/memory.max": "1024",
                "slurm/memory.max": "65536",
            },
            8192,
            id="of the group above",
        ),
        pytest.param("0::/a\n", {"a/memory.max": "max"}, MACHINE, id="none"),
        pytest.param(
            "5:cpuset:/b\n4:hugetlb,memory:/b\n0::/\n",
            {
                "memory/b/memory.limit_in_bytes": "2048",
                "memory/memory.limit_in_bytes": str(2**63 - 4096),
                "cpuset/b/memory.limit_in_bytes": "1024",
            },
            2048,
            id="first version",
        ),
        pytest.param("0::/docker/12ab\n", {"memory.max": "4096"}, 4096, id="path hidden"),
    ],
)
def test_the_lowest_limit_counts(tmp_path, membership, limits, expected):
    assert bytes_with(tmp_path, membership, limits) == expected
