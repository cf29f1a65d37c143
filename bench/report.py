"""What a run leaves: the table on the screen, bench.json, and the input of the chart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.run import Table
from bench.workloads import WORKLOADS

#: Details that the table shows beside the figure.
_SHOWN = ("p95", "p99", "p50_after_commit", "ratio_to_small", "held_to_free", "last_to_first", "peak", "most_at_once")

Results = dict[str, dict[str, dict[str, Any]]]


def results(table: Table) -> Results:
    """``{system: {workload: {"value", "unit", "ratio_to_limit", ...}}}``; what was not measured is left out."""
    found: Results = {}
    for system, cells in table.items():
        measured = {name: cell.result(WORKLOADS[name].unit) for name, cell in cells.items()}
        found[system] = {name: result for name, result in measured.items() if result is not None}
    return found


def write(found: Results, table: Table, run: dict[str, Any], folder: Path) -> None:
    """Write ``bench.json`` and, beside it, ``bench-run.json``: the circumstances and what is missing and why."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = {
        system: {name: cell.missing for name, cell in cells.items() if cell.missing} for system, cells in table.items()
    }
    (folder / "bench.json").write_text(json.dumps(found, indent=1) + "\n")
    (folder / "bench-run.json").write_text(json.dumps({**run, "missing": missing}, indent=1) + "\n")


def render(found: Results, table: Table) -> str:
    """The table: a block per workload, a line per system, with its ratio to the limit and ours to it."""
    lines = []
    workloads = list(next(iter(table.values())))
    for name in workloads:
        workload = WORKLOADS[name]
        better = "more is better" if workload.more_is_better else "less is better"
        lines.append(f"\n{name}: {workload.says} ({workload.unit}, {better})")
        ours = found.get("exora", {}).get(name)
        rows = [(system, found[system].get(name)) for system in table]
        rows.sort(key=lambda row: _rank(row[1], workload.more_is_better))
        for system, row in rows:
            if row is None:
                lines.append(f"  {system:<16} {'-':>12}   {table[system][name].missing or 'not measured'}")
            else:
                lines.append(f"  {system:<16} {_number(row['value']):>12}   {_ratios(system, row, ours, found)}")
    return "\n".join(lines)


def _rank(row: dict[str, Any] | None, more_is_better: bool) -> float:
    if row is None:
        return float("inf")
    return -float(row["value"]) if more_is_better else float(row["value"])


def _ratios(system: str, row: dict[str, Any], ours: dict[str, Any] | None, found: Results) -> str:
    parts = [f"{row['ratio_to_limit']:.3f} of limit" if row["ratio_to_limit"] is not None else " " * 14]
    if ours is not None and system not in ("exora", "limit") and row["value"]:
        parts.append(f"exora is {ours['value'] / row['value']:.2f} x this")
    parts += [f"{key} {value}" for key, value in row.items() if key in _SHOWN]
    return "   ".join(parts)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1_000 else f"{value:,.3f}"
