"""procrastinate over psycopg 3."""

from __future__ import annotations

import logging
from typing import Any

from procrastinate import App, PsycopgConnector

from bench.systems.protocol import Description, Job, Profile, System

_BULK = 5_000
_SLOTS = 50


class Procrastinate(System):
    """An ``App`` with one task."""

    description = Description(
        configuration="concurrency 50, delete_jobs always, listen_notify, pool 20; bulk by batch_defer of 5,000",
        remaining="select exists (select from procrastinate_jobs)",
        pending_tables=("procrastinate_jobs",),
    )

    def __init__(self, dsn: str, payload: dict[str, Any], connections: int) -> None:
        super().__init__(dsn, payload, connections)
        logging.disable(logging.WARNING)
        self._app, self._task = self._make(connections)

    def _make(self, connections: int, job: Job | None = None) -> tuple[App, Any]:
        app = App(connector=PsycopgConnector(conninfo=self.dsn, min_size=2, max_size=connections))

        @app.task(name="noop")
        async def noop(**_: object) -> None:
            if job is not None:
                await job()

        return app, noop

    async def setup(self) -> None:
        async with self._app.open_async():
            await self._app.schema_manager.apply_schema_async()

    async def open(self) -> None:
        await self._app.open_async()

    async def close(self) -> None:
        await self._app.close_async()

    async def enqueue_one(self) -> None:
        await self._task.defer_async(**self.payload)

    async def enqueue_bulk(self, count: int) -> None:
        for start in range(0, count, _BULK):
            await self._task.batch_defer_async(*([self.payload] * min(_BULK, count - start)))

    async def work(self, profile: Profile, job: Job) -> None:
        app, _ = self._make(20, job)
        async with app.open_async():
            await app.run_worker_async(concurrency=_SLOTS, delete_jobs="always", install_signal_handlers=False)


SYSTEM = Procrastinate
