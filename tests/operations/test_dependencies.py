"""Jobs that wait for others, and groups with a completion job."""

from __future__ import annotations

from uuid import UUID, uuid4

import asyncpg
import pytest

from exora.domain.job import EnqueueRequest
from exora.domain.outcome import Completed, Dead
from exora.errors import BadInput
from exora.testing.invariants import check_invariants
from tests.conformance.conftest import FAILURE, Client

LAST = "audit_cleanup"


async def after(client: Client, *needs: UUID, any_end: bool = False, key: str | None = None) -> UUID:
    """A job that waits for these."""
    request = EnqueueRequest(LAST, {}, idempotency_key=key)
    answer = await client.coordinator.enqueue_after(request, needs, any_end=any_end)
    assert (answer.outcome, answer.reason) in (("deferred", "dependencies"), ("duplicate", "idempotency_key"))
    return answer.job_id


async def ready(client: Client) -> list[UUID]:
    """Sweep, then claim what waits for others no more."""
    await client.coordinator.sweep()
    return [job.job_id for job in await client.claim(10, types=(LAST,))]


async def test_the_completion_job_of_a_group_runs_when_all_are_done(client: Client, db: asyncpg.Connection) -> None:
    group = await client.enqueue(3)
    last = await after(client, *group)
    for job in await client.claim(3):
        assert await ready(client) == []
        await client.settle(job, Completed())
    assert await ready(client) == [last]
    assert await db.fetchval("select count(*) from exora.dependencies") == 0
    await check_invariants(db)


async def test_a_death_holds_it_up_until_redriven_unless_any_end_will_do(client: Client) -> None:
    [job] = await client.enqueue()
    strict, lenient = await after(client, job), await after(client, job, any_end=True)
    [claimed] = await client.claim()
    await client.settle(claimed, Dead(FAILURE))
    assert await ready(client) == [lenient]
    found = await client.coordinator.explain_job(strict)
    assert found.cause == "depends"
    assert found.sentence == f"Waiting: it waits for 1 other job(s); the first, {job}, is failed."
    assert f"exora jobs retry {job}" in found.facts[0].remedy
    await client.coordinator.redrive([job])
    [claimed] = await client.claim()
    await client.settle(claimed, Completed())
    assert await ready(client) == [strict]


async def test_a_chain_runs_in_order(client: Client) -> None:
    [first] = await client.enqueue()
    second = await after(client, first)
    third = await after(client, second)
    [claimed] = await client.claim()
    await client.settle(claimed, Completed())
    for expected in (second, third):
        await client.coordinator.sweep()
        [claimed] = await client.claim(10, types=(LAST,))
        assert claimed.job_id == expected
        await client.settle(claimed, Completed())


async def test_it_can_be_run_without_the_others_held_and_cancelled(client: Client) -> None:
    [job] = await client.enqueue()
    hurried, held, cancelled = [await after(client, job) for _ in range(3)]
    assert await client.coordinator.retry_job(hurried) == "ready"
    assert await client.coordinator.hold_job(held) == "held"
    assert await client.coordinator.cancel(cancelled) == "cancelled"
    [claimed] = await client.claim()
    await client.settle(claimed, Completed())
    assert await ready(client) == [hurried]
    assert await client.state(held) == "pending"
    assert await client.state(cancelled) == "cancelled"


async def test_what_is_not_there_cannot_be_waited_for_and_a_repeat_is_a_duplicate(client: Client) -> None:
    with pytest.raises(BadInput, match="p_needs"):
        await after(client, uuid4())
    with pytest.raises(BadInput, match="p_needs"):
        await after(client)
    [job] = await client.enqueue()
    assert await after(client, job, key="k") == await after(client, job, key="k")
