"""Which database a command works on: DATABASE_URL, else the embedded one."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator

from exora.app import Services, migrate_schema, open_services
from exora.dev.embedded import EmbeddedPostgres
from exora.settings import Settings


@contextlib.contextmanager
def database(settings: Settings, *, ephemeral: bool = False) -> Iterator[str]:
    """The DSN of the database, started if it is the embedded one.

    Args:
        settings: say which.
        ephemeral: a fresh embedded database that keeps nothing, whatever DATABASE_URL says.

    Raises:
        ConfigurationError, DatabaseUnavailable: it cannot be had.
    """
    if settings.database_url is not None and not ephemeral:
        yield settings.database_url
        return
    with EmbeddedPostgres(None if ephemeral else settings.data_dir, ephemeral=ephemeral) as server:
        yield server.dsn


@contextlib.asynccontextmanager
async def services(settings: Settings, dsn: str, *, ephemeral: bool = False) -> AsyncIterator[Services]:
    """The services on a database. The embedded one is migrated on the way; one's own is only checked:
    changing its schema is a decision.

    Raises:
        SchemaOutdated, SchemaTooNew: run ``exora migrate``, or upgrade.
    """
    if settings.database_url is None or ephemeral:
        await migrate_schema(dsn)
    async with open_services(dsn) as opened:
        yield opened
