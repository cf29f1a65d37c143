"""Claims and enqueues look at the APIs that a job type needs before anybody waits for them in vain."""

from __future__ import annotations

from uuid import uuid4

import asyncpg

from exora.domain.capacity import Need
from exora.domain.job import EnqueueRequest

from .conftest import DOCUMENT_TYPE, Client

TYPE = "report_generation"
OPENAI = ("openai", "gpt-4o-mini")


async def close(db: asyncpg.Connection) -> None:
    """The provider said 429, come back in a minute."""
    await db.execute("select public.report_api_throttle_v3($1, $2, 'throttled', 60000)", *OPENAI)


async def press(db: asyncpg.Connection, room: int) -> None:
    """The API has room for so many more jobs, and calls were denied a moment ago."""
    await db.execute(
        "update exora.api_rate_limits set concurrent_requests = $3 where (provider_name, api_endpoint) = ($1, $2)",
        *OPENAI,
        room,
    )
    await db.execute(
        "insert into exora.api_state as s (api, pressed_until)"
        " select api, clock_timestamp() + interval '1 min' from exora.api_rate_limits"
        " where (provider_name, api_endpoint) = ($1, $2)"
        " on conflict (api) do update set pressed_until = excluded.pressed_until",
        *OPENAI,
    )


class TestClaim:
    async def test_jobs_of_a_closed_api_wait_and_others_flow_past(self, client: Client, db: asyncpg.Connection) -> None:
        await client.coordinator.declare_needs([TYPE], [Need(*OPENAI)])
        bound = await client.enqueue(2)
        [free] = await client.coordinator.enqueue([EnqueueRequest("notification_delivery", {})])
        await close(db)
        both = (TYPE, "notification_delivery")
        assert [job.job_id for job in await client.claim(10, types=both)] == [free.job_id]
        await db.execute("update exora.api_state set closed_until = null, closed_kind = null, pressed_until = null")
        assert [job.job_id for job in await client.claim(10, types=both)] == bound

    async def test_no_more_are_claimed_than_there_is_room_for(self, client: Client, db: asyncpg.Connection) -> None:
        await client.coordinator.declare_needs([TYPE], [Need(*OPENAI)])
        jobs = await client.enqueue(6)
        await press(db, 4)
        assert [job.job_id for job in await client.claim(10)] == jobs[:4]

    async def test_the_room_is_shared_by_the_lanes_of_a_type_in_order(
        self, client: Client, db: asyncpg.Connection
    ) -> None:
        await client.coordinator.declare_needs([DOCUMENT_TYPE], [Need(*OPENAI)])
        patient = {"patient_id": str(uuid4()), "shell_file_id": str(uuid4())}
        payload = patient | {"storage_path": f"{patient['patient_id']}/x"}
        lanes = ["standard_queue", "fast_queue"] * 2
        jobs = [
            (await client.coordinator.enqueue([EnqueueRequest(DOCUMENT_TYPE, payload, lane=lane)]))[0].job_id
            for lane in lanes
        ]
        await press(db, 3)
        assert [job.job_id for job in await client.claim(10, types=(DOCUMENT_TYPE,))] == jobs[:3]


class TestEnqueue:
    async def test_it_is_deferred_until_the_api_opens_and_says_why(
        self, client: Client, db: asyncpg.Connection
    ) -> None:
        await client.coordinator.declare_needs([TYPE], [Need(*OPENAI)])
        await close(db)
        requests = [EnqueueRequest(TYPE, {}), EnqueueRequest("notification_delivery", {})]
        bound, free = await client.coordinator.enqueue(requests)
        [single] = await client.coordinator.enqueue(requests[:1])
        opens = await db.fetchval("select closed_until from exora.api_state where closed_until is not null")
        for answer in (bound, single):
            assert (answer.outcome, answer.reason) == ("deferred", "openai/gpt-4o-mini:retry_after")
            assert answer.scheduled_at == opens
        assert (free.outcome, free.reason) == ("accepted", None)
        assert await client.state(bound.job_id) == "pending"

    async def test_one_that_is_scheduled_for_later_keeps_its_time(self, client: Client, db: asyncpg.Connection) -> None:
        await client.coordinator.declare_needs([TYPE], [Need(*OPENAI)])
        await close(db)
        later = await db.fetchval("select now() + interval '1 day'")
        [answer] = await client.coordinator.enqueue([EnqueueRequest(TYPE, {}, scheduled_at=later)])
        assert (answer.outcome, answer.reason, answer.scheduled_at) == ("deferred", "scheduled", later)

    async def test_a_keyed_one_is_told_the_same(self, client: Client, db: asyncpg.Connection) -> None:
        await client.coordinator.declare_needs([TYPE], [Need(*OPENAI)])
        await close(db)
        keyed = [EnqueueRequest(TYPE, {}, idempotency_key=key) for key in ("a", "b")]
        await client.coordinator.enqueue(keyed[:1])
        first, second = await client.coordinator.enqueue(keyed)
        assert (first.outcome, second.outcome) == ("duplicate", "deferred")
        assert second.reason == "openai/gpt-4o-mini:retry_after"

    async def test_an_api_that_is_not_needed_defers_nothing(self, client: Client, db: asyncpg.Connection) -> None:
        await close(db)
        [answer] = await client.coordinator.enqueue([EnqueueRequest(TYPE, {})])
        assert answer.outcome == "accepted"
