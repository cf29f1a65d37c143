"""Periodic jobs: when ticks come, what becomes of missed ones, and that each is enqueued once, whoever dies when."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exora.coordination.port import Coordinator
from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.domain.operations import Act
from exora.domain.schedule import Missed, Schedule, due, next_tick
from exora.errors import BadInput, NotFound
from exora.testing.processes import worker
from exora.worker.scheduler import Scheduler
from tests.acceptance.cli import exora

TICK = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
SCHEDULE = Schedule("s", "0 3 * * *", "UTC", "report_generation", None, 5, {}, "one", TICK, None, None, TICK)


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class TestTicks:
    @pytest.mark.parametrize(
        ("cron", "zone", "after", "expected"),
        [
            ("*/15 * * * *", "UTC", "2026-03-02 10:07", "2026-03-02 10:15"),
            ("30 2 * * 1-5", "Australia/Sydney", "2026-03-06 16:00", "2026-03-08 15:30"),
            ("30 2 * * *", "Europe/Berlin", "2026-03-28 12:00", "2026-03-29 01:00"),  # 02:30 does not exist: 03:00
            ("30 2 * * *", "Europe/Berlin", "2026-10-24 12:00", "2026-10-25 00:30"),  # 02:30 comes twice: the first
            ("30 2 * * *", "Europe/Berlin", "2026-10-25 00:30", "2026-10-26 01:30"),  # and not again
            ("0 0 29 2 *", "UTC", "2026-03-01 00:00", "2028-02-29 00:00"),
        ],
    )
    def test_come_by_the_clock_on_the_wall(self, cron: str, zone: str, after: str, expected: str) -> None:
        assert next_tick(cron, zone, at(after)) == at(expected)

    @pytest.mark.parametrize(
        ("cron", "zone", "field"),
        [("61 * * * *", "UTC", "cron"), ("nonsense", "UTC", "cron"), ("0 0 30 2 *", "UTC", "cron"),
         ("0 0 * * *", "Mars/Olympus", "time_zone"), ("0 0 * * *", "../etc/passwd", "time_zone")],
    )  # fmt: skip
    def test_of_nonsense_are_refused_by_name(self, cron: str, zone: str, field: str) -> None:
        with pytest.raises(BadInput) as refused:
            next_tick(cron, zone, TICK)
        assert refused.value.field == field

    @given(late=st.timedeltas(timedelta(0), timedelta(days=400)), missed=st.sampled_from(["skip", "one", "all"]))
    @settings(max_examples=60, deadline=None)
    def test_never_stand_still(self, late: timedelta, missed: Missed) -> None:
        firing = due(replace(SCHEDULE, missed=missed, asked_at=TICK + late))
        assert firing.next_at > TICK
        assert firing.skip == (missed == "skip" and late > timedelta(seconds=60))
        if late <= timedelta(seconds=60) or missed == "all":
            assert firing.next_at == TICK + timedelta(days=1)
        else:
            assert TICK + late < firing.next_at <= TICK + late + timedelta(days=1)


def far_off() -> str:
    """Once a day, half a day from now: no tick of its own comes while a test runs."""
    then = datetime.now(UTC) + timedelta(hours=12)
    return f"{then.minute} {then.hour} * * *"


async def put(
    coordinator: Coordinator, name: str, next_at: datetime, missed: Missed = "one", cron: str = "* * * * *"
) -> None:
    """A schedule whose next tick is as said, and those after it every minute."""
    await coordinator.put_schedule(
        name,
        cron=cron,
        time_zone="UTC",
        next_at=next_at,
        job_type="report_generation",
        payload={},
        missed=missed,
    )


async def enqueued(db: asyncpg.Connection, name: str) -> list[str]:
    """The idempotency keys of a schedule's jobs."""
    rows = await db.fetch("select idempotency_key from exora.jobs where idempotency_key like $1", f"schedule:{name}:%")
    return [row[0] for row in rows]


@pytest.mark.parametrize(("missed", "jobs"), [("skip", 0), ("one", 1), ("all", 5)])
async def test_missed_ticks_are_treated_as_asked(
    coordinator: Coordinator, db: asyncpg.Connection, missed: Missed, jobs: int
) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    await put(coordinator, "late", now - timedelta(minutes=4), missed)
    scheduler = Scheduler(coordinator)
    for _ in range(8):
        await scheduler.run_once()
    found = await enqueued(db, "late")
    assert jobs <= len(found) <= jobs + 1, "one more, if a minute began meanwhile"
    assert len(found) == len(set(found))
    [schedule] = await coordinator.list_schedules()
    assert schedule.next_at > now


async def test_each_tick_is_enqueued_once_however_many_look(dsn: str, db: asyncpg.Connection) -> None:
    transports = [PostgresTransport(dsn) for _ in range(6)]
    coordinators = [WireCoordinator(transport) for transport in transports]
    now = datetime.now(UTC).replace(microsecond=0)
    for n in range(20):
        await put(coordinators[0], f"s{n}", now, cron=far_off())
    fired = await asyncio.gather(*(Scheduler(one).run_once() for one in coordinators))
    assert sum(fired) == 20
    for n in range(20):
        assert len(await enqueued(db, f"s{n}")) == 1
    for transport in transports:
        await transport.close()


@pytest.mark.xdist_group("processes")
async def test_two_workers_and_a_kill_enqueue_each_tick_once(dsn: str, db: asyncpg.Connection) -> None:
    transport = PostgresTransport(dsn)
    coordinator = WireCoordinator(transport)
    for n in range(10):
        await put(coordinator, f"s{n}", datetime.now(UTC) + timedelta(days=1), cron=far_off())
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        ticks += 1
        await db.execute(
            "update exora.schedules set next_at = date_trunc('second', now()) - interval '1 s' * $1", 10 - ticks
        )

    async def fired() -> None:
        async with asyncio.timeout(30):
            while await db.fetchval("select count(*) from exora.jobs") < 10 * ticks:
                await asyncio.sleep(0.02)

    async with worker(dsn) as first, worker(dsn) as second:
        await first.says("worker_started")
        await second.says("worker_started")
        for _ in range(2):
            await tick()
            await fired()
        await tick()
        await first.says("schedule_fired")
        await first.ends(signal.SIGKILL)
        await fired()
        await tick()
        await fired()
    keys = [key for n in range(10) for key in await enqueued(db, f"s{n}")]
    assert (len(keys), len(set(keys))) == (40, 40)
    assert await db.fetchval("select count(*) from exora.jobs") == 40
    await transport.close()


async def test_schedules_are_made_listed_run_and_removed(dsn: str, db: asyncpg.Connection) -> None:
    made = await exora("schedules", "add", "nightly", "30 2 * * *", "report_generation", "--tz", "Australia/Sydney",
                       "--payload", '{"limit": 100}', "--why", "INC-9", "--by", "alice", DATABASE_URL=dsn)  # fmt: skip
    assert "nightly is made; next at" in made.out, made.err
    [listed] = (await exora("schedules", "list", "--json", DATABASE_URL=dsn)).json
    assert (listed["cron"], listed["time_zone"], listed["payload"]) == (
        "30 2 * * *",
        "Australia/Sydney",
        {"limit": 100},
    )
    run = await exora("schedules", "run", "nightly", "--json", DATABASE_URL=dsn)
    assert run.json["job_id"]
    refused = await exora("schedules", "add", "bad", "0 3 * * *", "no_such_type", DATABASE_URL=dsn)
    assert (refused.code, "unknown job type" in refused.err) == (2, True)
    assert "Add --yes" in (await exora("schedules", "remove", "nightly", DATABASE_URL=dsn)).err
    assert (await exora("schedules", "remove", "nightly", "--yes", DATABASE_URL=dsn)).code == 0
    events = await db.fetch("select event, detail ->> 'by' as by from exora.audit_events where event like 'schedule%'")
    assert [event["event"] for event in events] == ["schedule_set", "schedule_run", "schedule_dropped"]
    assert events[0]["by"] == "alice"


async def test_what_is_not_there_is_said(coordinator: Coordinator) -> None:
    assert not await coordinator.drop_schedule("none", Act("alice"))
    with pytest.raises(NotFound):
        await coordinator.run_schedule("none")
