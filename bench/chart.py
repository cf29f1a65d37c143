"""The chart: every system's ratio to the limit, a panel per workload."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

_COLUMNS = 3
_OURS, _LIMIT, _PEER = "#1b6ca8", "#b0b0b0", "#d98e48"


def main() -> None:
    """``python -m bench.chart FOLDER``: bench.json to bench.png."""
    folder = Path(sys.argv[1])
    found = json.loads((folder / "bench.json").read_text())
    workloads = list(dict.fromkeys(name for cells in found.values() for name in cells))
    rows = -(-len(workloads) // _COLUMNS)
    figure, axes = plt.subplots(rows, _COLUMNS, figsize=(5 * _COLUMNS, 2.9 * rows), squeeze=False)
    for axis in axes.flat[len(workloads) :]:
        axis.set_visible(False)
    for axis, workload in zip(axes.flat, workloads, strict=False):
        cells = {system: found[system][workload] for system in found if workload in found[system]}
        systems = list(reversed(cells))
        values = [cells[system]["value"] for system in systems]
        colors = [_OURS if system == "exora" else _LIMIT if system == "limit" else _PEER for system in systems]
        bars = axis.barh(systems, values, color=colors)
        labels = [f" {value:,.0f}" if value >= 100 else f" {value:.2f}" for value in values]
        axis.bar_label(bars, labels=labels, fontsize=8)
        axis.set_title(f"{workload} ({next(iter(cells.values()))['unit']})", fontsize=10)
        axis.margins(x=0.18)
        axis.tick_params(labelsize=8)
    figure.tight_layout()
    figure.savefig(folder / "bench.png", dpi=110)


if __name__ == "__main__":
    main()
