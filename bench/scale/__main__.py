"""``python -m bench.scale [--archived N --pending N]``: growth, then a day of traffic; writes build/scale.json."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

from bench.scale.day import day
from bench.scale.lay import LARGE, SMALL, Size, lay
from bench.scale.measure import compare, subject
from bench.server import Server, load, running
from exora.sql.migrate import migrate


async def laid(server: Server, name: str, size: Size) -> dict[str, Any]:
    """A database of a size; what it took."""
    dsn = await server.create(name)
    db = await asyncpg.connect(dsn)
    try:
        await migrate(db)
        seconds = await lay(db, size)
        size_bytes = await db.fetchval("select pg_database_size(current_database())")
        print(f"{name}: {size.jobs:,} jobs, {size_bytes / 2**30:.1f} GiB, laid in {seconds:.0f} s", flush=True)
    finally:
        await db.close()
    return {**asdict(size), "seconds": seconds, "bytes": size_bytes, "dsn": dsn}


async def autovacuum(server: Server, turned: str) -> None:
    """Turn it on or off."""
    await server.execute(f"alter system set autovacuum = {turned}")
    await server.execute("select pg_reload_conf()")


async def growth(server: Server, size: Size) -> dict[str, Any]:
    """The same calls on a small and on a large database."""
    await autovacuum(server, "off")  # it would vacuum again and again what is not laid yet
    found = {"small": await laid(server, "small", SMALL), "large": await laid(server, "large", size)}
    await autovacuum(server, "on")
    await server.execute("checkpoint")
    print(f"{'ms':<28}{'small and large: p50, p95, CPU':<48}{'p50':>8}{'CPU':>8} ratio   {load()}", flush=True)
    async with subject(found["small"].pop("dsn")) as small, subject(found["large"].pop("dsn")) as large:
        return found | {"calls": await compare(small, large), "load": load()}


def kept(target: Path) -> dict[str, Any]:
    """What was found before."""
    found: dict[str, Any] = json.loads(target.read_text()) if target.exists() else {}
    return found


def keep(target: Path, found: dict[str, Any]) -> None:
    """Write what was found."""
    target.write_text(json.dumps(found, indent=2))


async def main(size: Size, parts: list[str], defer_s: int, target: Path) -> None:
    """Measure, and add what was found to a file."""
    found = kept(target)
    with running("embedded") as server:
        if "growth" in parts:
            keep(target, found | {"growth": await growth(server, size)})
        if "day" in parts:
            keep(target, kept(target) | {"day": await day(server, defer_s)})


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--archived", type=int, default=LARGE.archived)
    parser.add_argument("--pending", type=int, default=LARGE.pending)
    parser.add_argument("--part", choices=["growth", "day"], action="append")
    parser.add_argument("--defer-s", type=int, default=1, help="how long enqueues are deferred on the simulated day")
    given = parser.parse_args()
    build = Path("build")
    build.mkdir(exist_ok=True)
    size = replace(LARGE, archived=given.archived, pending=given.pending)
    uvloop.run(main(size, given.part or ["growth", "day"], given.defer_s, build / "scale.json"))
