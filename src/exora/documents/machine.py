"""What the machine, or the container on it, lets this process use: CPUs and memory."""

from __future__ import annotations

import math
import os
from pathlib import Path

#: What a worker takes without its children, and what a child takes that recognizes and analyzes pages, as measured
#: (docs/explanation/quality.md): 102 and 220 MB.
_WORKER_BYTES = 150 * 1024 * 1024
_CHILD_BYTES = 250 * 1024 * 1024
#: A child that has grown past this has kept more than it needs.
_MOST_CHILD_BYTES = 512 * 1024 * 1024
#: Where a container finds its own limits; on a bare machine there are none here.
_CGROUP = Path("/sys/fs/cgroup")


def cpus(cgroup: Path = _CGROUP) -> int:
    """CPUs to keep busy, at least one: those of the machine, or the share of them that the container has.

    ``os.cpu_count()`` tells of the machine alone, which in a container of half a CPU may have sixty-four.
    """
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = _words(cgroup / "cpu.max")
    limit = limit or _words(cgroup / "cpu" / "cpu.cfs_quota_us") + _words(cgroup / "cpu" / "cpu.cfs_period_us")
    if len(limit) != 2 or limit[0] == "max" or int(limit[0]) <= 0:
        return own
    return max(min(own, math.ceil(int(limit[0]) / int(limit[1]))), 1)


def memory_bytes(cgroup: Path = _CGROUP) -> int:
    """Bytes of memory: of the machine, or the container's limit where that is lower."""
    own = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _words(cgroup / "memory.max") or _words(cgroup / "memory" / "memory.limit_in_bytes")
    return min(own, int(limit[0])) if limit and limit[0] != "max" else own


def children(cgroup: Path = _CGROUP) -> int:
    """Child processes to start for reading pages: one per CPU, as far as memory goes, at least one."""
    return max(min(cpus(cgroup), (memory_bytes(cgroup) - _WORKER_BYTES) // _CHILD_BYTES), 1)


def child_bytes(count: int, cgroup: Path = _CGROUP) -> int:
    """Resident memory above which one of so many children is to be replaced."""
    share = (memory_bytes(cgroup) - _WORKER_BYTES) // count
    return max(min(share, _MOST_CHILD_BYTES), _CHILD_BYTES)


def _words(path: Path) -> list[str]:
    """What a file of the kernel says; nothing where there is none."""
    try:
        return path.read_text().split()
    except OSError:
        return []
