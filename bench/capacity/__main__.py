"""``python -m bench.capacity [--full]``: writes build/capacity.json part by part and prints the table."""

from __future__ import annotations

import argparse
import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from bench.capacity.fleet import figures
from bench.capacity.runs import LEASE_S, LIMITS, OVERLOAD, STORM_S, Run, fresh, overloaded, recovery
from bench.server import running
from exora.testing.providers.limits import Limits

#: What is measured, and what it shall be: at most, or at least.
AIMS = {
    "violations": ("at most", 0),
    "utilisation": ("at least", 0.97),
    "server_429_share": ("at most", 0.001),
    "reservations_per_s_block": ("at least", 20_000),
    "reservations_per_s_single": ("at least", 1_500),
    "gate_overhead_p50_ms": ("at most", 1),
    "fairness": ("at least", 0.95),
    "recovery_s": ("at most", LEASE_S + 5),
    "calls_after_throttle": ("at most", 0),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How long each part takes, in seconds.

    Attributes:
        rates_s: each of the three rates of reservations.
        runs: how many runs under overload; run_s: of each; kills: workers killed in each.
        plot_s: the run of the plot, with a 429 in its middle and a worker killed after that.
    """

    rates_s: float = 20
    runs: int = 3
    run_s: float = 300
    kills: int = 3
    plot_s: float = 600

    def shorter_than(self, other: Plan) -> list[str]:
        """What was shortened, in words."""
        return [
            f"{name}: {ours:g} in place of {theirs:g}"
            for name in self.__slots__
            if (ours := getattr(self, name)) < (theirs := getattr(other, name))
        ]


FULL = Plan()
QUICK = Plan(rates_s=4, runs=1, run_s=120, kills=1, plot_s=140)


class Report:
    """What was found so far, on disk after every part: a run that is cut short has not been for nothing."""

    def __init__(self, file: Path, plan: Plan) -> None:
        self._file = file
        self.found: dict[str, Any] = {
            "complete": False,
            "shortened": plan.shorter_than(FULL),
            "lease_s": LEASE_S,
            "limits": {
                "requests_per_minute": LIMITS.requests_per_minute,
                "concurrent": LIMITS.concurrent,
                "offered": OVERLOAD,
            },
            "aims": {name: f"{word} {value:g}" for name, (word, value) in AIMS.items()},
            "runs": [],
        }

    def note(self, **found: Any) -> None:
        """Note figures, and say them."""
        self.found |= found
        self._file.write_text(json.dumps(self.found, indent=2))
        said = {name: f"{value:,.4g}" for name, value in found.items() if isinstance(value, int | float)}
        if said:
            print(" · ".join(f"{name} {value}" for name, value in said.items()), flush=True)

    def table(self) -> None:
        """Print every figure beside its aim."""
        print()
        for name, (word, value) in AIMS.items():
            found = self.found[name]
            met = found <= value if word == "at most" else found >= value
            print(f"{name:28} {found:>12,.4g}   {word} {value:<8g} {'' if met else 'MISSED'}")
        for words in self.found["shortened"]:
            print(f"shortened: {words}")


async def rates(server: Any, seconds: float) -> dict[str, float]:
    """How many reservations a second, and what the gate adds to a call, while capacity is free: there are limits, and
    all that counts against them is summed, but they are far."""
    dsn, _, transport = await fresh(server, "capacity_free", Limits(100_000_000, 2_000_000_000, 1_000_000))
    [overhead] = await figures("overhead", dsn, 1, seconds)
    blocks = await figures("block", dsn, 4, seconds)
    singles = await figures("single", dsn, 2, seconds)
    await transport.close()
    return {
        "gate_overhead_p50_ms": overhead["p50_ms"],
        "gate_overhead_p99_ms": overhead["p99_ms"],
        "reservations_per_s_block": sum(found["done"] for found in blocks) / seconds,
        "reservations_per_s_single": sum(found["done"] for found in singles) / seconds,
    }


def of_runs(runs: list[Run], stormy: Run) -> dict[str, Any]:
    """The figures of all runs: the worst of each. A closing costs utilisation and equal shares, not limits."""
    return {
        "violations": sum(run.violations for run in [*runs, stormy]),
        "utilisation": min(run.utilisation for run in runs),
        "server_429_share": max(run.server_429_share for run in [*runs, stormy]),
        "fairness": min(run.fairness for run in runs),
        "calls_after_throttle": stormy.calls_within(stormy.throttled_at + 1, stormy.throttled_at + STORM_S),
    }


def plot_of(run: Run) -> dict[str, Any]:
    """What the plot shows."""
    seconds = int(run.arrivals[-1][0])
    per_second = [0] * (seconds + 1)
    for at, group in itertools.groupby(run.arrivals, key=lambda arrival: int(arrival[0])):
        per_second[at] += sum(admitted for _, admitted in group)
    return {
        "admitted_per_s": per_second[:seconds],
        "throttled_at": run.throttled_at,
        "storm_s": STORM_S,
        "killed_at": run.killed_at,
    }


async def main(plan: Plan, folder: Path) -> None:
    """Measure, and write what is found into a folder."""
    report = Report(folder / "capacity.json", plan)
    with running("embedded") as server:
        report.note(**await rates(server, plan.rates_s))
        report.note(recovery_s=await recovery(server))
        runs = []
        for number in range(plan.runs):
            kill_at = [plan.run_s * (place + 1) / (plan.kills + 1) for place in range(plan.kills)]
            run = await overloaded(server, f"capacity_{number}", plan.run_s, kill_at=kill_at)
            runs.append(run)
            report.found["runs"].append(run.summary())
            report.note(violations=run.violations, utilisation=run.utilisation, fairness=run.fairness)
        stormy = await overloaded(
            server, "capacity_storm", plan.plot_s, kill_at=[plan.plot_s * 0.8], storm_at=plan.plot_s / 2
        )
    report.found["runs"].append(stormy.summary())
    report.note(**of_runs(runs, stormy), plot=plot_of(stormy), complete=True)
    report.table()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true", help="three runs of five minutes and one of ten, half an hour")
    build = Path("build")
    build.mkdir(exist_ok=True)
    uvloop.run(main(FULL if parser.parse_args().full else QUICK, build))
