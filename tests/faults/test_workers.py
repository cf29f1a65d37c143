"""Rows 1, 7, 14 and 16: worker processes killed, frozen, asked to stop, and poisoned by a job.

1.  SIGKILL of a random worker of three, again and again: every acknowledged job completes once, and what the dead one
    held is free for others within the lease and five seconds. A concurrency key never lets in more than it allows.
7.  SIGSTOP for two leases, then SIGCONT: what the sleeper held is another's by then, and what it says changes nothing.
14. SIGTERM: no claim after a second; exit code 0 within the drain; what does not finish in it is given back, unburnt.
16. A job that ends its process, crashes it or holds its interpreter for ever is dead after three workers; all others
    complete.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from exora.domain.job import EnqueueRequest, JobState
from exora.testing.processes import WorkerProcess, crew, start_crew, until
from exora.testing.sandbox import Sandbox

from .crew import KEYS, produced
from .deeds import TYPE
from .report import Row

HANDLERS = "tests.faults.deeds"
_FINISHED = "select count(*) from exora.job_archive where status = 'completed'"
_LEFT = (
    "select (select count(*) from exora.ready) + (select count(*) from exora.held_back)"
    " + (select count(*) from exora.scheduled) + (select count(*) from exora.running)"
)


@contextlib.asynccontextmanager
async def owner(sandbox: Sandbox, row: Row, lease_s: float) -> AsyncIterator[asyncpg.Connection]:
    """A connection, and short leases."""
    row.lease_s = lease_s
    await sandbox.hurry(lease_s=lease_s, backoff_s=0.05)
    async with sandbox.connect() as db:
        yield db


async def enqueue(sandbox: Sandbox, count: int, **payload: object) -> list[UUID]:
    """Enqueue jobs of one deed."""
    async with sandbox.coordinator() as coordinator:
        return [answer.job_id for answer in await coordinator.enqueue([EnqueueRequest(TYPE, payload)] * count)]


async def at_once(db: asyncpg.Connection) -> dict[str, int]:
    """How many jobs of each concurrency key run at this moment."""
    rows = await db.fetch(
        "select concurrency_key, count(*) from exora.running where concurrency_key is not null group by concurrency_key"
    )
    return {row["concurrency_key"]: row["count"] for row in rows}


@pytest.mark.row(1)
@pytest.mark.xdist_group("workers-1")
async def test_a_fleet_under_fire_completes_every_acknowledged_job_once(sandbox: Sandbox, row: Row) -> None:
    kills, jobs_each = 20 * row.scale, 170 * row.scale
    acknowledged: list[UUID] = []
    most = dict.fromkeys(KEYS, 0)

    async def gather(seed: int) -> None:
        acknowledged.extend([job_id async for job_id in produced(sandbox.dsn, seed, jobs_each)])

    async with owner(sandbox, row, 1.5) as db:
        workers = [await start_crew(sandbox.dsn, HANDLERS) for _ in range(3)]
        async with asyncio.timeout(120 * row.scale), asyncio.TaskGroup() as group:
            producers = [group.create_task(gather(row.draw.randrange(2**32))) for _ in range(3)]
            killed = 0
            while killed < kills or not all(task.done() for task in producers) or await db.fetchval(_LEFT):
                done = await db.fetchval(_FINISHED)
                if killed < kills and done >= killed * 3 * jobs_each * 0.8 / kills:
                    victim = row.draw.randrange(len(workers))
                    await row.hits(db, workers[victim])
                    await workers[victim].kill()
                    workers[victim] = await start_crew(sandbox.dsn, HANDLERS)
                    killed += 1
                for key, count in (await at_once(db)).items():
                    most[key] = max(most[key], count)
                await asyncio.sleep(0.01)
        for worker in workers:
            assert await worker.drain() == 0
        # Whom three deaths in a row hit is set aside as poison; that is what it is for.
        poisoned = await db.fetchval("select count(*) from exora.dead_letters where cause = 'poison'")
        assert await db.fetchval(_FINISHED) + poisoned == len(acknowledged) == 3 * jobs_each
        assert poisoned <= kills / 10
        assert most == KEYS
        await row.check(db, acknowledged)


@pytest.mark.row(7)
@pytest.mark.xdist_group("workers-7")
async def test_a_worker_that_slept_two_leases_changes_nothing_of_what_it_held(sandbox: Sandbox, row: Row) -> None:
    rounds, size = 5 * row.scale, 4
    async with owner(sandbox, row, 1.0) as db, contextlib.AsyncExitStack() as stack:
        awake = [await stack.enter_async_context(crew(sandbox.dsn, HANDLERS, "--slots", "8", "--name", "awake"))]
        sleepers = [
            await stack.enter_async_context(crew(sandbox.dsn, HANDLERS, "--slots", "4", "--name", "sleeper"))
            for _ in range(size)
        ]
        jobs: list[UUID] = []
        fenced = 0
        for _ in range(rounds):
            jobs += await enqueue(sandbox, 80, scope="sleep", limit=400)

            async def all_busy() -> bool:
                return bool(
                    await db.fetchval(
                        "select count(distinct worker_id) from exora.running where worker_id like 'sleeper-%'"
                    )
                    == size
                )

            await until(all_busy, 20)
            for sleeper in sleepers:
                sleeper.freeze()
            held = [await row.hits(db, sleeper) for sleeper in sleepers]
            try:
                froze = time.monotonic()

                async def nothing_held(froze: float = froze) -> bool:
                    left = "select count(*) from exora.running where worker_id like 'sleeper-%'"
                    return time.monotonic() > froze + 2 * row.lease_s and not await db.fetchval(left)

                await until(nothing_held, 2 * row.lease_s + 10)
            finally:
                for sleeper in sleepers:
                    sleeper.thaw()
            fenced += sum(held)
            await sandbox.ended(jobs, 30)
        for worker in [*awake, *sleepers]:
            assert await worker.drain() == 0
        told = sum(
            line["event"] == "claim_lost" or line.get("status") == "lost"
            for sleeper in sleepers for line in sleeper.lines()
        )  # fmt: skip
        rescued = await db.fetchval(
            "select count(*) from exora.audit_events where event = 'job_rescued' and worker_id like 'sleeper-%'"
        )
        print(f"held={fenced} rescued={rescued} told={told}")
        assert rescued >= fenced > 0
        assert told > 0
        assert {view.state for view in await sandbox.ended(jobs)} == {JobState.COMPLETED}
        await row.check(db, jobs)


@pytest.mark.row(14)
@pytest.mark.xdist_group("workers-14")
@pytest.mark.parametrize(("job_ms", "drain_s"), [(500, 10), (60_000, 1)], ids=["within", "beyond"])
async def test_sigterm_lets_finish_what_fits_in_the_drain_and_gives_back_the_rest(
    sandbox: Sandbox, row: Row, job_ms: int, drain_s: int
) -> None:
    rounds = 5 * row.scale
    async with owner(sandbox, row, 30) as db:
        jobs: list[UUID] = []
        for _ in range(rounds):
            jobs += await enqueue(sandbox, 6, scope="sleep", limit=job_ms)
            async with crew(sandbox.dsn, HANDLERS, "--slots", "4", "--drain-s", str(drain_s)) as worker:
                await worker.says("worker_started")

                async def busy() -> bool:
                    return bool(await db.fetchval("select count(*) >= 4 from exora.running"))

                await until(busy, 20)
                asked = await db.fetchval("select clock_timestamp()")
                row.fault()
                began = time.monotonic()
                assert await worker.drain(within_s=drain_s + 10) == 0
                row.recovered(time.monotonic() - began)
            late = await db.fetchval(
                "select count(*) from exora.audit_events"
                " where event = 'job_claimed' and at > $1::timestamptz + interval '1 s'",
                asked,
            )
            assert late == 0
            assert await db.fetchval("select count(*) from exora.running") == 0
        async with sandbox.coordinator() as coordinator:
            views = await coordinator.get_jobs(jobs)
        assert all(view.retry_count == 0 and view.crash_count == 0 for view in views)
        ended = {view.state for view in views}
        assert ended <= ({JobState.PENDING, JobState.COMPLETED} if drain_s > 1 else {JobState.PENDING})
        await row.check(db, jobs)


@pytest.mark.row(16)
@pytest.mark.xdist_group("workers-16")
@pytest.mark.parametrize("deed", ["exit", "segfault", "gil"])
async def test_a_poisonous_job_is_set_aside_and_costs_the_others_nothing(sandbox: Sandbox, row: Row, deed: str) -> None:
    async with owner(sandbox, row, 1.0) as db:
        [bad] = await enqueue(sandbox, 1, scope=deed)
        good = await enqueue(sandbox, 60 * row.scale, scope="sleep", limit=50)
        workers = [await start_crew(sandbox.dsn, HANDLERS) for _ in range(2)]

        async def over() -> bool:
            """Look, and do what a supervisor does: replace who has ended or does not answer."""
            for place, worker in enumerate(workers):
                if worker.alive and await silent(db, worker):
                    await worker.kill()
                if not worker.alive:
                    row.fault()
                    workers[place] = await start_crew(sandbox.dsn, HANDLERS)
            return not await db.fetchval(_LEFT)

        await until(over, 60 * row.scale)
        for worker in workers:
            assert await worker.drain() == 0
        view = await sandbox.job(bad)
        assert (view.state, view.dead_letter_cause, view.crash_count) == (JobState.FAILED, "poison", 3)
        others = await sandbox.ended(good)
        print(f"{deed}: others' crashes {sorted({other.crash_count for other in others})}")
        assert {other.state for other in others} == {JobState.COMPLETED}
        await row.check(db, [bad, *good])


async def silent(db: asyncpg.Connection, worker: WorkerProcess) -> bool:
    """Whether a claim of this worker has been taken back: it does not send heartbeats, so it hangs."""
    worker_id = (await worker.says("worker_started"))["worker_id"]
    return bool(
        await db.fetchval(
            "select exists (select from exora.audit_events where event = 'job_rescued' and worker_id = $1)", worker_id
        )
    )
