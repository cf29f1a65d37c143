"""Producers and workers in processes of their own, workers killed as they go: every acknowledged job completes once."""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from .crew import KEYS
from .invariants import check_invariants

pytestmark = pytest.mark.xdist_group("processes")
ROOT = Path(__file__).parents[2]
LEASE_S = 1.5


async def member(dsn: str, role: str, seed: int) -> asyncio.subprocess.Process:
    """Start one process of the fleet."""
    arguments = ("-W", "error", "-m", "tests.faults.crew", dsn, role, str(seed))
    return await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE)


async def at_once(db: asyncpg.Connection) -> dict[str, int]:
    """How many jobs of each concurrency key run at this moment."""
    rows = await db.fetch(
        "select concurrency_key, count(*) from exora.running where concurrency_key is not null group by concurrency_key"
    )
    return {row["concurrency_key"]: row["count"] for row in rows}


async def test_a_fleet_under_fire_completes_every_acknowledged_job_once(embedded_dsn: str) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed={seed}")
    draw = random.Random(seed)
    db = await asyncpg.connect(embedded_dsn)
    await db.execute(
        "update exora.job_types set heartbeat_s = $1::real / 4, lease_s = $1, backoff_base_s = 0.05", LEASE_S
    )
    producers = [await member(embedded_dsn, "produce", seed + number) for number in range(3)]
    workers = [await member(embedded_dsn, "work", seed + 10 + number) for number in range(3)]
    acknowledged: list[UUID] = []

    async def listen(producer: asyncio.subprocess.Process) -> None:
        assert producer.stdout is not None
        while line := await producer.stdout.readline():
            acknowledged.append(UUID(line.decode().strip()))
        assert await producer.wait() == 0

    killed = 0
    most = dict.fromkeys(KEYS, 0)
    finished = "select count(*) from exora.job_archive where status = 'completed'"
    async with asyncio.timeout(90), asyncio.TaskGroup() as group:
        listening = [group.create_task(listen(producer)) for producer in producers]
        next_kill = 100
        while not all(task.done() for task in listening) or await db.fetchval(finished) < len(acknowledged):
            if killed < 4 and await db.fetchval(finished) >= next_kill:
                victim = draw.randrange(len(workers))
                workers[victim].kill()
                await workers[victim].wait()
                workers[victim] = await member(embedded_dsn, "work", draw.randrange(2**32))
                killed += 1
                next_kill += 100
            for key, count in (await at_once(db)).items():
                most[key] = max(most[key], count)
            await asyncio.sleep(0.01)
    for worker in workers:
        worker.terminate()
        assert await worker.wait() == 0
    completions = await db.fetch("select 1 from exora.audit_events where event = 'job_completed' group by job")
    crashes = await db.fetchval("select count(*) from exora.audit_events where event = 'job_rescued'")
    print(f"jobs={len(acknowledged)} completed={len(completions)} killed={killed} rescued={crashes} at_once={most}")
    assert len(completions) == len(acknowledged)
    assert killed > 0
    assert most == KEYS
    await check_invariants(db, acknowledged)
    await db.close()
