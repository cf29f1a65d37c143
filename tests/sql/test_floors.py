"""The floors that claims start at: they step over finished jobs, and never over one that can still be claimed."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from exora.testing.invariants import check_invariants
from tests.sql.test_plans import Explained

TYPE = "report_generation"
HIGHEST, LOWEST = 1, 10
_ENQUEUE = (
    "select job_id from public.enqueue_jobs_v3("
    " array_fill($1::text, array[$2::int]), array_fill('{}'::jsonb, array[$2::int]),"
    " p_priorities => array_fill($3::int, array[$2::int]))"
)


async def enqueue(db: asyncpg.Connection, priority: int = 5, count: int = 1) -> list[UUID]:
    """Jobs of one priority: a minute of order apart from the next one's."""
    return [row["job_id"] for row in await db.fetch(_ENQUEUE, TYPE, count, priority)]


async def claim(db: asyncpg.Connection, limit: int = 1000) -> list[UUID]:
    """Claim, as a worker that does not wait."""
    rows = await db.fetch("select job_id from public.claim_jobs_v3('w', $1, array[$2], null, $3)", uuid4(), TYPE, limit)
    return [row["job_id"] for row in rows]


async def step(db: asyncpg.Connection, times: int = 3) -> int | None:
    """Let the floor take steps, each in a transaction of its own; answers where it is."""
    for _ in range(times):
        await db.execute("select exora.move_floor($1, 1)", TYPE)
    floor: int | None = await db.fetchval(
        "select floor from exora.lane_floors where lane = $1 order by number desc limit 1", TYPE
    )
    return floor


async def keys(db: asyncpg.Connection) -> list[int]:
    """Sort keys of the ready jobs, in order."""
    return [row[0] for row in await db.fetch("select sort_key from exora.ready order by sort_key, job")]


@pytest.fixture
async def other(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A second connection."""
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


async def raised(db: asyncpg.Connection) -> int:
    """A floor that has risen above the priorities up to 8; one job of the lowest is ready."""
    for priority in (8, 9, LOWEST):
        await enqueue(db, priority)
    for _ in range(2):
        await step(db, 6)
        await claim(db, 1)
    floor = await step(db, 6)
    [key] = await keys(db)
    assert floor is not None
    assert key - 61_000_000 < floor < key  # at the job of priority 9, the last one passed
    return floor


async def test_the_floor_rises_to_the_first_live_key(db: asyncpg.Connection) -> None:
    await raised(db)
    assert len(await claim(db)) == 1


async def test_the_floor_waits_for_an_enqueue_that_has_not_committed(
    db: asyncpg.Connection, other: asyncpg.Connection
) -> None:
    """Its job is invisible, its key below all others, and it looked at the floor before there was any proposal."""
    transaction = other.transaction()
    await transaction.start()
    [hidden] = await enqueue(other, HIGHEST)
    visible = await enqueue(db, LOWEST, 2)
    lowest = (await keys(db))[0]
    floor = await step(db, 10)
    assert floor is None or floor < lowest
    assert await claim(db, 1) == visible[:1]
    floor = await step(db, 10)
    assert floor is None or floor < lowest
    await transaction.commit()
    assert await claim(db) == [hidden, visible[1]]


async def test_a_job_below_the_floor_turns_it_back(db: asyncpg.Connection) -> None:
    floor = await raised(db)
    [first] = await enqueue(db, HIGHEST)
    assert (await keys(db))[0] < floor
    assert (await claim(db, 1)) == [first]
    assert len(await claim(db)) == 1


async def test_single_enqueues_turn_it_back_too(db: asyncpg.Connection) -> None:
    await raised(db)
    first = await db.fetchval("select job_id from public.enqueue_job_v3($1, null, '{}', priority => 1)", TYPE)
    assert (await claim(db, 1)) == [first]


async def test_the_floor_does_not_move_while_it_is_being_turned_back(
    db: asyncpg.Connection, other: asyncpg.Connection
) -> None:
    floor = await raised(db)
    transaction = other.transaction()
    await transaction.start()
    [hidden] = await enqueue(other, HIGHEST)
    await claim(db)
    await enqueue(db, LOWEST)
    assert await step(db, 10) == floor
    await transaction.commit()
    assert (await claim(db, 1)) == [hidden]


@pytest.mark.parametrize("priority", [5, LOWEST])
async def test_an_enqueue_that_was_overtaken_compares_again(
    dsn: str, db: asyncpg.Connection, other: asyncpg.Connection, priority: int
) -> None:
    """It had read an entry of the log, and before it got that entry's lock the floor was moved twice."""
    [first] = await enqueue(db, HIGHEST)
    await step(db)
    last = await enqueue(db, 9) + await enqueue(db, LOWEST)
    assert await claim(db, 1) == [first]
    mover = await asyncpg.connect(dsn)
    transaction = other.transaction()
    await transaction.start()
    async with mover.transaction():
        entry = await mover.fetchval("select max(number) from exora.lane_floors")
        await mover.execute("select pg_advisory_xact_lock(hashtextextended('exora.floor ' || $1, $2))", TYPE, entry)
        enqueuing = asyncio.create_task(enqueue(other, priority))
        waits = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
        async with asyncio.timeout(30):
            while not await db.fetchval(waits):
                await asyncio.sleep(0)
        await step(mover, 1)
        assert await claim(mover, 1) == last[:1]
        await step(mover, 1)
    overtaken = await enqueuing
    for _ in range(3):
        await claim(db, 1)
        await enqueue(db, LOWEST)
        await step(db)
    await transaction.commit()
    assert (await claim(db))[:1] == overtaken
    await mover.close()


async def test_a_rolled_back_job_leaves_the_floor_where_it_was(
    db: asyncpg.Connection, other: asyncpg.Connection
) -> None:
    floor = await raised(db)
    transaction = other.transaction()
    await transaction.start()
    await enqueue(other, HIGHEST)
    await transaction.rollback()
    assert await db.fetchval("select count(*) from exora.floor_breaks") == 0
    assert await step(db) == floor
    assert len(await claim(db)) == 1


async def test_jobs_made_ready_again_turn_it_back(db: asyncpg.Connection) -> None:
    """A released job comes back at the head of its priority."""
    await enqueue(db, HIGHEST)
    [held] = await claim(db, 1)
    await raised(db)
    await db.execute("update exora.running set lease_expires_at = now() - interval '1 s'")
    await db.execute("select public.sweep_v3()")
    assert held in await claim(db, 2)


async def test_a_snapshot_of_old_cannot_make_jobs_ready(db: asyncpg.Connection) -> None:
    """It might not see that the floor has risen."""
    with pytest.raises(asyncpg.PostgresError, match="READ COMMITTED") as caught:
        async with db.transaction(isolation="repeatable_read"):
            await enqueue(db)
    assert caught.value.sqlstate == "PT400"


async def test_what_others_write_does_not_stop_the_floor(db: asyncpg.Connection, other: asyncpg.Connection) -> None:
    """Only transactions that made jobs ready in the lane are waited for."""
    async with other.transaction():
        await other.execute("select pg_current_xact_id()")
        await raised(db)


async def test_the_log_is_pruned_to_what_counts(db: asyncpg.Connection) -> None:
    floor = await raised(db)
    await enqueue(db, HIGHEST)
    await step(db, 5)
    await db.execute("select exora.prune_floors()")
    assert await db.fetchval("select count(*) from exora.lane_floors") == 1
    assert await db.fetchval("select count(*) from exora.floor_breaks") == 0
    assert (await step(db, 0) or 0) < floor


async def test_the_alarm_finds_and_mends_a_job_below_the_floor(db: asyncpg.Connection) -> None:
    jobs = await enqueue(db)
    assert await db.fetchval("select exora.mend_floors()") == 0
    await db.execute(
        "insert into exora.lane_floors (lane, floor, proposed, open_entries)"
        " select $1, sort_key + 1, sort_key + 1, '{}' from exora.ready",
        TYPE,
    )
    assert await claim(db) == []
    assert await db.fetchval("select exora.mend_floors()") == 1
    assert await db.fetchval("select exora.mend_floors()") == 0
    assert await claim(db) == jobs


@pytest.mark.parametrize("held", ["select count(*) from exora.jobs", "select pg_current_xact_id()"])
async def test_a_transaction_held_open_does_not_make_claims_read_what_was_finished(
    db: asyncpg.Connection, other: asyncpg.Connection, held: str
) -> None:
    """While there is one, reading or writing, no vacuum takes the entries of finished jobs; claims step over them."""
    transaction = other.transaction(isolation="repeatable_read")
    await transaction.start()
    await other.execute(held)
    rounds, each = 20, 500
    await enqueue(db, count=rounds * each + 200)
    explained = Explained(db)
    for _ in range(rounds):
        assert len(await claim(db, each)) == each
    await db.execute("vacuum exora.ready")
    await step(db, 6)
    await db.execute("load 'auto_explain'; set auto_explain.log_min_duration = 0; set auto_explain.log_buffers = on;"
                     " set auto_explain.log_nested_statements = on; set auto_explain.log_analyze = on;"
                     " set client_min_messages = log")  # fmt: skip
    plans = await explained.plans("select job_id from public.claim_jobs_v3('w', $1, array[$2], null, 5)", uuid4(), TYPE)
    await transaction.rollback()
    [plan] = [plan for plan in plans if "delete from exora.ready" in plan]
    [scan] = re.findall(r"Index (?:Only )?Scan using ready_pkey on ready.*?Buffers: shared hit=(\d+)", plan, re.DOTALL)
    assert int(scan) < 20


@pytest.mark.parametrize("seed", range(2))
async def test_no_job_is_passed_over_whatever_commits_when(dsn: str, db: asyncpg.Connection, seed: int) -> None:
    """Producers whose transactions last, overlap and roll back, against claimers that raise the floor."""
    draw = random.Random(seed)
    made: set[UUID] = set()
    taken: list[UUID] = []
    producing = 4

    async def produce(connection: asyncpg.Connection) -> None:
        nonlocal producing
        for _ in range(25):
            transaction = connection.transaction()
            await transaction.start()
            jobs = await enqueue(connection, draw.randint(HIGHEST, LOWEST), draw.choice([1, 3, 120]))
            for _ in range(draw.randrange(8)):
                await connection.execute("select 1")  # the others go on meanwhile
            if draw.random() < 0.2:
                await transaction.rollback()
            else:
                await transaction.commit()
                made.update(jobs)
        producing -= 1

    async def consume(connection: asyncpg.Connection) -> None:
        while True:
            last = producing == 0
            jobs = await claim(connection, draw.choice([1, 20, 150]))
            taken.extend(jobs)
            await step(connection, 1)
            if last and not jobs:
                return

    async def connected(work: Any) -> None:
        connection = await asyncpg.connect(dsn)
        try:
            await work(connection)
        finally:
            await connection.close()

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for _ in range(producing):
            group.create_task(connected(produce))
        for _ in range(3):
            group.create_task(connected(consume))
    assert len(taken) == len(set(taken))
    assert set(taken) == made
    assert await db.fetchval("select count(*) from exora.lane_floors") > 0
    await check_invariants(db, made)
