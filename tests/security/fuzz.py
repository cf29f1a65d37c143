"""``python -m tests.security.fuzz --minutes N [--seed S] [--target NAME]``: hostile input until the time is over.

Prints for each target how many inputs there were and what came of them, writes build/fuzz.json, and ends with exit
code 1 if something came of one that may not; hypothesis then prints the smallest such input it finds.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import secrets
import sys
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import HypothesisWarning

from exora.dev.embedded import EmbeddedPostgres
from exora.observe.logs import configure_logs
from exora.sql.migrate import migrate
from tests.security.targets import OPENERS, Target

_ROUND = 200


@dataclass
class Counts:
    """What came of the inputs of a target."""

    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    defects: list[str] = field(default_factory=list)


@dataclass(repr=False)
class Made:
    """An input, shown as its beginning."""

    value: Any

    def __repr__(self) -> str:
        return repr(self.value)[:3000]


def run(
    runner: asyncio.Runner,
    target: Target,
    counts: Counts,
    examples: int,
    number: int | None,
    until: float = float("inf"),
) -> None:
    """Hand a number of inputs to a target; raises what the smallest failing one does.

    Args:
        runner: the loop that the target lives in.
        target: it.
        counts: are added to.
        examples: how many.
        number: seed; None = always the same inputs.
        until: when to hand over no more, by the monotonic clock.
    """

    def once(made: Made) -> None:
        if time.monotonic() >= until:
            return
        counts.outcomes[runner.run(_once(target, made.value))] += 1

    tried = given(target.inputs.map(Made))(once)
    if number is not None:
        tried = seed(number)(tried)
    settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=number is None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )(tried)()


@contextlib.contextmanager
def opened(runner: asyncio.Runner, name: str, dsn: str) -> Any:
    """A target, alive in the runner's loop."""
    manager = OPENERS[name](dsn)
    target = runner.run(_enter(manager))
    try:
        yield target
    finally:
        runner.run(_leave(manager))


async def _once(target: Target, made: Any) -> str:
    return await target.check(made)


async def _enter(manager: contextlib.AbstractAsyncContextManager[Target]) -> Target:
    return await manager.__aenter__()


async def _leave(manager: contextlib.AbstractAsyncContextManager[Target]) -> None:
    await manager.__aexit__(None, None, None)


async def _migrated(dsn: str) -> None:
    db = await asyncpg.connect(dsn)
    await migrate(db)
    await db.close()


def main(minutes: float, number: int, names: list[str]) -> int:
    """Fuzz the targets in turn; exit code 1 for a defect."""
    print(f"seed {number}")
    warnings.simplefilter("ignore", HypothesisWarning)  # of inputs that are long to show
    found = {name: Counts() for name in names}
    with EmbeddedPostgres(ephemeral=True, settings={"fsync": "off", "max_connections": "200"}) as server:
        asyncio.run(_migrated(server.dsn))
        for name in names:
            _fuzz(name, server.dsn, found[name], minutes * 60 / len(names), number)
            _print(name, found[name])
    target = Path("build/fuzz.json")
    target.parent.mkdir(exist_ok=True)
    target.write_text(
        json.dumps(
            {
                "seed": number,
                "minutes": minutes,
                "targets": {
                    name: {
                        "inputs": sum(counts.outcomes.values()),
                        "seconds": round(counts.seconds, 1),
                        "defects": len(counts.defects),
                        "outcomes": dict(counts.outcomes.most_common()),
                    }
                    for name, counts in found.items()
                },
            },
            indent=2,
        )
    )
    return int(any(counts.defects for counts in found.values()))


def _fuzz(name: str, dsn: str, counts: Counts, seconds: float, number: int) -> None:
    with asyncio.Runner() as runner, opened(runner, name, dsn) as target:
        began, rounds = time.monotonic(), 0
        while time.monotonic() - began < seconds:
            try:
                run(runner, target, counts, _ROUND, number + rounds, began + seconds)
            except Exception:
                counts.defects.append(traceback.format_exc(limit=-3))
                print(f"** {name}, round seed {number + rounds}:\n{counts.defects[-1]}", flush=True)
                if len(counts.defects) == 5:
                    break
            rounds += 1
        counts.seconds = time.monotonic() - began


def _print(name: str, counts: Counts) -> None:
    total = sum(counts.outcomes.values())
    most = ", ".join(f"{count} {outcome}" for outcome, count in counts.outcomes.most_common(12))
    print(f"{name:<14} {total:>8} inputs in {counts.seconds:.0f} s, {len(counts.defects)} defects: {most}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--target", choices=list(OPENERS), action="append")
    given_ = parser.parse_args()
    configure_logs("error")
    number = secrets.randbelow(10**9) if given_.seed is None else given_.seed
    sys.exit(main(given_.minutes, number, given_.target or list(OPENERS)))
