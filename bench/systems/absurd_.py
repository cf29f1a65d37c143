"""absurd over psycopg 3; a client is one connection."""

from __future__ import annotations

import asyncio
from typing import Any

import absurdctl
import psycopg
from absurd_sdk import AsyncAbsurd

from bench.systems.protocol import Description, Job, Profile, System

_SLOTS = 50
_BATCH = 200
_POLL_S = 0.05


class Absurd(System):
    """``AsyncAbsurd`` with one queue."""

    description = Description(
        configuration="50 slots, batch 200, poll every 50 ms; no bulk call: concurrent singles; keeps finished tasks",
        remaining="select exists (select from absurd.r_default where state in ('pending', 'running', 'sleeping'))",
        keeps_history=True,
    )

    def __init__(self, dsn: str, payload: dict[str, Any], connections: int) -> None:
        super().__init__(dsn, payload, connections)
        self._free: asyncio.Queue[AsyncAbsurd] = asyncio.Queue()
        self._clients: list[AsyncAbsurd] = []

    async def setup(self) -> None:
        async with await psycopg.AsyncConnection.connect(self.dsn, autocommit=True) as connection:
            await connection.execute(absurdctl.BUNDLED_SCHEMA_SQL)
        client = AsyncAbsurd(self.dsn)
        await client.create_queue()
        await client.close()

    async def open(self) -> None:
        for _ in range(self.connections):
            client = AsyncAbsurd(self.dsn)
            client.register_task("noop")(_unused)
            await client.list_queues()
            self._clients.append(client)
            self._free.put_nowait(client)

    async def close(self) -> None:
        for client in self._clients:
            await client.close()

    async def enqueue_one(self) -> None:
        client = await self._free.get()
        try:
            await client.spawn("noop", self.payload)
        finally:
            self._free.put_nowait(client)

    async def enqueue_bulk(self, count: int) -> None:
        left = count

        async def caller() -> None:
            nonlocal left
            while left > 0:
                left -= 1
                await self.enqueue_one()

        await asyncio.gather(*(caller() for _ in range(self.connections)))

    async def work(self, profile: Profile, job: Job) -> None:
        client = AsyncAbsurd(self.dsn)

        async def noop(_params: object, _context: object) -> None:
            await job()

        client.register_task("noop")(noop)
        await client.start_worker(concurrency=_SLOTS, batch_size=_BATCH, poll_interval=_POLL_S)


async def _unused(_params: object, _context: object) -> None:
    """Producers register the task without running it."""


SYSTEM = Absurd
