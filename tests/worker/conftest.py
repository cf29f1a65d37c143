"""Workers on a real database, with handlers made for the test."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from uuid import UUID

import pytest

from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.domain.job import EnqueueRequest, JobView
from exora.worker.config import WorkerConfig, new_worker_id
from exora.worker.keeper import Heartbeats
from exora.worker.registry import Registry
from exora.worker.runtime import Worker


class Bench:
    """Starts workers on one database and waits for what they do."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.registry = Registry()
        self.transport = PostgresTransport(dsn)
        self.coordinator = WireCoordinator(self.transport)

    @contextlib.asynccontextmanager
    async def worker(self, **config: object) -> AsyncIterator[Worker]:
        """A running worker, stopped at the end of the block."""

        async def connect_keeper() -> Heartbeats:
            return WireCoordinator(PostgresTransport(self.dsn, max_connections=1))

        defaults: dict[str, object] = {"worker_id": new_worker_id("test"), "sweep_interval_s": 0.1, "poll_max_s": 0.2}
        settings = WorkerConfig(**(defaults | config))  # type: ignore[arg-type]
        transport = PostgresTransport(self.dsn)
        worker = Worker(WireCoordinator(transport), connect_keeper, self.registry, settings)
        running = asyncio.create_task(worker.run(handle_signals=False))
        try:
            yield worker
        finally:
            worker.stop()
            await running
            await transport.close()

    async def enqueue(self, count: int = 1, **fields: object) -> list[UUID]:
        """Enqueue jobs of a light type."""
        request = EnqueueRequest("report_generation", {}, **fields)  # type: ignore[arg-type]
        return [answer.job_id for answer in await self.coordinator.enqueue([request] * count)]

    async def until(self, job_id: UUID, done: Callable[[JobView], bool], within_s: float = 30) -> JobView:
        """Wait until a job is as wanted."""
        async with asyncio.timeout(within_s):
            while True:
                [view] = await self.coordinator.get_jobs([job_id])
                if done(view):
                    return view
                await asyncio.sleep(0.02)

    async def events(self, job_id: UUID) -> list[str]:
        """The job's trail."""
        return [event.event for event in await self.coordinator.timeline(job_id)]


@pytest.fixture
async def bench(embedded_dsn: str) -> AsyncIterator[Bench]:
    """A database with nobody working on it yet."""
    bench = Bench(embedded_dsn)
    yield bench
    await bench.transport.close()
