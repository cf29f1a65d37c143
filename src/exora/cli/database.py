"""Which database a command works on: DATABASE_URL, else the Supabase project, else the embedded one.

What reaches a database is loaded when one is asked for: help and completion should not wait for it.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from exora.cli.output import run
from exora.errors import ConfigurationError

if TYPE_CHECKING:
    from exora.app import Services, Target
    from exora.coordination.port import Coordinator
    from exora.settings import Settings

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
    from exora.dev.embedded import EmbeddedPostgres

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
    """Ask the coordinator of the configured database something, on an event loop of its own.

    Raises:
        ExoraError: what ``database`` and ``services`` raise, and what it answers.
    """
    from exora.settings import read_settings

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
    from exora.app import migrate_schema, open_services

    embedded = ephemeral or (settings.database_url is None and settings.project is None)
    if embedded and isinstance(target, str):
        await migrate_schema(target)
    async with open_services(
        target, bucket_of=None if embedded else settings.project, traced=settings.traced
    ) as opened:
        yield opened
