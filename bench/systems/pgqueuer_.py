"""PgQueuer over asyncpg, in batches."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any

import asyncpg
from pgqueuer import AsyncpgDriver, AsyncpgPoolDriver, PgQueuer, Queries
from pgqueuer import Job as QueuedJob

from bench.systems.protocol import Description, Job, Profile, System

_BULK = 5_000
_BATCH = 500
_IO_BATCH = 25
_IO_TASKS = 50


class PgQueuerSystem(System):
    """``PgQueuer`` and ``Queries``."""

    description = Description(
        configuration="batch_size 500 (io: 25, max_concurrent_tasks 50), asyncpg, uvloop; bulk by enqueue of lists of "
        "5,000; moves finished jobs to its log",
        remaining="select exists (select from pgqueuer)",
        pending_tables=("pgqueuer",),
        history_tables=("pgqueuer_log",),
        keeps_history=True,
    )

    def __init__(self, dsn: str, payload: dict[str, Any], connections: int) -> None:
        super().__init__(dsn, payload, connections)
        logging.disable(logging.WARNING)
        self._bytes = json.dumps(payload).encode()
        self._pool: asyncpg.Pool | None = None
        self._queries: Queries | None = None
        self._held: list[Any] = []

    async def setup(self) -> None:
        connection = await asyncpg.connect(self.dsn)
        await Queries(AsyncpgDriver(connection)).install()
        await connection.close()

    async def open(self) -> None:
        self._pool = await asyncpg.create_pool(self.dsn, min_size=self.connections, max_size=self.connections)
        self._queries = Queries(AsyncpgPoolDriver(self._pool))

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def enqueue_one(self) -> None:
        await self._opened.enqueue("noop", self._bytes)

    async def enqueue_bulk(self, count: int) -> None:
        for start in range(0, count, _BULK):
            size = min(_BULK, count - start)
            await self._opened.enqueue(["noop"] * size, [self._bytes] * size, [0] * size)

    async def work(self, profile: Profile, job: Job) -> None:
        connection = await asyncpg.connect(self.dsn)
        queuer = PgQueuer(AsyncpgDriver(connection))

        @queuer.entrypoint("noop")
        async def noop(_job: QueuedJob) -> None:
            await job()

        if profile == "io":
            await queuer.run(batch_size=_IO_BATCH, max_concurrent_tasks=_IO_TASKS)
        else:
            await queuer.run(batch_size=_BATCH)

    async def hold(self, count: int) -> None:
        connection = await asyncpg.connect(self.dsn)
        try:
            queuer = PgQueuer(AsyncpgDriver(connection))

            @queuer.entrypoint("noop")
            async def noop(_job: QueuedJob) -> None:
                raise AssertionError("never run: the jobs are only held")

            self._held = [job.id async for job in queuer.qm.fetch_jobs(count, None, timedelta(seconds=30))][:count]
        finally:
            await connection.close()

    async def beat(self) -> None:
        await self._opened.update_heartbeat(self._held)

    @property
    def _opened(self) -> Queries:
        assert self._queries is not None
        return self._queries


SYSTEM = PgQueuerSystem
