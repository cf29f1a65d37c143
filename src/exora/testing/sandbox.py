"""Exora on a database of a test's own: enqueue, run what is due here and now, let time pass, see what became of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from exora.coordination.port import Coordinator
from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.domain.job import EnqueueRequest, JobView
from exora.testing.clock import hurry, next_due_s, travel, whole_backoffs
from exora.testing.draining import Ended, run_due
from exora.testing.invariants import check_invariants
from exora.worker.registry import Registry, default_registry

#: Between two looks at jobs that others work on.
_LOOK_S = 0.05


class Sandbox:
    """One database. Each verb opens a connection and closes it: there is nothing to clean up, and no loop is kept.

    Attributes:
        dsn: the database's URL.
        registry: the handlers that ``drain`` runs; those of ``@exora.handler`` unless set.
    """

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.registry: Registry = default_registry

    async def enqueue(self, job_type: str, payload: dict[str, Any] | None = None, **fields: Any) -> UUID:
        """Enqueue a job and return its id.

        Args:
            job_type, payload, fields: as ``exora.domain.job.EnqueueRequest``.

        Raises:
            BadInput: the database refuses it, as it would in production; names the field.
        """
        async with self.coordinator() as coordinator:
            [answer] = await coordinator.enqueue([EnqueueRequest(job_type, payload or {}, **fields)])
        return answer.job_id

    async def drain(self, *, through_time: bool = False, slots: int = 50, most: int = 1000) -> list[Ended]:
        """Run every job that can run now, in this process, and those that they enqueue; returns the attempts in order.

        It claims, runs and settles as the worker does, with its time limits, but sends no heartbeats: a handler that
        takes longer than its lease is for a worker in a process of its own. Retries wait for the whole of their
        backoff, without jitter.

        Args:
            through_time: also let time pass to each next due time, until nothing waits: all retries, to the end.
            slots: how many run at once; 1 = one after the other, in the order of claims.
            most: attempts, at most.

        Raises:
            RuntimeError: no handler is registered, or there are more attempts than ``most``.
        """
        ended: list[Ended] = []
        async with self.coordinator() as coordinator, self.connect() as db:
            backoff_s = await whole_backoffs(db)
            while True:
                await run_due(coordinator, self.registry, backoff_s, ended, slots=slots, most=most)
                until = await next_due_s(db) if through_time else None
                if until is None:
                    return ended
                await travel(db, until + 0.001)

    async def travel(self, seconds: float) -> None:
        """Let so much time pass for all that waits for its time (``exora.testing.clock.travel``)."""
        async with self.connect() as db:
            await travel(db, seconds)

    async def hurry(self, *, lease_s: float = 2.0, backoff_s: float = 0.1) -> None:
        """Make leases and backoffs short, for tests with worker processes (``exora.testing.clock.hurry``)."""
        async with self.connect() as db:
            await hurry(db, lease_s=lease_s, backoff_s=backoff_s)

    async def job(self, job_id: UUID) -> JobView:
        """A job as it is now."""
        async with self.coordinator() as coordinator:
            [view] = await coordinator.get_jobs([job_id])
        return view

    async def ended(self, job_ids: Sequence[UUID], within_s: float = 30) -> list[JobView]:
        """Wait until worker processes have brought all these jobs to an end; returns them, newest first.

        Raises:
            TimeoutError: they have not within so many seconds.
        """
        async with asyncio.timeout(within_s), self.coordinator() as coordinator:
            while True:
                views = await coordinator.get_jobs(job_ids)
                if all(view.state.final for view in views):
                    return views
                await asyncio.sleep(_LOOK_S)

    async def trail(self, job_id: UUID) -> list[str]:
        """The events of a job's audit trail, oldest first."""
        async with self.coordinator() as coordinator:
            return [event.event for event in await coordinator.timeline(job_id)]

    async def patient(self) -> UUID:
        """Register a patient: jobs with steps or documents need one."""
        patient_id = uuid4()
        async with self.coordinator() as coordinator:
            await coordinator.register_patient(patient_id)
        return patient_id

    async def check(self, acknowledged: Collection[UUID] = ()) -> None:
        """Assert the invariants: no job lost or in two places, no second completion, a whole trail.

        Args:
            acknowledged: ids of jobs that must exist.
        """
        async with self.connect() as db:
            await check_invariants(db, acknowledged)

    @contextlib.asynccontextmanager
    async def coordinator(self) -> AsyncIterator[Coordinator]:
        """All verbs of the database."""
        transport = PostgresTransport(self.dsn)
        try:
            yield WireCoordinator(transport)
        finally:
            await transport.close()

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection of the owner, for SQL of your own."""
        connection = await asyncpg.connect(self.dsn)
        try:
            yield connection
        finally:
            await connection.close()
