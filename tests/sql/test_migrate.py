"""Migrating: once, again, from two machines at once, and never backwards."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from exora import __version__
from exora.errors import ConfigurationError, SchemaOutdated, SchemaTooNew
from exora.sql.migrate import SERVES, check, migrate, migrations


async def test_the_first_run_applies_all_and_the_second_nothing(empty_dsn: str) -> None:
    connection = await asyncpg.connect(empty_dsn)
    first, second = await migrate(connection), await migrate(connection)
    assert first.versions == tuple(migration.version for migration in migrations())
    assert (second.versions, second.code_renewed) == ((), False)
    await check(connection)
    await connection.close()


async def test_two_machines_may_migrate_at_once(empty_dsn: str) -> None:
    connections = [await asyncpg.connect(empty_dsn) for _ in range(3)]
    applied = await asyncio.gather(*(migrate(connection) for connection in connections))
    assert sorted(len(one.versions) for one in applied) == [0, 0, len(migrations())]
    for connection in connections:
        await check(connection)
        await connection.close()


async def test_an_unmigrated_database_is_said_to_be_outdated(empty_dsn: str) -> None:
    connection = await asyncpg.connect(empty_dsn)
    with pytest.raises(SchemaOutdated, match="has not been migrated"):
        await check(connection)
    await connection.close()


async def test_functions_of_another_version_are_noticed_and_renewed(db: asyncpg.Connection) -> None:
    await db.execute("update exora.schema_code set checksum = 'old'")
    with pytest.raises(SchemaOutdated):
        await check(db)
    assert (await migrate(db)).code_renewed
    await check(db)


@pytest.mark.parametrize(
    "harm",
    ["drop function public.sweep_v3(int)", "revoke execute on function public.update_job_heartbeat from service_role"],
    ids=["dropped", "revoked"],
)
async def test_a_function_that_somebody_dropped_or_revoked_is_laid_anew(db: asyncpg.Connection, harm: str) -> None:
    await db.execute(harm)
    assert (await migrate(db)).code_renewed
    await db.execute("set role service_role")
    await db.execute("select public.sweep_v3(1), public.update_job_heartbeat(gen_random_uuid(), 'w')")
    await db.execute("reset role")
    assert not (await migrate(db)).code_renewed


async def test_a_database_of_a_newer_version_is_left_alone(db: asyncpg.Connection) -> None:
    await db.execute("insert into exora.schema_migrations (version, name, checksum) values (9999, 'future', 'x')")
    for verb in (check, migrate):
        with pytest.raises(SchemaTooNew) as caught:
            await verb(db)
        assert "9999" in caught.value.one_line()
        assert "Upgrade" in caught.value.one_line()


@pytest.mark.parametrize(
    ("version", "serves", "outcome"),
    [
        (__version__, SERVES, True),
        ("99.0.0", __version__, False),  # a deploy under way, or a rollback
        ("99.0.0", "99.0.0", SchemaTooNew),
        ("0.0.9", "0.0.9", SchemaOutdated),
    ],
)
async def test_a_newer_schema_serves_the_versions_it_says_it_serves(
    db: asyncpg.Connection, version: str, serves: str, outcome: bool | type[Exception]
) -> None:
    if version != __version__:
        await db.execute("update exora.schema_code set checksum = 'other', version = $1, serves = $2", version, serves)
    if isinstance(outcome, bool):
        assert await check(db) is outcome
    else:
        with pytest.raises(outcome):
            await check(db)


async def test_a_schema_is_never_taken_back(db: asyncpg.Connection) -> None:
    await db.execute("update exora.schema_code set checksum = 'other', version = '99.0.0', serves = $1", __version__)
    with pytest.raises(SchemaTooNew, match="never taken back"):
        await migrate(db)
    assert await db.fetchval("select checksum from exora.schema_code") == "other"


async def test_an_edited_migration_is_refused(db: asyncpg.Connection) -> None:
    await db.execute("update exora.schema_migrations set checksum = 'edited' where version = 1")
    with pytest.raises(ConfigurationError, match="0001"):
        await migrate(db)


async def test_a_failing_migration_leaves_nothing_behind(empty_dsn: str) -> None:
    connection = await asyncpg.connect(empty_dsn)
    await connection.execute("create schema exora; create table exora.records (a int)")
    with pytest.raises(asyncpg.DuplicateTableError):
        await migrate(connection)
    assert await connection.fetchval("select to_regclass('exora.jobs')") is None
    await connection.close()


async def test_renewing_keeps_the_data(db: asyncpg.Connection) -> None:
    await db.execute("select register_patient_v3(gen_random_uuid())")
    await db.execute("update exora.schema_code set checksum = 'old'")
    await migrate(db)
    assert await db.fetchval("select count(*) from exora.patients") == 1
