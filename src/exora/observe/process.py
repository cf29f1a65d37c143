"""What this process takes of its machine."""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")


def memory_bytes(pid: int | str = "self") -> int | None:
    """Resident memory of a process, without its children; None where /proc does not tell."""
    try:
        return int((_PROC / str(pid) / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None


def children_memory_bytes() -> int:
    """Resident memory of this process's children; memory shared between them counts once for each."""
    total = 0
    for task in (_PROC / "self" / "task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:
            continue  # the thread has just ended
        total += sum(memory_bytes(child) or 0 for child in children)
    return total
