"""Defects of the original system, each found by running it: the wrong behavior cannot happen here.

The worker's own (one claim per poll, a lost result after a failed complete, documents on disk, heartbeats that end
before the drain) are shown by real workers: ``tests/worker``, ``tests/faults``, ``tests/acceptance/test_privacy.py``.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

TYPE = "report_generation"
API = ("openai", "gpt-4o-mini")


async def enqueue(db: asyncpg.Connection, priority: int = 5, max_retries: int = 5) -> UUID:
    """One job, by the original's argument names."""
    call = (
        "select job_id from public.enqueue_job_v3(job_type => $1, job_name => 'n', job_payload => '{}', priority => $2,"
    )
    job_id: UUID = await db.fetchval(f"{call} p_max_retries => $3)", TYPE, priority, max_retries)
    return job_id


async def claim(db: asyncpg.Connection, worker: str = "w") -> list[dict[str, Any]]:
    """Claim as the original's worker does."""
    call = "select * from public.claim_next_job_v3(p_worker_id => $1, p_job_types => array[$2], p_job_lanes => null)"
    return [dict(row) for row in await db.fetch(call, worker, TYPE)]


async def complete(db: asyncpg.Connection, job_id: UUID, worker: str) -> bool:
    """Complete as the original's worker does."""
    call = "select public.complete_job(p_job_id => $1, p_worker_id => $2, p_job_result => '{}')"
    done: bool = await db.fetchval(call, job_id, worker)
    return done


async def lapse(db: asyncpg.Connection) -> None:
    """The worker was not heard of for longer than its lease; the sweep takes its claims back."""
    await db.execute("update exora.running set lease_expires_at = now() - interval '1 s'")
    await db.execute("select public.sweep_v3()")


async def acquire(db: asyncpg.Connection, times: int) -> list[bool]:
    """Acquire capacity as the original's worker was meant to."""
    return [await db.fetchval("select public.acquire_api_capacity($1, $2, 10)", *API) for _ in range(times)]


async def pass_time(db: asyncpg.Connection, seconds: float) -> None:
    """Let every reservation have been made so much earlier."""
    await db.execute("update exora.api_window set tick = tick - $1", math.floor(seconds * 5))
    await db.execute(
        "update exora.api_reservations"
        " set sent_by = sent_by - $1::interval, lease_expires_at = lease_expires_at - $1::interval",
        timedelta(seconds=seconds),
    )


async def test_original_defect_01_a_claim_ran_into_an_ambiguous_column(db: asyncpg.Connection) -> None:
    job_id = await enqueue(db)
    [job] = await claim(db)
    assert (job["job_id"], job["retry_count"]) == (job_id, 0)


async def test_original_defect_02_no_change_of_a_job_left_an_audit_row(db: asyncpg.Connection) -> None:
    job_id = await enqueue(db)
    await claim(db)
    await db.execute("select public.reschedule_job(p_job_id => $1, p_delay_seconds => 0, p_reason => 'busy')", job_id)
    await claim(db)
    await complete(db, job_id, "w")
    events = await db.fetch("select event from public.job_timeline_v3($1)", job_id)
    assert [row["event"] for row in events] == [
        "job_enqueued", "job_claimed", "job_retried", "job_claimed", "job_completed",
    ]  # fmt: skip


async def test_original_defect_03_the_lowest_priority_was_served_first(db: asyncpg.Connection) -> None:
    low, high = await enqueue(db, 10), await enqueue(db, 1)
    assert [(await claim(db))[0]["job_id"] for _ in range(2)] == [high, low]


async def test_original_defect_04_a_stale_attempt_completed_the_job_under_a_newer_one(db: asyncpg.Connection) -> None:
    job_id = await enqueue(db)
    [stale] = await claim(db, "service-1a")
    await lapse(db)
    [current] = await claim(db, "service-2b")
    assert await complete(db, job_id, "service-1a") is False
    settle = "select answer from public.settle_jobs_v3(array[exora.job_number($1)], array[$2::int], array[$3::uuid])"
    assert await db.fetchval(settle, job_id, stale["attempt"], stale["claim_token"]) == "lost"
    assert await db.fetchval("select status from public.job_queue where id = $1", job_id) == "processing"
    assert await db.fetchval(settle, job_id, current["attempt"], current["claim_token"]) is None  # settled


async def test_original_defect_05_rescheduling_never_burned_a_retry(db: asyncpg.Connection) -> None:
    job_id = await enqueue(db, max_retries=3)
    reschedule = "select public.reschedule_job(p_job_id => $1, p_delay_seconds => 0, p_reason => 'again')"
    for _ in range(4):
        assert len(await claim(db)) == 1
        assert await db.fetchval(reschedule, job_id)
    assert await claim(db) == []
    row = await db.fetchrow("select status, retry_count, dead_letter_cause from public.job_queue where id = $1", job_id)
    assert row is not None
    assert tuple(row) == ("failed", 3, "exhausted")
    assert not await db.fetchval(reschedule, job_id)  # nobody holds it


async def test_original_defect_06_twice_the_limit_was_admitted_at_the_edge_of_a_minute(db: asyncpg.Connection) -> None:
    """Its minute was the clock's: against 10 a minute it admitted 20 in half a second, 10 on either side of an edge."""
    await db.execute(
        "update exora.api_rate_limits set requests_per_minute = 10 where (provider_name, api_endpoint) = ($1, $2)", *API
    )
    assert await acquire(db, 10) == [True] * 10
    await db.execute("select public.release_api_capacity($1, $2, 10, 10) from generate_series(1, 10)", *API)
    await pass_time(db, 0.5)
    assert await acquire(db, 10) == [False] * 10
    for _ in range(5):  # whatever the clock shows, these are within sixty seconds of the first
        await pass_time(db, 10)
        assert await acquire(db, 1) == [False]
    await pass_time(db, 10.5)
    assert await acquire(db, 20) == [True] * 10 + [False] * 10


async def test_original_defect_07_capacity_leaked_and_releases_freed_that_of_others(db: asyncpg.Connection) -> None:
    """It counted the 20 calls of a worker that had died as running for ever."""
    await db.execute(
        "update exora.api_rate_limits set concurrent_requests = 20 where (provider_name, api_endpoint) = ($1, $2)", *API
    )
    assert await acquire(db, 30) == [True] * 20 + [False] * 10
    await db.execute("select public.release_api_capacity($1, $2, 99, 99) from generate_series(1, 30)", *API)  # nobody's
    assert await acquire(db, 1) == [False]
    await pass_time(db, 121)  # whoever acquired them died
    assert await acquire(db, 30) == [True] * 20 + [False] * 10
    await pass_time(db, 300)
    await db.execute("select public.sweep_v3()")
    assert await db.fetchval("select count(*) from exora.api_reservations") == 0


async def test_original_defect_08_the_heartbeat_lay_in_the_future(db: asyncpg.Connection) -> None:
    job_id = await enqueue(db)
    await claim(db)
    assert await db.fetchval("select public.update_job_heartbeat(p_job_id => $1, p_worker_id => 'w')", job_id)
    beat, now = await db.fetchrow(  # type: ignore[misc]
        "select heartbeat_at, clock_timestamp() from public.job_queue where id = $1", job_id
    )
    assert isinstance(beat, datetime)
    assert beat <= now


@pytest.mark.parametrize("role", ["anon", "authenticated"])
async def test_original_defects_09_10_and_13_functions_were_open_to_everybody(
    db: asyncpg.Connection, role: str
) -> None:
    """Their REVOKEs named signatures that do not exist; guards were skipped without a user, or trusted it."""
    await db.execute(f"set role {role}")
    for call in ("public.enqueue_job_v3('audit_cleanup', 'n', '{}')", "public.claim_next_job_v3('w')",
                 "public.log_audit_event('x', gen_random_uuid())", "public.redrive_jobs_v3('{}')"):  # fmt: skip
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await db.fetch(f"select {call}")


async def test_original_defect_11_jobs_shared_one_correlation_id(db: asyncpg.Connection) -> None:
    for _ in range(2):
        await enqueue(db)
    assert await db.fetchval("select count(distinct correlation_id) from public.job_queue") == 2
