"""Rows 3, 4 and 12: the server of the database stopped at once, killed, out of space; and its backends terminated.

3.  PostgreSQL stopped without a checkpoint, and its postmaster killed, with fsync on: what was acknowledged is there,
    what was not is there at most once, and workers claim again within ten seconds.
4.  A backend terminated every 200 ms: every call takes effect once.
12. No space for data: enqueues fail and say so, the server and the workers stay up. No space for the log: the server
    ends and does not come back until there is space; the workers wait, and work within fifteen seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.dev.embedded import EmbeddedPostgres
from exora.domain.job import EnqueueRequest
from exora.errors import CoordinationError
from exora.sql.migrate import migrate
from exora.testing.clock import hurry
from exora.testing.processes import crew, until
from exora.testing.sandbox import Sandbox
from tests.unit.embedded_servers import open_folder

from .deeds import TYPE
from .disk import small_disk
from .report import Row

HANDLERS = "tests.faults.deeds"
CLAIMS_AGAIN_S = 10.0
SPACE_AGAIN_S = 15.0


class Producer:
    """Enqueues without a pause, under keys, and remembers what was acknowledged and what was not."""

    def __init__(self, dsn: str) -> None:
        self.acknowledged: dict[str, UUID] = {}
        self.refused = 0
        self._transport = PostgresTransport(dsn, command_timeout_s=2)
        self._coordinator = WireCoordinator(self._transport)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Producer:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Enqueue no more; what is under way is left as it is."""
        assert self._task is not None
        self._task.cancel()
        [end] = await asyncio.gather(self._task, return_exceptions=True)
        await self._transport.close()
        # What is not an answer of the database ends it, and whoever waits for claims waits in vain.
        if isinstance(end, Exception):
            raise end

    async def _run(self) -> None:
        number = 0
        while True:
            number += 1
            request = EnqueueRequest(TYPE, {}, max_retries=100, idempotency_key=f"k{number}")
            try:
                [answer] = await self._coordinator.enqueue([request])
                self.acknowledged[f"k{number}"] = answer.job_id
            except CoordinationError:
                self.refused += 1
            await asyncio.sleep(0.005)


async def migrated(dsn: str, lease_s: float) -> None:
    """Make the schema, with short leases."""
    db = await asyncpg.connect(dsn)
    await migrate(db)
    await hurry(db, lease_s=lease_s)
    await db.close()


async def all_done(db: asyncpg.Connection) -> bool:
    """Whether nothing is left to do."""
    return not await db.fetchval(
        "select (select count(*) from exora.ready) + (select count(*) from exora.scheduled)"
        " + (select count(*) from exora.running)"
    )


async def claimed_since(dsn: str, since_s: float, within_s: float) -> float:
    """Seconds from ``since_s`` (``time.time()``) until the first claim after it."""
    db = await asyncpg.connect(dsn)
    found: list[float] = []

    async def claimed() -> bool:
        at = await db.fetchval(
            "select extract(epoch from min(at)) from exora.audit_events"
            " where event = 'job_claimed' and at > to_timestamp($1::float8)",
            since_s,
        )
        if at is not None:
            found.append(float(at))
        return bool(found)

    try:
        await until(claimed, within_s + 10)
    except TimeoutError:
        raise AssertionError(f"no claim within {within_s + 10:g} s; {await _standstill(db)}") from None
    finally:
        await db.close()
    return found[0] - since_s


async def _standstill(db: asyncpg.Connection) -> str:
    """What there is to claim, and what the server's connections do, for whoever looks for the reason."""
    queue = await db.fetch(
        "select (select count(*) from exora.ready) as ready, (select count(*) from exora.scheduled) as scheduled,"
        " (select count(*) from exora.running) as running, (select max(created_at) from exora.jobs) as last_enqueued,"
        " clock_timestamp() as now"
    )
    connections = await db.fetch(
        "select application_name, state, wait_event_type, wait_event, clock_timestamp() - query_start as since,"
        " left(query, 60) as query from pg_stat_activity"
        " where backend_type = 'client backend' and pid <> pg_backend_pid()"
    )
    return "; ".join(str(dict(row)) for row in (*queue, *connections))


def postmaster(server: EmbeddedPostgres) -> int:
    """The id of the server's first process."""
    return int((server.data_dir / "cluster" / "postmaster.pid").read_text().split()[0])


async def no_twin(db: asyncpg.Connection, producer: Producer) -> None:
    """What was not acknowledged was made once at most, as was what was."""
    keys = await db.fetch("select idempotency_key, count(*) as n from exora.jobs group by 1")
    assert all(row["n"] == 1 for row in keys)
    assert set(producer.acknowledged) <= {row["idempotency_key"] for row in keys}


@pytest.mark.row(3)
@pytest.mark.xdist_group("server-3")
async def test_a_server_that_ends_at_once_costs_no_acknowledged_job(row: Row) -> None:
    row.lease_s = 2.0
    ends = [signal.SIGQUIT] * 5 * row.scale + [signal.SIGKILL] * 2 * row.scale
    row.draw.shuffle(ends)
    with open_folder() as folder, EmbeddedPostgres(folder / "data") as server:
        await migrated(server.dsn, row.lease_s)
        dsn = server.dsn
        async with crew(dsn, HANDLERS, "--command-timeout-s", "2") as worker:
            async with Producer(dsn) as producer:
                for end in ends:
                    await claimed_since(dsn, time.time(), CLAIMS_AGAIN_S)
                    await asyncio.sleep(row.draw.uniform(0.1, 0.4))
                    os.kill(postmaster(server), end)
                    row.fault()
                    await gone(server)
                    assert server.start() == dsn
                    took = await claimed_since(dsn, time.time(), CLAIMS_AGAIN_S)
                    assert took <= CLAIMS_AGAIN_S
                    row.recovered(took)
            db = await asyncpg.connect(dsn)
            await until(lambda: all_done(db), 60)
            assert await worker.drain() == 0
        await no_twin(db, producer)
        await row.check(db, producer.acknowledged.values())
        await db.close()


async def gone(server: EmbeddedPostgres) -> None:
    """Wait until the server's first process has ended."""
    process = server._process
    assert process is not None

    async def ended() -> bool:
        return process.poll() is not None

    await until(ended, 20)


@pytest.mark.row(4)
@pytest.mark.xdist_group("server-4")
async def test_backends_terminated_at_random_cost_no_job(sandbox: Sandbox, row: Row) -> None:
    row.lease_s = 2.0
    await sandbox.hurry(lease_s=row.lease_s)
    async with (
        sandbox.connect() as db,
        crew(sandbox.dsn, HANDLERS) as one,
        crew(sandbox.dsn, HANDLERS) as two,
        Producer(sandbox.dsn) as producer,
    ):
        until_s = time.monotonic() + 15 * row.scale
        while time.monotonic() < until_s:
            backends = await db.fetch(
                "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
                " and backend_type = 'client backend' order by pid"
            )
            if backends:
                victim = row.draw.choice(backends)["pid"]
                broke = time.time()
                if await db.fetchval("select pg_terminate_backend($1)", victim):
                    row.fault()
                    row.recovered(await claimed_since(sandbox.dsn, broke, row.lease_s))
            await asyncio.sleep(0.2)
        await producer.stop()
        await until(lambda: all_done(db), 60)
        for worker in (one, two):
            assert await worker.drain() == 0
        await no_twin(db, producer)
        await row.check(db, producer.acknowledged.values())


@contextlib.asynccontextmanager
async def working(server: EmbeddedPostgres, row: Row) -> AsyncIterator[Producer]:
    """A worker and a producer; at the end of the block all is done and the worker drains."""
    async with crew(server.dsn, HANDLERS, "--command-timeout-s", "2") as worker:
        async with Producer(server.dsn) as producer:
            await claimed_since(server.dsn, time.time(), CLAIMS_AGAIN_S)
            yield producer
        db = await asyncpg.connect(server.dsn)
        await until(lambda: all_done(db), 60)
        assert worker.alive
        assert await worker.drain() == 0
    await no_twin(db, producer)
    await row.check(db, producer.acknowledged.values())
    await db.close()


@pytest.mark.row(12)
@pytest.mark.xdist_group("server-12")
async def test_no_space_for_data_refuses_enqueues_and_loses_none(row: Row) -> None:
    row.lease_s = SPACE_AGAIN_S - 5
    with (
        open_folder() as folder,
        small_disk(folder / "small", 64) as disk,
        EmbeddedPostgres(folder / "data", binaries=disk.binaries) as server,
    ):
        space = disk.folder("space")
        await migrated(server.dsn, 2.0)
        db = await asyncpg.connect(server.dsn)
        await db.execute(f"create tablespace small location '{space}'")
        for table in ("jobs", "audit_events"):
            await db.execute(f"alter table exora.{table} set tablespace small")
        await db.close()
        for _ in range(row.scale):
            async with working(server, row) as producer:
                with disk.full():
                    row.fault()
                    refused = producer.refused

                    async def noticed(refused: int = refused, producer: Producer = producer) -> bool:
                        return producer.refused > refused

                    await until(noticed, 60)
                row.recovered(await claimed_since(server.dsn, time.time(), SPACE_AGAIN_S))


async def fill_the_log(dsn: str) -> None:
    """Begin new files of the log until there can be none."""
    db = await asyncpg.connect(dsn)
    with contextlib.suppress(asyncpg.PostgresError, OSError):
        while True:
            await db.execute("select pg_switch_wal()")
            await db.execute("select pg_logical_emit_message(true, 'ballast', repeat('x', 1000))")
    db.terminate()


@pytest.mark.row(12)
@pytest.mark.xdist_group("server-12")
async def test_no_space_for_the_log_ends_the_server_and_loses_none(row: Row) -> None:
    row.lease_s = SPACE_AGAIN_S - 5
    with open_folder() as folder, small_disk(folder / "small", 256) as disk:
        options = {"wal_recycle": "off", "max_wal_size": "64MB"}
        with EmbeddedPostgres(disk.path / "data", binaries=disk.binaries, settings=options) as server:
            await migrated(server.dsn, 2.0)
            dsn = server.dsn
            for _ in range(row.scale):
                async with working(server, row):
                    with disk.full():
                        row.fault()
                        await fill_the_log(dsn)
                        await gone(server)
                        with pytest.raises(CoordinationError, match="did not start"):
                            server.start()
                    assert server.start() == dsn
                    row.recovered(await claimed_since(dsn, time.time(), SPACE_AGAIN_S))
