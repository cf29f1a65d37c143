"""The plot: calls admitted per second against the limit, with a storm of 429s and a worker killed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

_OURS, _LIMIT, _MARK = "#1b6ca8", "#b0b0b0", "#d98e48"


def main() -> None:
    """``python -m bench.capacity.chart FOLDER``: capacity.json to capacity.png."""
    folder = Path(sys.argv[1])
    found = json.loads((folder / "capacity.json").read_text())
    plot = found["plot"]
    limit = found["limits"]["requests_per_minute"]
    per_second = plot["admitted_per_s"]
    window = [sum(per_second[max(second - 59, 0) : second + 1]) for second in range(len(per_second))]
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(11, 6), sharex=True)
    top.step(range(len(per_second)), per_second, where="post", color=_OURS, linewidth=1)
    top.axhline(limit / 60, color=_LIMIT, linestyle="--", label="limit / 60")
    top.set_ylabel("admitted calls per second")
    bottom.plot(window, color=_OURS)
    bottom.axhline(limit, color=_LIMIT, linestyle="--", label="limit")
    bottom.set_ylabel("admitted in the last 60 s")
    bottom.set_xlabel("seconds")
    for axis in (top, bottom):
        axis.axvspan(plot["throttled_at"], plot["throttled_at"] + plot["storm_s"], color=_MARK, alpha=0.25,
                     label="429, Retry-After")  # fmt: skip
        for moment in plot["killed_at"]:
            axis.axvline(moment, color=_MARK, linestyle=":", label="a worker is killed")
        axis.legend(fontsize=8, loc="lower right")
        axis.set_ylim(bottom=0)
    figure.suptitle("Calls through the gate, offered at three times the limit; counted by the provider")
    figure.tight_layout()
    figure.savefig(folder / "capacity.png", dpi=110)


if __name__ == "__main__":
    main()
