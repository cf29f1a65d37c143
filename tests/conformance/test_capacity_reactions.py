"""What a provider says reaches the whole fleet: closings, the breaker, narrowing; claims and enqueues look at it."""

from __future__ import annotations

import asyncpg
import pytest

from exora.coordination.port import Coordinator
from exora.domain.capacity import Need
from exora.domain.operations import Act
from exora.errors import BadInput

from .test_capacity import OPENAI, age, reserve, shown
from .test_capacity_blocks import Holder

TYPE = "ai_processing"
ROOM = "select room, reason from exora.room_for_types(array['ai_processing', 'report_generation'])"
PRESSURE = """select extract(epoch from deferred_until - clock_timestamp())::float8 as wait_s, reason
  from exora.backpressure_for_types(array['ai_processing', 'report_generation'])"""


@pytest.fixture
def one(coordinator: Coordinator) -> Holder:
    """A worker."""
    return Holder(coordinator, "one")


async def test_a_retry_after_closes_for_all_and_opens_by_itself(
    coordinator: Coordinator, db: asyncpg.Connection, one: Holder
) -> None:
    await coordinator.report_api_throttle(*OPENAI, "throttled", retry_after_ms=20_000)
    denied = await reserve(coordinator)
    assert (denied.granted, denied.reason) == (False, "retry_after")
    assert 19_000 < denied.retry_after_ms <= 20_000
    block = await one.sync(want_requests=5)
    assert (block.requests, block.slots, block.reason) == (0, 0, "retry_after")
    assert block.closed_ms is not None
    api = await shown(coordinator)
    assert (api.state, api.reason) == ("rate_limited", "retry_after")
    assert api.closed_until is not None
    await age(db, 20.1)
    assert (await reserve(coordinator)).granted


async def test_it_opens_gradually(coordinator: Coordinator, db: asyncpg.Connection, one: Holder) -> None:
    await coordinator.report_api_throttle(*OPENAI, "throttled", retry_after_ms=1000)
    granted = []
    for second in range(22):
        await age(db, 1.02 if second == 0 else 1)
        block = await one.sync(want_requests=500, want_slots=500)
        await one.sync(ages_ms=[0], used_requests=[block.requests], used_tokens=[0])
        granted.append(block.requests)
    assert granted[0] == 1
    assert granted[1] < granted[5] < granted[10]
    assert max(granted[:10]) < 60
    assert 450 <= sum(granted) <= 500


async def test_without_a_retry_after_the_pause_doubles(coordinator: Coordinator, db: asyncpg.Connection) -> None:
    waits = []
    for _ in range(3):
        await coordinator.report_api_throttle(*OPENAI, "throttled")
        await coordinator.report_api_throttle(*OPENAI, "throttled")  # of a call under way: the same rejection
        denied = await reserve(coordinator)
        waits.append(round(denied.retry_after_ms / 1000))
        await age(db, denied.retry_after_ms / 1000 + 0.1)
    assert waits[0] < waits[1] < waits[2] <= 16


async def test_a_shorter_wait_does_not_shorten_a_longer_one(coordinator: Coordinator) -> None:
    await coordinator.report_api_throttle(*OPENAI, "throttled", retry_after_ms=30_000)
    await coordinator.report_api_throttle(*OPENAI, "throttled", retry_after_ms=1000)
    assert (await reserve(coordinator)).retry_after_ms > 29_000


@pytest.mark.parametrize("kind", ["insufficient_quota", "invalid_key", "forbidden"])
async def test_what_only_a_person_can_mend_stays_closed_until_one_opens_it(
    coordinator: Coordinator, db: asyncpg.Connection, kind: str
) -> None:
    await coordinator.report_api_throttle(*OPENAI, kind)  # type: ignore[arg-type]
    await coordinator.report_api_throttle(*OPENAI, "throttled", retry_after_ms=10)
    await age(db, 100_000)
    assert (await reserve(coordinator)).reason == kind
    api = await shown(coordinator)
    assert (api.state, api.reason, api.closed_until) == ("closed", kind, None)
    assert await coordinator.close_api(*OPENAI, closed=False)
    assert (await reserve(coordinator)).granted
    events = [row["event"] for row in await db.fetch("select event from exora.audit_events order by at")]
    assert events == ["api_closed", "api_opened"]


async def test_a_storm_of_failures_opens_the_breaker_and_one_probe_decides(
    coordinator: Coordinator, db: asyncpg.Connection, one: Holder
) -> None:
    two = Holder(coordinator, "two")
    await one.sync(failed=9, want_requests=1)
    assert (await shown(coordinator)).state == "available"
    assert (await one.sync(failed=1, want_requests=1)).reason == "provider_failing"
    assert (await shown(coordinator)).state == "down"
    await age(db, 5.1)
    assert (await one.sync(want_requests=5)).requests == 1
    assert (await two.sync(want_requests=5)).reason == "half_open"
    # It fails again: closed for longer.
    again = await one.sync(failed=1, want_requests=5)
    assert again.reason == "provider_failing"
    assert again.closed_ms is not None
    assert 9000 < again.closed_ms <= 10_000
    await age(db, 10.1)
    assert (await two.sync(want_requests=5)).requests == 1
    got = await two.sync(succeeded=1, want_requests=5)
    assert (got.requests, (await shown(coordinator)).reason) == (1, "recovering")


async def test_failures_among_many_successes_do_not_open_the_breaker(coordinator: Coordinator, one: Holder) -> None:
    await one.sync(failed=1)
    await one.sync(succeeded=100)
    await one.sync(failed=50)
    assert (await shown(coordinator)).state == "available"


async def test_what_the_provider_has_left_narrows_the_gate(
    coordinator: Coordinator, db: asyncpg.Connection, one: Holder
) -> None:
    await coordinator.report_api_throttle(*OPENAI, "remaining", remaining_requests=2, reset_ms=5000)
    assert (await one.sync(want_requests=10)).requests == 2
    await db.execute("update exora.api_state set narrowed_until = clock_timestamp()")
    assert (await one.sync(requests=2, want_requests=10)).requests == 10


async def test_an_operator_closes_and_opens(coordinator: Coordinator, db: asyncpg.Connection) -> None:
    assert await coordinator.close_api(*OPENAI, closed=True)
    assert not await coordinator.close_api(*OPENAI, closed=True)
    assert (await reserve(coordinator)).reason == "operator"
    assert await coordinator.close_api(*OPENAI, closed=False)
    assert not await coordinator.close_api(*OPENAI, closed=False)
    assert await coordinator.close_api(*OPENAI, closed=True, seconds=5)
    await age(db, 6)
    assert (await reserve(coordinator)).granted


async def test_who_closed_it_and_why_is_shown_while_it_is_closed_and_kept_in_the_trail(
    coordinator: Coordinator, db: asyncpg.Connection
) -> None:
    await coordinator.set_api_limits(*OPENAI, {"requests_per_minute": 7}, act=Act("carol", "new-plan"))
    assert await coordinator.close_api(*OPENAI, closed=True, act=Act("alice", "outage-42"))
    api = await shown(coordinator)
    assert (api.state, api.reason, api.closed_by, api.closed_why) == ("closed", "operator", "alice", "outage-42")
    assert await coordinator.close_api(*OPENAI, closed=False, act=Act("bob", "mended"))
    api = await shown(coordinator)
    assert (api.state, api.closed_by, api.closed_why) == ("available", None, None)
    await coordinator.report_api_throttle(*OPENAI, "invalid_key")
    api = await shown(coordinator)
    assert (api.reason, api.closed_by) == ("invalid_key", None)
    trail = await db.fetch(
        "select event, detail ->> 'by' as by, detail ->> 'why' as why from exora.audit_events"
        " where event like 'api_%' order by at"
    )
    assert [tuple(row) for row in trail] == [
        ("api_limits_set", "carol", "new-plan"),
        ("api_closed", "alice", "outage-42"),
        ("api_opened", "bob", "mended"),
        ("api_closed", None, None),
    ]
    with pytest.raises(BadInput, match="why must be a code"):
        await coordinator.close_api(*OPENAI, closed=True, act=Act("alice", "Jane Roe's scan"))


async def test_an_unknown_report_is_refused(coordinator: Coordinator) -> None:
    with pytest.raises(BadInput, match="unknown kind"):
        await coordinator.report_api_throttle(*OPENAI, "bored")  # type: ignore[arg-type]


async def test_claims_and_enqueues_see_no_bound_while_nothing_is_pressed(
    coordinator: Coordinator, db: asyncpg.Connection
) -> None:
    await coordinator.report_api_throttle(*OPENAI, "throttled", retry_after_ms=60_000)
    assert (await db.fetch(ROOM), await db.fetch(PRESSURE)) == ([], [])  # no type needs it
    assert await coordinator.declare_needs([TYPE], [Need("google", "vision-api")])
    assert not await coordinator.declare_needs([TYPE], [Need("google", "vision-api")])
    assert (await db.fetch(ROOM), await db.fetch(PRESSURE)) == ([], [])


async def test_a_closed_api_leaves_no_room_and_defers_until_it_opens(
    coordinator: Coordinator, db: asyncpg.Connection
) -> None:
    await coordinator.declare_needs([TYPE], [Need("google", "vision-api"), Need(*OPENAI)])
    await coordinator.report_api_throttle(*OPENAI, "throttled", retry_after_ms=30_000)
    assert [tuple(row) for row in await db.fetch(ROOM)] == [(0, "openai/gpt-4o-mini:retry_after")]
    [row] = await db.fetch(PRESSURE)
    assert (row["reason"], 29 < row["wait_s"] <= 30) == ("openai/gpt-4o-mini:retry_after", True)
    await coordinator.declare_needs([TYPE], [])
    assert (await db.fetch(ROOM), await db.fetch(PRESSURE)) == ([], [])


async def test_what_only_a_person_opens_is_looked_at_again_in_a_minute(
    coordinator: Coordinator, db: asyncpg.Connection
) -> None:
    await coordinator.declare_needs([TYPE], [Need(*OPENAI)])
    await coordinator.close_api(*OPENAI, closed=True, act=Act("alice", "bill_not_paid"))
    [row] = await db.fetch(PRESSURE)
    assert 59 < row["wait_s"] <= 60
    await coordinator.set_api_limits(*OPENAI, {"status": "maintenance"})
    [row] = await db.fetch(PRESSURE)
    assert (row["reason"], 59 < row["wait_s"] <= 60) == ("openai/gpt-4o-mini:maintenance", True)


async def test_a_pressed_api_leaves_room_for_what_frees_soon(
    coordinator: Coordinator, db: asyncpg.Connection, one: Holder
) -> None:
    await coordinator.set_api_limits(*OPENAI, {"requests_per_minute": 60})
    await coordinator.declare_needs([TYPE], [Need(*OPENAI, requests_per_job=2)])
    await one.sync(want_requests=55, waiting=0)
    [room] = await db.fetch(ROOM)
    assert room["room"] == 7  # 5 are free, 10 leave within ten seconds; 2 a job
    [row] = await db.fetch(PRESSURE)
    assert (row["reason"], 0 < row["wait_s"] <= 1) == ("openai/gpt-4o-mini:above_threshold", True)
    await one.sync(requests=55, want_requests=20, want_slots=0)  # and twenty wait
    assert [row["room"] for row in await db.fetch(ROOM)] == [0]
