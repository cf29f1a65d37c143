"""CPUs and memory are those of the container where it has less than the machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exora.documents.machine import child_bytes, children, cpus, memory_bytes


def written(folder: Path, **files: str) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(content + "\n")
    return folder


def test_without_a_container_it_is_the_machine(tmp_path: Path) -> None:
    assert cpus(tmp_path) == len(os.sched_getaffinity(0))
    assert memory_bytes(tmp_path) == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu_dot_max": "50000 100000"}, 1),
        ({"cpu_dot_max": "max 100000"}, len(os.sched_getaffinity(0))),
        ({"cpu_dot_max": "100000000 100000"}, len(os.sched_getaffinity(0))),
        ({"cpu__cpu_dot_cfs_quota_us": "50000", "cpu__cpu_dot_cfs_period_us": "100000"}, 1),
        ({"cpu__cpu_dot_cfs_quota_us": "-1", "cpu__cpu_dot_cfs_period_us": "100000"}, len(os.sched_getaffinity(0))),
    ],
)
def test_half_a_cpu_is_one_and_a_quota_above_the_machine_is_the_machine(
    tmp_path: Path, files: dict[str, str], expected: int
) -> None:
    assert cpus(written(tmp_path, **files)) == expected


def test_the_limit_of_the_container_counts_in_either_version_of_the_kernels_interface(tmp_path: Path) -> None:
    half = 512 * 1024 * 1024
    assert memory_bytes(written(tmp_path / "", memory_dot_max=str(half))) == half
    (tmp_path / "memory.max").write_text("max\n")
    assert memory_bytes(tmp_path) > half
    (tmp_path / "memory.max").unlink()
    assert memory_bytes(written(tmp_path, memory__memory_dot_limit_in_bytes=str(half))) == half


def test_the_smallest_plan_has_room_for_one_child_that_may_grow_into_what_is_left(tmp_path: Path) -> None:
    smallest = written(tmp_path, memory_dot_max=str(512 * 1024 * 1024))
    assert children(smallest) == 1
    assert 250 * 1024**2 <= child_bytes(1, smallest) < 400 * 1024**2
    assert child_bytes(100, smallest) == 250 * 1024**2
