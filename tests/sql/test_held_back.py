"""Concurrency keys under transactions that overlap."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import asyncpg

from exora.testing.invariants import check_invariants

TYPE = "report_generation"


async def test_a_job_cancelled_while_it_is_being_let_in_stays_cancelled(dsn: str, db: asyncpg.Connection) -> None:
    enqueue = "select job_id from public.enqueue_job_v3($1, null, '{}', p_concurrency_key => 'k')"
    jobs = [await db.fetchval(enqueue, TYPE) for _ in range(3)]
    await db.fetch("select public.claim_jobs_v3('w', $1, array[$2])", uuid4(), TYPE)
    other = await asyncpg.connect(dsn)
    transaction = other.transaction()
    await transaction.start()
    assert await other.fetchval("select public.cancel_job_v3($1)", jobs[1]) == "cancelled"
    settle = (
        "select public.settle_jobs_v3(array_agg(job), array_agg(attempt), array_agg(claim_token)) from exora.running"
    )
    settling = asyncio.create_task(db.execute(settle))
    blocked = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    async with asyncio.timeout(30):
        while not await other.fetchval(blocked):
            await asyncio.sleep(0)
    await transaction.commit()
    await settling
    rows = await other.fetch("select * from public.claim_jobs_v3('w', $1, array[$2], null, 10)", uuid4(), TYPE)
    assert [row["job_id"] for row in rows] == jobs[2:]
    await check_invariants(other, jobs)
    await other.close()
