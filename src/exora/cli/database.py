"""Which database a command works on: DATABASE_URL, else the Supabase project, else the embedded one."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TypeVar

from exora.app import Services, Target, migrate_schema, open_services
from exora.cli.output import run
from exora.coordination.port import Coordinator
from exora.dev.embedded import EmbeddedPostgres
from exora.errors import ConfigurationError
from exora.settings import Settings, read_settings

T = TypeVar("T")


@contextlib.contextmanager
def database(settings: Settings, *, ephemeral: bool = False) -> Iterator[Target]:
    """Where the database is; the embedded one is started.

    Args:
        settings: say which.
        ephemeral: a fresh embedded database that keeps nothing, whatever the settings say.

    Raises:
        ConfigurationError, DatabaseUnavailable: it cannot be had.
    """
    configured = settings.database_url or settings.project
    if configured is not None and not ephemeral:
        yield configured
        return
    with EmbeddedPostgres(None if ephemeral else settings.data_dir, ephemeral=ephemeral) as server:
        yield server.dsn


@contextlib.contextmanager
def direct_database(settings: Settings, *, ephemeral: bool = False) -> Iterator[str]:
    """The DSN of the database, for what no REST can do.

    Raises:
        ConfigurationError: only SUPABASE_URL is set; and as ``database``.
    """
    with database(settings, ephemeral=ephemeral) as target:
        if not isinstance(target, str):
            raise ConfigurationError(
                "this needs a direct connection to the database",
                field="DATABASE_URL",
                remedy="Set DATABASE_URL to the project's direct or session-mode connection (Database → Connect)",
            )
        yield target


def ask(question: Callable[[Coordinator], Awaitable[T]]) -> T:
    """Ask the coordinator one thing, on the event loop."""
    settings = read_settings()

    async def main(target: Target) -> T:
        async with services(settings, target) as exora:
            return await question(exora.coordinator)

    with database(settings) as target:
        return run(main(target))


@contextlib.asynccontextmanager
async def services(settings: Settings, target: Target, *, ephemeral: bool = False) -> AsyncIterator[Services]:
    """The services on a database. The embedded one is migrated on the way; one's own is only checked:
    changing its schema is a decision.

    Raises:
        SchemaOutdated, SchemaTooNew: run ``exora migrate``, or upgrade.
    """
    embedded = ephemeral or (settings.database_url is None and settings.project is None)
    if embedded and isinstance(target, str):
        await migrate_schema(target)
    async with open_services(
        target, bucket_of=None if embedded else settings.project, traced=settings.traced
    ) as opened:
        yield opened
