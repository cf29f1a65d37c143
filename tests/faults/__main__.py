"""``python -m tests.faults``: runs the fault matrix once, or in a loop with other seeds for so many hours."""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time


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


def main() -> int:
    """Read the arguments and run; stops at the first failure, whose seed is in the table's title."""
    parser = argparse.ArgumentParser(prog="tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="repeat a run by the seed it printed")
    parser.add_argument("--rows", default="", help="such as 3,7; default: all nineteen")
    parser.add_argument("--hours", type=float, default=0.0, help="again and again for so long, tenfold")
    arguments = parser.parse_args()
    if not arguments.hours:
        return once(arguments.seed, arguments.rows, 1)
    until, seeds = time.monotonic() + arguments.hours * 3600, random.Random(arguments.seed)
    while time.monotonic() < until:
        code = once(seeds.randrange(2**32), arguments.rows, 10)
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
