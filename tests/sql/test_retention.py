"""Retention: old days of the archive go whole, with their jobs; dead letters by their own age; nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg

TYPE = "report_generation"


async def finished(db: asyncpg.Connection, count: int, days_ago: int) -> list[UUID]:
    """Jobs that were completed some days ago, in the partition of that day."""
    day = datetime.now(UTC).date() - timedelta(days=days_ago)
    name = f"exora.job_archive_{day:%Y%m%d}"
    await db.execute(
        f"create table if not exists {name} partition of exora.job_archive"
        f" for values from ('{day} 00:00+00') to ('{day + timedelta(days=1)} 00:00+00')"
    )
    rows = await db.fetch(
        "select job_id from public.enqueue_jobs_v3("
        " array_fill($1::text, array[$2::int]), array_fill('{}'::jsonb, array[$2::int]))",
        TYPE,
        count,
    )
    await db.fetch("select public.claim_jobs_v3('w', $1, array[$2], null, 1000)", uuid4(), TYPE)
    await db.execute(
        "select public.settle_jobs_v3(array_agg(job), array_agg(attempt), array_agg(claim_token)) from exora.running"
    )
    ids = [row["job_id"] for row in rows]
    await db.execute(
        "update exora.job_archive set finished_at = $2"
        " where job in (select exora.job_number(i) from unnest($1::uuid[]) i)",
        ids,
        datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=1),
    )
    return ids


async def known(db: asyncpg.Connection) -> set[UUID]:
    """The jobs there are."""
    return {row["id"] for row in await db.fetch("select id from public.job_queue")}


async def partitions(db: asyncpg.Connection) -> int:
    """How many days the archive has."""
    query = "select count(*) from pg_inherits where inhparent = 'exora.job_archive'::regclass"
    count: int = await db.fetchval(query)
    return count


async def drop(db: asyncpg.Connection, limit: int = 100) -> int:
    """One call of retention."""
    count: int = await db.fetchval("select exora.drop_expired($1)", limit)
    return count


async def test_an_old_day_goes_in_bounded_batches_and_then_whole(db: asyncpg.Connection) -> None:
    days = await partitions(db)
    old = await finished(db, 25, days_ago=40)
    young = await finished(db, 5, days_ago=30)
    assert await partitions(db) == days + 2
    assert [await drop(db, 10) for _ in range(3)] == [10, 10, 5]
    assert await known(db) == set(young)
    assert await db.fetchval("select count(*) from exora.job_archive") == len(old) + len(young)
    assert await drop(db) == 0
    assert await partitions(db) == days + 1
    assert await db.fetchval("select count(*) from exora.job_archive") == len(young)
    [event] = await db.fetch("select detail ->> 'jobs' as jobs from exora.audit_events where event = 'archive_dropped'")
    assert event["jobs"] == "25"
    assert await drop(db) == 0


async def test_a_reader_of_the_archive_is_not_waited_for(dsn: str, db: asyncpg.Connection) -> None:
    await finished(db, 1, days_ago=40)
    days = await partitions(db)
    reader = await asyncpg.connect(dsn)
    transaction = reader.transaction()
    await transaction.start()
    await reader.fetch("select * from exora.job_archive")
    assert [await drop(db), await drop(db)] == [1, 0]
    assert await partitions(db) == days
    await transaction.rollback()
    await reader.close()
    assert await drop(db) == 0
    assert await partitions(db) == days - 1


async def test_the_trail_of_what_is_gone_stays_and_verifies(db: asyncpg.Connection) -> None:
    await finished(db, 3, days_ago=40)
    before = await db.fetchval("select count(*) from exora.audit_events")
    await drop(db)
    await drop(db)
    assert await db.fetchval("select count(*) from exora.audit_events") == before + 1
    await db.execute("select exora.seal_audit()")
    assert await db.fetch("select * from public.verify_audit_v3()") == []


async def test_dead_letters_go_by_their_own_age_with_their_errors(db: asyncpg.Connection) -> None:
    ids = [await db.fetchval("select job_id from public.enqueue_job_v3($1, null, '{}')", TYPE) for _ in range(2)]
    for _ in ids:
        [claim] = await db.fetch("select * from public.claim_next_job_v3('w', array[$1])", TYPE)
        await db.fetch(
            "select public.settle_jobs_v3(array[exora.job_number($1)], array[1], array[$2::uuid], array['dead'],"
            """ p_errors => array['{"class": "E", "code": "e", "summary": "e", "fingerprint": "f"}'::jsonb])""",
            claim["job_id"],
            claim["claim_token"],
        )
    await db.execute(
        "update exora.dead_letters set dead_letter_at = now() - interval '91 days' where job = exora.job_number($1)",
        ids[0],
    )
    assert [await drop(db), await drop(db)] == [1, 0]
    assert await known(db) == {ids[1]}
    assert await db.fetchval("select count(*) from exora.job_errors") == 1
    assert await db.fetchval("select count(*) from exora.audit_events where event = 'dead_letter_dropped'") == 1


async def test_how_long_is_a_setting_of_the_database(db: asyncpg.Connection) -> None:
    await finished(db, 1, days_ago=40)
    await db.execute("update exora.retention set finished_days = 60")
    assert await drop(db) == 0
    assert len(await known(db)) == 1


async def test_the_sweep_lets_go_and_says_how_much(db: asyncpg.Connection) -> None:
    await finished(db, 2, days_ago=40)
    assert await db.fetchval("select public.sweep_v3() ->> 'forgotten'") == "2"
