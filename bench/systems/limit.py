"""The lower bound: what one narrow table costs without audit, fence, archive, order by patient or wake-up."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import asyncpg

from bench.systems.protocol import Description, Job, Profile, System

_BATCH = 500
_LOOPS = 2
_SLOTS = 50
_CLAIM = """
update job set state = 1 where id = any (array(
  select id from job where state = 0 order by id limit $1 for update skip locked)) returning id, payload
"""
_FINISH = "delete from job where id = any ($1::bigint[])"
_BEAT = "update job set heartbeat_at = now() where id = any ($1::bigint[])"


class Limit(System):
    """Hand-written SQL over asyncpg."""

    description = Description(
        configuration="narrow table, 2 loops x (claim 500, delete 500), COPY for bulk, one INSERT per single call, "
        "no NOTIFY (pickup alone: NOTIFY in the INSERT), payload = a number",
        remaining="select exists (select from job)",
        pending_tables=("job",),
    )

    def __init__(self, dsn: str, payload: dict[str, Any], connections: int) -> None:
        super().__init__(dsn, payload, connections)
        self._connections: list[asyncpg.Connection] = []
        self._free: asyncio.Queue[asyncpg.Connection] = asyncio.Queue()
        self._held: list[int] = []

    async def setup(self) -> None:
        connection = await asyncpg.connect(self.dsn)
        await connection.execute(
            """
            create table job (id bigint generated always as identity primary key, state smallint not null default 0,
                              payload bigint not null, heartbeat_at timestamptz);
            create index job_ready on job (id) where state = 0;
            create function insert_and_notify(p bigint) returns void language sql as $$
              insert into job (payload) values (p); select pg_notify('job', '') $$;
            """
        )
        await connection.close()

    async def open(self) -> None:
        # Not a pool: a pool resets the session after each call, a round trip more.
        for _ in range(self.connections):
            connection = await asyncpg.connect(self.dsn)
            self._connections.append(connection)
            self._free.put_nowait(connection)

    async def close(self) -> None:
        while self._connections:
            await self._connections.pop().close()
        self._free = asyncio.Queue()

    async def enqueue_one(self) -> None:
        await self._fetch("insert into job (payload) values ($1)", 1)

    async def enqueue_paced(self) -> None:
        await self._fetch("select insert_and_notify($1)", 1)

    async def enqueue_coalesced(self) -> None:
        # The bound is the same producers with one transaction per call.
        await self.enqueue_one()

    async def enqueue_bulk(self, count: int) -> None:
        rows = ((number,) for number in range(count))
        await self._connections[0].copy_records_to_table("job", records=rows, columns=["payload"])

    async def work(self, profile: Profile, job: Job) -> None:
        if profile == "drain":
            await asyncio.gather(*(self._drain(job) for _ in range(_LOOPS)))
        elif profile == "latency":
            await self._listen(job)
        else:
            await self._slots(job)

    async def hold(self, count: int) -> None:
        self._held = [row["id"] for row in await self._fetch(_CLAIM, count)]

    async def beat(self) -> None:
        await self._fetch(_BEAT, self._held)

    async def _fetch(self, statement: str, *values: object) -> list[asyncpg.Record]:
        connection = await self._free.get()
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *values)
            return rows
        finally:
            self._free.put_nowait(connection)

    async def _drain(self, job: Job) -> None:
        connection = await asyncpg.connect(self.dsn)
        while True:
            rows = await connection.fetch(_CLAIM, _BATCH)
            for _ in rows:
                await job()
            if rows:
                await connection.execute(_FINISH, [row["id"] for row in rows])
            else:
                await asyncio.sleep(0.01)

    async def _listen(self, job: Job) -> None:
        connection = await asyncpg.connect(self.dsn)
        woken = asyncio.Event()
        await connection.add_listener("job", lambda *_: woken.set())
        while True:
            rows = await connection.fetch(_CLAIM, _BATCH)
            for _ in rows:
                await job()
            if rows:
                await connection.execute(_FINISH, [row["id"] for row in rows])
            else:
                await woken.wait()
                woken.clear()

    async def _slots(self, job: Job) -> None:
        """50 slots fed by a queue that is filled in batches; deletes are gathered."""
        claims, deletes = await asyncpg.connect(self.dsn), await asyncpg.connect(self.dsn)
        ready: asyncio.Queue[int] = asyncio.Queue()
        done: deque[int] = deque()

        async def slot() -> None:
            while True:
                number = await ready.get()
                await job()
                done.append(number)

        async def fill() -> None:
            while True:
                if ready.qsize() < _BATCH // 2:
                    for row in await claims.fetch(_CLAIM, _BATCH):
                        ready.put_nowait(row["id"])
                await asyncio.sleep(0.005)

        async def finish() -> None:
            while True:
                ended = [done.popleft() for _ in range(len(done))]
                if ended:
                    await deletes.execute(_FINISH, ended)
                await asyncio.sleep(0.005)

        await asyncio.gather(fill(), finish(), *(slot() for _ in range(_SLOTS)))


SYSTEM = Limit
