"""The plots: what grows with the database, and the day."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

_OURS, _LIMIT, _MARK = "#1b6ca8", "#b0b0b0", "#d98e48"


def growth(found: dict[str, Any], target: Path) -> None:
    """CPU time of the database on the small and on the large one, by call."""
    calls = found["calls"]
    names = list(reversed(calls))
    figure, axis = plt.subplots(figsize=(9, 0.3 * len(names) + 1.6))
    places = range(len(names))
    for size, shift, color in (("small", 0.2, _LIMIT), ("large", -0.2, _OURS)):
        label = f"{size}: {found[size]['archived']:,} finished, {found[size]['pending']:,} pending"
        axis.barh(
            [place + shift for place in places],
            [calls[name][size]["cpu_ms"] for name in names],
            0.4,
            color=color,
            label=label,
        )
    axis.set_yticks(places, names, fontsize=8)
    axis.set_xscale("log")
    axis.set_xlabel("CPU time of the database for one call, ms")
    axis.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(target, dpi=110)


def day(found: dict[str, Any], target: Path) -> None:
    """Calls granted in the last 60 s against the limit, and how many jobs waited."""
    hour = found["hour_s"]
    granted = sorted(found["granted"])
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(10, 5), sharex=True)
    seconds = range(int(found["depth"][-1][0]))
    top.plot(
        [second / hour for second in seconds],
        [sum(second - 60 < at <= second for at in granted) for second in seconds],
        color=_OURS,
    )
    top.axhline(found["requests_per_minute"], color=_LIMIT, linestyle="--", label="limit")
    top.set_ylabel("granted in the last 60 s")
    bottom.plot(
        [at / hour for at, _, _ in found["depth"]],
        [ready for _, ready, _ in found["depth"]],
        color=_OURS,
        label="waiting",
    )
    bottom.plot(
        [at / hour for at, _, _ in found["depth"]],
        [running for _, _, running in found["depth"]],
        color=_MARK,
        label="with a worker",
    )
    bottom.set_ylabel("jobs")
    bottom.set_xlabel("hour of the day")
    for axis in (top, bottom):
        axis.legend(fontsize=8)
        axis.set_ylim(bottom=0)
    figure.tight_layout()
    figure.savefig(target, dpi=110)


def waits(found: dict[str, Any], target: Path) -> None:
    """How long jobs of the morning waited: by whose they are, as served and in order of arrival; and by priority."""
    rows = [
        (f"{who} patient{'s' if who == 'light' else ''}, {how.replace('_', ' ')}", found["wait_s"][how][who])
        for who in ("heavy", "light")
        for how in ("first_come_first_served", "as_served")
    ]
    rows += [(f"priority {priority}", spread) for priority, spread in found["wait_by_priority_s"].items()]
    rows.reverse()
    figure, axis = plt.subplots(figsize=(9, 0.32 * len(rows) + 1.2))
    places = range(len(rows))
    axis.barh(places, [spread["p95"] for _, spread in rows], 0.6, color=_LIMIT, label="p95")
    axis.barh(places, [spread["p50"] for _, spread in rows], 0.6, color=_OURS, label="median")
    axis.set_yticks(places, [name for name, _ in rows], fontsize=8)
    axis.set_xlabel("seconds from enqueue to the call")
    axis.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(target, dpi=110)


def main() -> None:
    """``python -m bench.scale.chart FOLDER``: scale.json to scale-growth.png, -day.png and -waits.png."""
    folder = Path(sys.argv[1])
    found = json.loads((folder / "scale.json").read_text())
    if "growth" in found:
        growth(found["growth"], folder / "scale-growth.png")
    if "day" in found:
        day(found["day"], folder / "scale-day.png")
        waits(found["day"], folder / "scale-waits.png")


if __name__ == "__main__":
    main()
