"""Applies and verifies the database schema: migrations once, functions, views and grants when they changed.

Everything happens in one transaction under an advisory lock, so two machines may migrate at once and a
failure leaves the database as it was.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import asyncpg

from exora.errors import ConfigurationError, SchemaOutdated, SchemaTooNew

_LOCK = "select pg_advisory_xact_lock(hashtextextended('exora.migrate', 0))"
_BOOTSTRAP = """
create schema if not exists exora;
create table if not exists exora.schema_migrations (
  version integer primary key, name text not null, checksum text not null,
  applied_at timestamptz not null default clock_timestamp());
create table if not exists exora.schema_code (
  singleton boolean primary key default true check (singleton), checksum text not null,
  applied_at timestamptz not null default clock_timestamp());
"""
#: Partitions for the first days, and the trigger that compiles payload schemas fired once for those seeded before it.
_AFTER = "select exora.ensure_partitions(); update exora.payload_fields set kind = kind where false;"
MINIMUM_SERVER = 150000  # PostgreSQL 15: security_invoker views


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered, immutable step of the schema."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the file, so that an edited migration is noticed."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Applied:
    """What a run of ``migrate`` did: versions applied, and whether functions, views and grants were renewed."""

    versions: tuple[int, ...]
    code_renewed: bool


@lru_cache(maxsize=1)
def migrations() -> tuple[Migration, ...]:
    """All migrations of this version, in order."""
    found = []
    for entry in resources.files("exora.sql").joinpath("migrations").iterdir():
        match = re.fullmatch(r"(\d{4})_(\w+)\.sql", entry.name)
        if match:
            found.append(Migration(int(match[1]), match[2], entry.read_text(encoding="utf-8")))
    return tuple(sorted(found, key=lambda migration: migration.version))


@lru_cache(maxsize=1)
def functions() -> dict[str, str]:
    """Name → SQL of every function file."""
    folder = resources.files("exora.sql").joinpath("functions")
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda entry: entry.name)
    return {entry.name.removesuffix(".sql"): entry.read_text(encoding="utf-8") for entry in files}


def door() -> tuple[str, ...]:
    """Names of the functions in ``public``: those that service_role may call."""
    return tuple(name for name, sql in functions().items() if f"function public.{name}(" in sql)


def _code() -> str:
    root = resources.files("exora.sql")
    names = ", ".join(f"'{name}'" for name in door())
    grants = root.joinpath("grants.sql").read_text(encoding="utf-8").replace("{{door}}", f"array[{names}]")
    views = root.joinpath("views.sql").read_text(encoding="utf-8")
    # The view calls one of the functions, and others return its rows.
    first = functions()["job_uuid"]
    return "\n".join(["set local check_function_bodies = off;", first, views, *functions().values(), grants, _AFTER])


def _code_checksum() -> str:
    return hashlib.sha256(_code().encode()).hexdigest()


async def migrate(connection: asyncpg.Connection) -> Applied:
    """Bring the database to this version; a no-op where it is there already.

    Args:
        connection: an open connection of the schema's owner.

    Raises:
        SchemaTooNew: a newer version migrated this database.
        ConfigurationError: the server is older than PostgreSQL 15, the user may not create what is
            needed, or a migration that was applied has been edited since.
    """
    if int(await connection.fetchval("select current_setting('server_version_num')::int")) < MINIMUM_SERVER:
        raise ConfigurationError(
            "this server is older than PostgreSQL 15", field="DATABASE_URL", remedy="Use PostgreSQL 15 or newer"
        )
    try:
        async with connection.transaction():
            await connection.execute(_LOCK)
            await connection.execute(_BOOTSTRAP)
            pending = await _pending(connection)
            for migration in pending:
                await connection.execute(migration.sql)
                await connection.execute(
                    "insert into exora.schema_migrations (version, name, checksum) values ($1, $2, $3)",
                    migration.version,
                    migration.name,
                    migration.checksum,
                )
            renew = bool(pending) or await _stale_code(connection)
            if renew:
                await connection.execute(_code())
                await connection.execute(
                    "insert into exora.schema_code (checksum) values ($1) on conflict (singleton) do update"
                    " set checksum = excluded.checksum, applied_at = clock_timestamp()",
                    _code_checksum(),
                )
                await connection.execute("notify pgrst, 'reload schema'")
    except asyncpg.InsufficientPrivilegeError as error:
        raise ConfigurationError(
            f"this database user may not migrate the schema (SQLSTATE {error.sqlstate})",
            field="DATABASE_URL",
            remedy="Connect as the owner of the database (on Supabase: postgres), with the right to create roles",
        ) from error
    return Applied(tuple(migration.version for migration in pending), renew)


async def check(connection: asyncpg.Connection) -> None:
    """Verify that the database is exactly at this version.

    Raises:
        SchemaOutdated: migrations are missing, or functions, views and grants are not this version's.
        SchemaTooNew: a newer version migrated this database.
    """
    if await connection.fetchval("select to_regclass('exora.schema_code')") is None:
        raise SchemaOutdated("this database has not been migrated")
    _require_current(await _pending(connection), await _stale_code(connection))


def pending_of(state: Mapping[str, Any] | None) -> list[Migration]:
    """The migrations that a database lacks, from what ``schema_state_v3`` says of it.

    Raises:
        SchemaTooNew: it has some that this version does not know.
    """
    return _missing((state or {}).get("migrations") or [])


def check_state(state: Mapping[str, Any] | None) -> None:
    """Verify what ``schema_state_v3`` says of a database, as ``check`` does.

    Raises:
        SchemaOutdated, SchemaTooNew: as ``check``.
    """
    if not state or not state.get("migrations"):
        raise SchemaOutdated("this database has not been migrated")
    _require_current(_missing(state["migrations"]), state["code"] != _code_checksum())


def _require_current(pending: list[Migration], stale: bool) -> None:
    if pending:
        raise SchemaOutdated(f"this database lacks {len(pending)} migration(s), from {pending[0].version:04d} on")
    if stale:
        raise SchemaOutdated("the functions, views or grants in this database are not this version's")


async def _pending(connection: asyncpg.Connection) -> list[Migration]:
    rows = await connection.fetch("select version, checksum from exora.schema_migrations order by version")
    return _missing([dict(row) for row in rows])


def _missing(rows: Iterable[Mapping[str, Any]]) -> list[Migration]:
    """The migrations to apply where these are."""
    known = {migration.version: migration for migration in migrations()}
    for row in rows:
        migration = known.get(row["version"])
        if migration is None:
            raise SchemaTooNew(
                f"this database is at version {row['version']:04d}, which this installation (up to"
                f" {max(known):04d}) does not know"
            )
        if migration.checksum != row["checksum"]:
            raise ConfigurationError(
                f"migration {migration.version:04d} was applied in another form than this version has",
                remedy="Reinstall exora; migrations are never edited once released",
            )
    done = {row["version"] for row in rows}
    return [migration for migration in migrations() if migration.version not in done]


async def _stale_code(connection: asyncpg.Connection) -> bool:
    return bool(await connection.fetchval("select checksum from exora.schema_code") != _code_checksum())
