"""Row 18: old and new version together while the database is migrated; a dump of a working system restored elsewhere.

While workers of the old version work, a migration is applied and every function renewed: no job is lost, both work on.
The new version's database refuses the old one's start and says why. A dump taken in the middle of everything is whole:
restored into another server, whose count of transactions is another, its jobs end, and its trail verifies against an
anchor taken before.

There is no release before this one; the new version here is this one with a further migration.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from exora.app import open_services
from exora.coordination.port import Coordinator
from exora.dev.embedded import Binaries
from exora.domain.audit import AuditFinding, AuditHead
from exora.errors import SchemaTooNew
from exora.sql import migrate as migrating
from exora.sql.migrate import Migration, migrate
from exora.testing.clock import hurry
from exora.testing.processes import crew, until
from exora.testing.sandbox import Sandbox
from exora.testing.server import Server, scratch_server

from .report import Row
from .test_server import Producer, all_done, claimed_since, no_twin

HANDLERS = "tests.faults.deeds"


def next_version(number: int) -> Migration:
    """A migration as the next versions will have them: columns on hot tables, an index."""
    return Migration(
        9000 + number,
        "next",
        f"alter table exora.jobs add column next_{number} text;"
        f" alter table exora.running add column next_{number} integer not null default 0;"
        f" create index next_{number} on exora.dead_letters (cause, job);",
    )


@pytest.mark.row(18)
@pytest.mark.xdist_group("versions-18")
async def test_old_and_new_work_together_while_the_database_is_migrated(
    sandbox: Sandbox, row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    row.lease_s = 2.0
    await sandbox.hurry(lease_s=row.lease_s)
    known = migrating.migrations()
    async with sandbox.connect() as db, crew(sandbox.dsn, HANDLERS, "--name", "old") as old:
        async with Producer(sandbox.dsn) as producer:
            for number in range(1, 3 * row.scale + 1):
                await claimed_since(sandbox.dsn, 0, 30)
                with monkeypatch.context() as patch:
                    newer = (*known, *(next_version(n) for n in range(1, number + 1)))
                    patch.setattr(migrating, "migrations", lambda newer=newer: newer)
                    await db.execute("update exora.schema_code set checksum = 'older'")
                    before = await db.fetchval("select extract(epoch from clock_timestamp())::float8")
                    applied = await migrate(db)
                    assert (applied.versions, applied.code_renewed) == ((9000 + number,), True)
                    async with open_services(sandbox.dsn):
                        """The new version starts."""
                row.fault()
                after = await db.fetchval("select extract(epoch from clock_timestamp())::float8")
                row.recovered(after - before + await claimed_since(sandbox.dsn, after, 10))
            with pytest.raises(SchemaTooNew) as refused:
                async with open_services(sandbox.dsn):
                    """The old version must not start."""
            assert "9001" in refused.value.one_line()
            assert "Upgrade" in refused.value.one_line()
            async with crew(sandbox.dsn, HANDLERS, "--name", "new") as new:
                await new.says("job_ended")
                assert await new.drain() == 0
        await until(lambda: all_done(db), 60)
        assert await old.drain() == 0
        names = await db.fetch(
            "select distinct split_part(worker_id, '-', 1) as name from exora.audit_events"
            " where event = 'job_completed'"
        )
        assert {found["name"] for found in names} == {"old", "new"}
        await no_twin(db, producer)
        await row.check(db, producer.acknowledged.values())


async def run(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs."""
    process = await asyncio.create_subprocess_exec(
        Binaries.of_wheel().program(program), *arguments, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert process.returncode == 0, said.decode()


async def findings(coordinator: Coordinator, heads: list[AuditHead]) -> list[AuditFinding]:
    """What is wrong with the trail, compared with heads taken before."""
    while await coordinator.seal_audit():
        pass
    found, window = list[AuditFinding](), await coordinator.audit_window()
    while True:
        found += await coordinator.verify_audit(window, heads)
        if window.to_run is None:
            return [one for one in found if one.tampering]
        window = await coordinator.audit_window(window.to_run)


@pytest.fixture(scope="module")
def other_server() -> Any:
    """Another server, which has seen fewer transactions."""
    with scratch_server() as server:
        yield server


@pytest.mark.row(18)
@pytest.mark.xdist_group("versions-18")
async def test_a_dump_of_a_working_system_goes_on_elsewhere(
    sandbox: Sandbox, row: Row, other_server: Server, tmp_path: Path
) -> None:
    row.lease_s = 2.0
    await sandbox.hurry(lease_s=row.lease_s)
    dump = tmp_path / "dump"
    async with crew(sandbox.dsn, HANDLERS), crew(sandbox.dsn, HANDLERS), Producer(sandbox.dsn) as producer:
        slow = [await sandbox.enqueue("report_generation", {"scope": "sleep", "limit": 60_000}) for _ in range(4)]
        async with sandbox.coordinator() as coordinator, sandbox.connect() as db:

            async def at_work() -> bool:
                return bool(await db.fetchval("select count(*) > 100 from exora.job_archive"))

            await until(at_work, 30)
            while not await coordinator.seal_audit():
                await asyncio.sleep(0.05)
            heads = await coordinator.audit_heads()
            acknowledged = [*slow, *producer.acknowledged.values()]
            await run("pg_dump", "--format=custom", f"--file={dump}", sandbox.dsn)
            row.fault()
    url = await other_server.create(template=None)
    await run("pg_restore", "--exit-on-error", f"--dbname={url}", str(dump))
    restored = Sandbox(url)
    async with restored.connect() as db, restored.coordinator() as coordinator:
        assert await db.fetchval("select count(*) from exora.running") >= len(slow)
        # As long as an operator takes; the work that was under way is nobody's here.
        await db.execute("update exora.jobs set payload = '{}' where payload ->> 'scope' = 'sleep'")
        await hurry(db, lease_s=row.lease_s)
        async with open_services(url):
            """It is at this version."""
        async with crew(url, HANDLERS) as worker:
            await until(lambda: all_done(db), 60)
            assert await worker.drain() == 0
        assert await findings(coordinator, heads) == []
        await row.check(db, acknowledged)
    await other_server.drop(url)
