"""Row 9: a transaction-mode pooler with two server connections, killed or told to reconnect, in the middle of it all.

Every call takes effect once, workers claim again within the lease and five seconds, and no setting of one transaction
is found in another.
"""

from __future__ import annotations

import asyncio
import time

import asyncpg
import pytest

from exora.testing.processes import crew, until
from exora.testing.sandbox import Sandbox
from tests.rest.pgbouncer import Pooler, breakable_pooler

from .report import Row
from .test_server import Producer, all_done, claimed_since, no_twin

_SETTINGS = (
    "select name, setting from pg_settings where name not like '%.%' and name <> 'application_name' order by name"
)


async def reconnect(pooler: Pooler) -> None:
    """Tell the pooler to close its server connections as soon as they are free."""
    console = await asyncpg.connect(pooler.admin_dsn)
    await console.execute("RECONNECT")
    console.terminate()


@pytest.mark.row(9)
@pytest.mark.xdist_group("server-9")
async def test_a_pooler_may_die_and_reconnect(sandbox: Sandbox, row: Row) -> None:
    row.lease_s = 2.0
    await sandbox.hurry(lease_s=row.lease_s)
    with breakable_pooler(sandbox.dsn) as pooler:
        async with sandbox.connect() as db, crew(pooler.dsn, "tests.faults.deeds") as worker:
            untouched = [tuple(found) for found in await db.fetch(_SETTINGS)]
            async with Producer(pooler.dsn) as producer:
                for number in range(5 * row.scale):
                    await claimed_since(sandbox.dsn, time.time(), 10)
                    await asyncio.sleep(row.draw.uniform(0.1, 0.4))
                    broke = time.time()
                    if number % 2:
                        await reconnect(pooler)
                    else:
                        pooler.kill()
                        await asyncio.sleep(row.draw.uniform(0.1, 0.5))
                        pooler.start()
                    row.fault()
                    row.recovered(await claimed_since(sandbox.dsn, broke, row.lease_s))
            await until(lambda: all_done(db), 60)
            assert await worker.drain() == 0
            for _ in range(4):  # both server connections, one way or the other
                pooled = await asyncpg.connect(pooler.dsn, statement_cache_size=0)
                assert [tuple(found) for found in await pooled.fetch(_SETTINGS)] == untouched
                await pooled.close()
            await no_twin(db, producer)
            await row.check(db, producer.acknowledged.values())
