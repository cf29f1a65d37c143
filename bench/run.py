"""The order of a run: limit before and after the systems, medians of repetitions, ratios within the block."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import asyncpg

from bench.catalog import LIMIT, QUICK_COSTLY, Entry
from bench.processes import AgentFailed, NotOffered
from bench.server import load
from bench.stage import Stage
from bench.workloads import WORKLOADS, Sample

#: Systems between two measurements of the limit, in heavy workloads.
_HEAVY_BLOCK = 3
#: After so long a quick run begins nothing more, so that it ends within ten minutes.
_QUICK_S = 560.0


@dataclass
class Cell:
    """All repetitions of one workload by one system.

    Attributes:
        samples: what was measured.
        ratios: each sample to the mean of the limit before and after it.
        missing: why there is none.
    """

    samples: list[Sample] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    missing: str | None = None

    def result(self, unit: str) -> dict[str, Any] | None:
        """As bench.json has it: the median, its details, its ratio."""
        if not self.samples:
            return None
        middle = sorted(self.samples, key=lambda sample: sample.value)[len(self.samples) // 2]
        value = median(sample.value for sample in self.samples)
        return {
            "value": round(value, 3 if value < 1_000 else 0),
            "unit": unit,
            "ratio_to_limit": round(median(self.ratios), 3) if self.ratios else None,
            "samples": [round(sample.value, 3) for sample in self.samples],
            **middle.detail,
        }


Table = dict[str, dict[str, Cell]]


async def run_all(
    stage: Stage, entries: list[Entry], workloads: list[str], reps: int, say: Callable[[str], None], *, quick: bool
) -> Table:
    """Measure every system in every workload ``reps`` times; repetitions are whole rounds, apart in time.

    With ``quick``, costly workloads are left to a few systems, and nothing is begun after ten minutes.
    """
    stage.ends_at = time.monotonic() + _QUICK_S if quick else float("inf")
    table: Table = {entry.name: {name: Cell() for name in workloads} for entry in entries}
    for entry in entries if quick else []:
        for name in workloads:
            if WORKLOADS[name].costly and entry.name not in QUICK_COSTLY:
                table[entry.name][name].missing = "not measured in a quick run"
    for rep in range(1, reps + 1):
        for name in workloads:
            say(f"-- {name} (repetition {rep} of {reps}): {WORKLOADS[name].says}; {load()}")
            await _block(stage, entries, name, table, say)
    return table


async def _block(stage: Stage, entries: list[Entry], name: str, table: Table, say: Callable[[str], None]) -> None:
    """One repetition of one workload: limit, systems, limit, systems, limit."""
    with_limit = LIMIT in entries
    every = _HEAVY_BLOCK if WORKLOADS[name].heavy else 1
    before = await _measure(stage, LIMIT, name, table, say) if with_limit else None
    waiting: list[tuple[Cell, float]] = []
    others = [entry for entry in entries if entry is not LIMIT and table[entry.name][name].missing is None]
    for index, entry in enumerate(others):
        value = await _measure(stage, entry, name, table, say)
        if value is not None:
            waiting.append((table[entry.name][name], value))
        last = index == len(others) - 1
        if with_limit and waiting and (len(waiting) == every or last):
            after = await _measure(stage, LIMIT, name, table, say)
            bounds = [bound for bound in (before, after) if bound]
            for cell, measured in waiting:
                if bounds:
                    cell.ratios.append(measured * len(bounds) / sum(bounds))
            waiting, before = [], after
    if with_limit and table[LIMIT.name][name].samples:
        table[LIMIT.name][name].ratios = [1.0]


async def _measure(stage: Stage, entry: Entry, name: str, table: Table, say: Callable[[str], None]) -> float | None:
    workload, cell, started = WORKLOADS[name], table[entry.name][name], time.monotonic()
    if started > stage.ends_at:
        cell.missing = None if cell.samples else "not measured: the quick run's time was over"
        return None
    try:
        async with stage.database(entry) as place:
            sample = await workload.measure(place)
    except NotOffered as reason:
        cell.missing = f"not offered: {reason}"
    except (AgentFailed, asyncpg.PostgresError) as error:
        cell.missing = f"failed: {type(error).__name__}: {error}"
    else:
        cell.samples.append(sample)
        detail = " ".join(f"{key}={value}" for key, value in sample.detail.items())
        figure = f"{sample.value:>12,.3f} {workload.unit:<8}"
        say(f"   {entry.name:<16} {figure} {detail}  [{time.monotonic() - started:.1f} s]")
        return sample.value
    say(f"   {entry.name:<16} {'-':>12} {cell.missing}")
    return None
