"""chancy with the asyncio executor."""

from __future__ import annotations

import logging
import sys
from typing import Any

from chancy import Chancy, Queue, Worker
from chancy import Job as ChancyJob

from bench.systems.protocol import Description, Job, Profile, System

_BULK = 5_000
_SLOTS = 500
_IO_SLOTS = 50
_FLUSH_S = 0.05

_job: Job | None = None


async def noop(**_: object) -> None:
    """The job; chancy finds it by its name."""
    assert _job is not None
    await _job()


class ChancySystem(System):
    """A ``Chancy`` app with one queue."""

    description = Description(
        configuration="500 slots (io: 50), asyncio executor, eager polling, results flushed every 50 ms; bulk by "
        "push_many in calls of 5,000; keeps finished jobs",
        remaining="select exists (select from chancy_jobs where state not in ('succeeded', 'failed'))",
        pending_tables=("chancy_jobs",),
        history_tables=("chancy_jobs",),
        keeps_history=True,
    )

    def __init__(self, dsn: str, payload: dict[str, Any], connections: int) -> None:
        super().__init__(dsn, payload, connections)
        self._app = self._make(connections)
        self._request = ChancyJob(func=f"{__name__}.noop", kwargs=payload)

    def _make(self, connections: int) -> Chancy:
        log = logging.getLogger("chancy")
        log.setLevel(logging.ERROR)
        return Chancy(self.dsn, min_connection_pool_size=connections, max_connection_pool_size=connections, log=log)

    async def setup(self) -> None:
        async with self._app as app:
            await app.migrate()
            await app.declare(self._queue(_SLOTS))

    async def open(self) -> None:
        self._app = await self._make(self.connections).__aenter__()

    async def close(self) -> None:
        await self._app.__aexit__(None, None, None)

    async def enqueue_one(self) -> None:
        await self._app.push(self._request)

    async def enqueue_bulk(self, count: int) -> None:
        for start in range(0, count, _BULK):
            async for _ in self._app.push_many([self._request] * min(_BULK, count - start), batch_size=_BULK):
                pass

    async def work(self, profile: Profile, job: Job) -> None:
        sys.modules[__name__]._job = job  # type: ignore[attr-defined]
        async with self._make(10) as app:
            if profile == "io":
                await app.declare(self._queue(_IO_SLOTS), upsert=True)
            worker = Worker(app, register_signal_handlers=False)
            worker.send_outgoing_interval = _FLUSH_S
            async with worker:
                await worker.wait_for_shutdown()

    def _queue(self, slots: int) -> Queue:
        return Queue(
            "default", concurrency=slots, executor=Chancy.Executor.Async, polling_interval=1, eager_polling=True
        )


SYSTEM = ChancySystem
