"""Rows 10 and 17: producers that all enqueue the same, and a trail that cannot be written.

10. Of 64 clients that enqueue under one idempotency key at once, one is accepted and all are told the same job; another
    payload under the same key is a conflict.
17. No audit row, no change: when the trail cannot be written, each verb fails and leaves everything as it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest

from exora.coordination.port import Coordinator
from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.domain.job import EnqueueRequest, Fence
from exora.domain.outcome import DONE, Settlement
from exora.errors import Conflict, CoordinationError
from exora.testing.sandbox import Sandbox

from .deeds import TYPE
from .report import Row

CLIENTS = 64
_BROKEN_TRAIL = """
create function public.trail_is_broken() returns trigger language plpgsql as $$
begin raise exception 'the trail cannot be written'; end $$;
create trigger trail_is_broken before insert on exora.audit_events
  for each row execute function public.trail_is_broken()"""
_PLACES = (
    "jobs",
    "ready",
    "scheduled",
    "running",
    "dead_letters",
    "job_archive",
    "job_errors",
    "claims",
    "audit_events",
)


@pytest.mark.row(10)
async def test_a_key_makes_one_job_however_many_enqueue_it_at_once(sandbox: Sandbox, row: Row) -> None:
    transports = [PostgresTransport(sandbox.dsn, max_connections=1) for _ in range(CLIENTS)]
    clients = [WireCoordinator(transport) for transport in transports]
    jobs = []
    for number in range(50 * row.scale):
        request = EnqueueRequest(TYPE, {"limit": number}, idempotency_key=f"k{number}")
        answers = [one for [one] in await asyncio.gather(*(client.enqueue([request]) for client in clients))]
        assert sorted(answer.outcome for answer in answers) == ["accepted", *["duplicate"] * (CLIENTS - 1)]
        assert len({answer.job_id for answer in answers}) == 1
        jobs.append(answers[0].job_id)
        row.fault(CLIENTS - 1)
        with pytest.raises(Conflict):
            await clients[0].enqueue([EnqueueRequest(TYPE, {"limit": -1}, idempotency_key=f"k{number}")])
    await asyncio.gather(*(transport.close() for transport in transports))
    async with sandbox.connect() as db:
        assert await db.fetchval("select count(*) from exora.jobs") == len(jobs)
        await row.check(db, jobs)


async def _claim(coordinator: Coordinator) -> list[Fence]:
    claimed = await coordinator.claim(
        worker_id="w", claim_token=uuid4(), job_types=[TYPE], lanes=None, limit=1, wait=False
    )
    return [job.fence for job in claimed]


@pytest.mark.row(17)
async def test_without_a_trail_nothing_changes(sandbox: Sandbox, row: Row) -> None:
    async with sandbox.connect() as db, sandbox.coordinator() as coordinator:
        jobs = [answer.job_id for answer in await coordinator.enqueue([EnqueueRequest(TYPE, {})] * 4)]
        [settled], [lapsed] = await _claim(coordinator), await _claim(coordinator)
        await db.execute("update exora.running set lease_expires_at = '-infinity' where attempt = $1", lapsed.attempt)
        verbs: dict[str, Callable[[], Awaitable[object]]] = {
            "enqueue": lambda: coordinator.enqueue([EnqueueRequest(TYPE, {})]),
            "claim": lambda: _claim(coordinator),
            "settle": lambda: coordinator.settle([Settlement(settled, DONE)]),
            "rescue": coordinator.sweep,
            "cancel": lambda: coordinator.cancel(jobs[3]),
        }

        async def places() -> list[object]:
            return [await db.fetch(f"select * from exora.{place} order by 1, 2") for place in _PLACES]

        before = await places()
        await db.execute(_BROKEN_TRAIL)
        for verb in verbs.values():
            with pytest.raises(CoordinationError):
                await verb()
            row.fault()
            assert await places() == before
        await db.execute("drop trigger trail_is_broken on exora.audit_events")
        for verb in verbs.values():
            await verb()
        assert await places() != before
        await row.check(db, jobs)
