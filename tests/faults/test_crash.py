"""Row 3: PostgreSQL stopped in the middle: what was acknowledged is there; an unflushed claim costs no job."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.dev.embedded import EmbeddedPostgres
from exora.domain.job import EnqueueRequest, Fence
from exora.domain.outcome import DONE, Settlement
from exora.sql.migrate import migrate
from exora.testing.invariants import check_invariants
from tests.unit.embedded_servers import open_folder

from .report import Row

TYPE = "report_generation"
#: The log writer sleeps so long that claims which do not flush are lost with the server.
LAZY = {"wal_writer_delay": "10s", "wal_writer_flush_after": "1GB", "autovacuum": "off"}


async def claim(coordinator: WireCoordinator, limit: int) -> list[Fence]:
    """Claim as the worker does."""
    jobs = await coordinator.claim(
        worker_id="w", claim_token=uuid4(), job_types=[TYPE], lanes=None, limit=limit, wait=False
    )
    return [job.fence for job in jobs]


@pytest.mark.row(3)
def test_a_crash_of_the_server_undoes_no_settlement_and_leaves_no_job_behind(row: Row) -> None:
    async def before(dsn: str) -> tuple[list[Fence], list[Fence]]:
        db = await asyncpg.connect(dsn)
        await migrate(db)
        postmaster = int((Path(await db.fetchval("show data_directory")) / "postmaster.pid").read_text().split()[0])
        transport = PostgresTransport(dsn)
        coordinator = WireCoordinator(transport)
        await coordinator.enqueue([EnqueueRequest(TYPE, {})] * 20)
        flushed = await claim(coordinator, 5)
        assert await coordinator.settle([Settlement(fence, DONE) for fence in flushed]) == ["settled"] * 5
        unflushed = await claim(coordinator, 5)
        os.kill(postmaster, signal.SIGQUIT)  # immediate: nothing is written any more
        await transport.close()
        db.terminate()
        return flushed, unflushed

    async def after(dsn: str, flushed: list[Fence], unflushed: list[Fence]) -> None:
        db = await asyncpg.connect(dsn)
        transport = PostgresTransport(dsn)
        coordinator = WireCoordinator(transport)
        await check_invariants(db)
        assert await db.fetchval("select count(*) from exora.job_archive") == len(flushed)
        assert await coordinator.settle([Settlement(fence, DONE) for fence in flushed]) == ["already"] * 5
        assert (await coordinator.heartbeat(unflushed)).lost == unflushed
        again = await claim(coordinator, 100)
        assert {fence.job_id for fence in again} >= {fence.job_id for fence in unflushed}
        assert len(again) == 15
        assert await coordinator.settle([Settlement(fence, DONE) for fence in unflushed]) == ["lost"] * 5
        assert await coordinator.settle([Settlement(fence, DONE) for fence in again]) == ["settled"] * 15
        row.fault()
        await row.check(db, [fence.job_id for fence in (*flushed, *again)])
        await transport.close()
        await db.close()

    with open_folder() as folder:
        with EmbeddedPostgres(folder / "data", settings=LAZY) as server:
            flushed, unflushed = asyncio.run(before(server.dsn))
        with EmbeddedPostgres(folder / "data") as server:
            asyncio.run(after(server.dsn, flushed, unflushed))
