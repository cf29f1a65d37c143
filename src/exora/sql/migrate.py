"""Applies and verifies the database schema: migrations once, functions, views and grants when they changed.

Everything happens in one transaction under an advisory lock, so two machines may migrate at once and a
failure leaves the database as it was. A schema says which version made it and the oldest version whose workers it
serves: on a deploy the workers of two versions run at once, and after a rollback the older one runs alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import asyncpg

from exora.errors import ConfigurationError, SchemaOutdated, SchemaTooNew
from exora.version import __version__

_LOCK = "select pg_advisory_xact_lock(hashtextextended('exora.migrate', 0))"
_BOOTSTRAP = """
create schema if not exists exora;
create table if not exists exora.schema_migrations (
  version integer primary key, name text not null, checksum text not null,
  applied_at timestamptz not null default clock_timestamp());
create table if not exists exora.schema_code (
  singleton boolean primary key default true check (singleton), checksum text not null,
  applied_at timestamptz not null default clock_timestamp());
alter table exora.schema_code add column if not exists version text, add column if not exists serves text;
"""
_STATE = """
select jsonb_build_object(
  'code', (select checksum from exora.schema_code), 'version', (select version from exora.schema_code),
  'migrations', (select jsonb_agg(jsonb_build_object('version', version, 'checksum', checksum) order by version)
                   from exora.schema_migrations))"""
_WHOLE = """
select count(*) = cardinality($1::text[]) from pg_catalog.pg_proc p
 where p.pronamespace = 'public'::regnamespace and p.proname = any ($1::text[])
   and pg_catalog.has_function_privilege('service_role', p.oid, 'execute')"""
_RENEWED = """
insert into exora.schema_code (checksum, version, serves) values ($1, $2, $3)
on conflict (singleton) do update
   set checksum = excluded.checksum, version = excluded.version, serves = excluded.serves,
       applied_at = clock_timestamp()"""
#: Partitions for the first days, and the trigger that compiles payload schemas fired once for those seeded before it.
_AFTER = "select exora.ensure_partitions(); update exora.payload_fields set kind = kind where false;"
#: The oldest version whose workers work with this version's schema. Raised only by a release that takes something away,
#: which the release before it no longer used (expand, then contract).
SERVES = "0.1.0"
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
            state = await _state(connection)
            _refuse_downgrade(state)
            pending = _missing(state)
            for migration in pending:
                await connection.execute(migration.sql)
                await connection.execute(
                    "insert into exora.schema_migrations (version, name, checksum) values ($1, $2, $3)",
                    migration.version,
                    migration.name,
                    migration.checksum,
                )
            stale = (state["code"], state["version"]) != (_code_checksum(), __version__)
            renew = bool(pending) or stale or not await _whole(connection)
            if renew:
                await connection.execute(_code())
                await connection.execute(_RENEWED, _code_checksum(), __version__, SERVES)
                await connection.execute("notify pgrst, 'reload schema'")
    except asyncpg.InsufficientPrivilegeError as error:
        raise ConfigurationError(
            f"this database user may not migrate the schema (SQLSTATE {error.sqlstate})",
            field="DATABASE_URL",
            remedy="Connect as the owner of the database (on Supabase: postgres), with the right to create roles",
        ) from error
    return Applied(tuple(migration.version for migration in pending), renew)


async def check(connection: asyncpg.Connection) -> bool:
    """As ``check_state``, over a direct connection of the owner or of ``service_role``."""
    try:
        state = await connection.fetchval("select public.schema_state_v3()")
    except (asyncpg.UndefinedFunctionError, asyncpg.UndefinedTableError):
        raise SchemaOutdated("this database has not been migrated") from None
    return check_state(json.loads(state) if isinstance(state, str) else state)


def check_state(state: Mapping[str, Any] | None) -> bool:
    """Verify that a database serves this version, from what ``schema_state_v3`` says of it.

    Returns:
        True when it is exactly at this version; False when it is at a newer one that serves this version too.

    Raises:
        SchemaOutdated: migrations are missing, or functions, views and grants are of an older version.
        SchemaTooNew: a newer version migrated it, which no longer serves this one.
    """
    if not state or not state.get("migrations") or not state.get("version"):
        raise SchemaOutdated("this database has not been migrated")
    if _order(state["version"]) > _order(__version__):
        if _order(state["serves"]) > _order(__version__):
            raise SchemaTooNew(
                f"this database is at version {state['version']}, which serves workers from {state['serves']} on;"
                f" this is {__version__}"
            )
        return False
    pending = _missing(state)
    if pending:
        raise SchemaOutdated(f"this database lacks {len(pending)} migration(s), from {pending[0].version:04d} on")
    if state["code"] != _code_checksum():
        raise SchemaOutdated("the functions, views or grants in this database are not this version's")
    return True


def pending_of(state: Mapping[str, Any] | None) -> list[Migration]:
    """The migrations that a database lacks, from what ``schema_state_v3`` says of it.

    Raises:
        SchemaTooNew: it has some that this version does not know.
    """
    return _missing(state or {})


async def _state(connection: asyncpg.Connection) -> dict[str, Any]:
    """The state as the owner sees it, before there are functions too."""
    state: dict[str, Any] = json.loads(await connection.fetchval(_STATE))
    return state


async def _whole(connection: asyncpg.Connection) -> bool:
    """Whether every function is there and granted: somebody may have dropped one, or revoked it."""
    return bool(await connection.fetchval(_WHOLE, list(door())))


def _refuse_downgrade(state: Mapping[str, Any]) -> None:
    """An older version's functions would be laid over a newer one's: its workers would fail."""
    if state["version"] is not None and _order(state["version"]) > _order(__version__):
        raise SchemaTooNew(
            f"this database is at version {state['version']}; a schema is never taken back to {__version__}",
            remedy=f"Nothing needs to be undone: it serves the workers of {__version__} as long as its version says so",
        )


def _order(version: str) -> tuple[int, ...]:
    """What versions are compared by: the numbers of the release, ``1.2.3``; what follows them does not count."""
    return tuple(int(part) for part in re.match(r"\d+(?:\.\d+)*", version)[0].split("."))  # type: ignore[index]


def _missing(state: Mapping[str, Any]) -> list[Migration]:
    """The migrations to apply where these are."""
    rows: Sequence[Mapping[str, Any]] = state.get("migrations") or []
    known = {migration.version: migration for migration in migrations()}
    for row in rows:
        migration = known.get(row["version"])
        if migration is None:
            raise SchemaTooNew(
                f"this database is at migration {row['version']:04d}, which this installation (up to"
                f" {max(known):04d}) does not know"
            )
        if migration.checksum != row["checksum"]:
            raise ConfigurationError(
                f"migration {migration.version:04d} was applied in another form than this version has",
                remedy="Reinstall exora; migrations are never edited once released",
            )
    done = {row["version"] for row in rows}
    return [migration for migration in migrations() if migration.version not in done]
