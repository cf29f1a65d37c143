"""``python -m tests.faults``: runs the fault matrix once, or its rows tenfold in any order for so many hours."""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.faults.report import TITLES

_MATRIX, _SOAK = Path("build/faults.json"), Path("build/soak.json")


def once(seed: int | None, rows: str, scale: int) -> int:
    """Run the matrix; returns pytest's exit code."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-n",
        "2",
        "--dist",
        "loadgroup",
        "-m",
        "row",
        "tests/faults",
        "tests/property",
    ]
    command += [f"--rows={rows}", f"--scale={scale}", *([] if seed is None else [f"--fault-seed={seed}"])]
    return subprocess.run(command, check=False).returncode


def soak(hours: float, seed: int | None, rows: str, scale: int) -> int:
    """Run rows one by one with ever new seeds, each as often as any other, and begin none after the time.

    Returns:
        Pytest's exit code at the first failure; what was counted until then is in build/soak.json.
    """
    seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    draw, until = random.Random(seed), time.monotonic() + hours * 3600
    wanted = [int(text) for text in rows.split(",") if text] or list(TITLES)
    runs: list[dict[str, Any]] = []
    code, order = 0, list[int]()
    while code == 0 and time.monotonic() < until:
        order = order or draw.sample(wanted, len(wanted))
        row, row_seed, begun = order.pop(), draw.randrange(2**32), time.monotonic()
        _MATRIX.unlink(missing_ok=True)  # so that no row counts that is not of this run
        code = once(row_seed, str(row), scale)
        if not _MATRIX.exists():
            print(f"row {row}, seed {row_seed}: ended without a result")
            return code or 1
        [found] = json.loads(_MATRIX.read_text())["rows"]
        runs.append(found | {"seed": row_seed, "seconds": round(time.monotonic() - begun, 1)})
        _SOAK.write_text(json.dumps({"seed": seed, "scale": scale, "runs": runs}, indent=2) + "\n")
    print(f"soak, seed {seed}, x{scale}:")
    for run in sorted(runs, key=lambda run: run["row"]):
        longest = "-" if run["max_s"] is None else f"{run['max_s']:.2f}"
        print(
            f"{run['row']:>3} {run['title']:36} {run['faults']:>7} faults {run['jobs']:>7} jobs {run['lost']} lost"
            f" {run['duplicated']} twice, recovery up to {longest} s, in {run['seconds']:.0f} s"
            f"{'  FAILED, seed ' + str(run['seed']) if run['failed'] else ''}"
        )
    return code


def main() -> int:
    """Read the arguments and run; a soak stops at the first failure, whose seed it prints."""
    parser = argparse.ArgumentParser(prog="tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="repeat a run by the seed it printed")
    parser.add_argument("--rows", default="", help="such as 3,7; default: all nineteen")
    parser.add_argument("--hours", type=float, default=0.0, help="row after row for so long, tenfold")
    parser.add_argument("--scale", type=int, default=None, help="times the quick numbers; default: 1, in a soak 10")
    arguments = parser.parse_args()
    if arguments.hours:
        return soak(arguments.hours, arguments.seed, arguments.rows, arguments.scale or 10)
    return once(arguments.seed, arguments.rows, arguments.scale or 1)


if __name__ == "__main__":
    sys.exit(main())
