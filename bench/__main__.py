"""``python -m bench``: measure, print the table, write build/bench.json and build/bench.png."""

from __future__ import annotations

import argparse
import asyncio
import platform
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.catalog import HERE, LIMIT, PEER_PYTHON, SYSTEMS, Entry
from bench.processes import CONNECTIONS, AgentFailed
from bench.report import render, results, write
from bench.run import Table, run_all
from bench.server import SETTINGS, Server, load, running
from bench.stage import Sizes, Stage
from bench.workloads import WORKLOADS

BUILD = HERE.parent / "build"
QUICK = Sizes(seconds=1.0, backlog=1_000_000, rounds=5, round_jobs=20_000, paced=100, io_jobs=2_000)
FULL = Sizes(seconds=3.0, backlog=1_000_000, rounds=10, round_jobs=50_000, paced=300, io_jobs=10_000)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller sizes, one repetition: at most 10 minutes")
    parser.add_argument("--systems", type=_list([entry.name for entry in SYSTEMS]), help="comma-separated; default all")
    parser.add_argument("--workloads", type=_list(list(WORKLOADS)), help="comma-separated; default all")
    parser.add_argument("--reps", type=int, help="repetitions; default 3, with --quick 1")
    parser.add_argument("--backlog", type=int, help="jobs pending or finished in drain_1m_*; default 1,000,000")
    parser.add_argument("--server", default="embedded", help='"embedded", or a major version of Debian\'s, e.g. 15')
    parser.add_argument("--out", type=Path, default=BUILD, help="folder of bench.json and bench.png; default build")
    return parser.parse_args()


def _list(known: list[str]) -> Any:
    def parse(text: str) -> list[str]:
        names = text.split(",")
        unknown = [name for name in names if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}")
        return names

    return parse


def _say(line: str) -> None:
    print(line, flush=True)


def _present(wanted: list[str] | None) -> tuple[list[Entry], dict[str, str]]:
    """The systems that can run here, and why the others cannot."""
    chosen = [entry for entry in SYSTEMS if wanted is None or entry.name in wanted]
    absent = {entry.name: reason for entry in chosen if (reason := entry.missing())}
    return [entry for entry in chosen if entry.name not in absent], absent


async def _measure(
    server: Server,
    sizes: Sizes,
    entries: list[Entry],
    absent: dict[str, str],
    workloads: list[str],
    reps: int,
    *,
    quick: bool,
) -> tuple[Table, dict[str, str]]:
    logs = BUILD / "bench-logs"
    logs.mkdir(parents=True, exist_ok=True)
    for old in logs.glob("*.log"):
        old.unlink()
    stage = Stage(server, sizes, logs)
    ready = []
    for entry in entries:
        try:
            await stage.prepare(entry)
        except AgentFailed as error:
            absent[entry.name] = f"its schema cannot be made: {error}"
        else:
            ready.append(entry)
            _say(f"{entry.name}: {stage.descriptions[entry.name]['configuration']}")
    for name, reason in absent.items():
        _say(f"{name}: LEFT OUT: {reason}")
    table = await run_all(stage, ready, workloads, reps, _say, quick=quick)
    return table, {name: described["configuration"] for name, described in stage.descriptions.items()}


def main() -> None:
    """Measure and report."""
    options = _arguments()
    sizes = QUICK if options.quick else FULL
    if options.backlog:
        sizes = Sizes(**{**{name: getattr(sizes, name) for name in sizes.__slots__}, "backlog": options.backlog})
    reps = options.reps or (1 if options.quick else 3)
    entries, absent = _present(options.systems)
    workloads = [name for name in WORKLOADS if options.workloads is None or name in options.workloads]
    started = time.monotonic()
    with running(options.server) as server:
        _say(f"{server.version}, {', '.join(f'{key}={value}' for key, value in SETTINGS.items())}")
        _say(f"{load()}; {platform.python_implementation()} {platform.python_version()}; {sizes}; {reps} repetitions")
        _say(f"producers: {sizes.callers} callers over {CONNECTIONS} connections; about 250 bytes a job, but for limit")
        table, configurations = asyncio.run(
            _measure(server, sizes, entries, absent, workloads, reps, quick=options.quick)
        )
        version = server.version
    found = results(table)
    _say(render(found, table))
    for name, reason in absent.items():
        _say(f"left out: {name}: {reason}")
    circumstances = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "server": version,
        "settings": SETTINGS,
        "repetitions": reps,
        "sizes": {name: getattr(sizes, name) for name in sizes.__slots__},
        "load": load(),
        "configurations": configurations,
        "left_out": absent,
        "limit_measured": LIMIT in entries,
    }
    write(found, table, circumstances, options.out)
    _say(f"\n{load()}; took {time.monotonic() - started:.0f} s; wrote {options.out / 'bench.json'}")
    _chart(options.out)


def _chart(folder: Path) -> None:
    """Draw in the peers' environment: it has the plotting library, the project has not."""
    if not PEER_PYTHON.exists():
        _say("no chart: bench/.venv is missing: run make bench-install")
        return
    ran = subprocess.run([str(PEER_PYTHON), "-m", "bench.chart", str(folder)], cwd=HERE.parent, check=False)
    _say(f"wrote {folder / 'bench.png'}" if ran.returncode == 0 else "no chart: drawing failed")


if __name__ == "__main__":
    main()
