"""PostgreSQL for tests: one server for a session, and for each test a migrated database, copied from a template."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from exora.dev.embedded import Binaries, EmbeddedPostgres
from exora.sql.migrate import migrate

#: Tests throw their data away, so it need not survive a power cut.
_SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_connections": "200", "max_wal_size": "256MB"}
#: Hundreds of databases are made and dropped: in memory that takes a fifth of the time, where there is room for it.
_MEMORY = Path("/dev/shm")  # noqa: S108  the server makes a directory of its own there
_ROOM_BYTES = 4 * 1024**3
TEMPLATE = "template_exora"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Server:
    """A server, told by the URL of one of its databases as a user who may create others."""

    dsn: str

    def url(self, database: str) -> str:
        """The URL of another of its databases."""
        return urlunsplit(urlsplit(self.dsn)._replace(path=f"/{database}"))

    async def prepare(self) -> None:
        """Make the template, anew if there is one: a database with this version's schema."""
        connection = await asyncpg.connect(self.dsn)
        await connection.execute(f"drop database if exists {TEMPLATE}")
        await connection.execute(f"create database {TEMPLATE}")
        await connection.close()
        connection = await asyncpg.connect(self.url(TEMPLATE))
        await migrate(connection)
        await connection.close()

    async def create(self, template: str | None = TEMPLATE) -> str:
        """Make a database and return its URL; without a template it is empty."""
        name = f"t{os.getpid()}_{next(_numbers)}"
        source = f" template {template} strategy file_copy" if template else ""
        connection = await asyncpg.connect(self.dsn)
        await connection.execute(f"create database {name}{source}")
        await connection.close()
        return self.url(name)

    async def drop(self, url: str) -> None:
        """Drop a database, whoever is connected to it."""
        connection = await asyncpg.connect(self.dsn)
        await connection.execute(f"drop database {urlsplit(url).path[1:]} with (force)")
        await connection.close()

    @contextlib.asynccontextmanager
    async def database(self, template: str | None = TEMPLATE) -> AsyncIterator[str]:
        """A database for the length of the block."""
        url = await self.create(template)
        try:
            yield url
        finally:
            await self.drop(url)


def _home() -> Path | None:
    """Where servers keep their data: memory, or the system's temporary directory in a container that has little."""
    return _MEMORY if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _ROOM_BYTES else None


@contextlib.contextmanager
def scratch_server(binaries: Binaries | None = None) -> Iterator[Server]:
    """A server whose data vanish with the block, with its template made.

    Args:
        binaries: which PostgreSQL; None = the embedded one.
    """
    with EmbeddedPostgres(_home(), ephemeral=True, binaries=binaries, settings=_SETTINGS) as running:
        server = Server(running.dsn)
        asyncio.run(server.prepare())
        yield server
