"""The PostgreSQL that is measured on: private, durable as in production, one fresh database per run of a system."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import asyncpg

from exora.dev.embedded import Binaries, EmbeddedPostgres

SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "autovacuum": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
    "max_connections": "300",
    "listen_addresses": "127.0.0.1",
}


@dataclass(frozen=True)
class Server:
    """A running server, reached over loopback TCP as the peers' clients usually do."""

    user: str
    password: str
    port: int
    version: str

    def url(self, database: str) -> str:
        """The URL of one of its databases."""
        return f"postgresql://{quote(self.user)}:{quote(self.password)}@127.0.0.1:{self.port}/{database}"

    async def create(self, database: str, template: str | None = None) -> str:
        """Make a database, empty or a copy; returns its URL."""
        await self.execute(f'create database "{database}"' + (f' template "{template}"' if template else ""))
        return self.url(database)

    async def drop(self, database: str) -> None:
        """Drop a database under whoever is in it."""
        await self.execute(f'drop database if exists "{database}" with (force)')

    async def execute(self, statement: str, database: str = "postgres") -> None:
        """Run one statement over a connection of its own."""
        connection = await asyncpg.connect(self.url(database))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def value(self, query: str, *arguments: object) -> object:
        """The first value of a query, asked from a database that is not measured."""
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            return await connection.fetchval(query, *arguments)
        finally:
            await connection.close()

    async def leave(self, database: str) -> None:
        """Wait until nobody is connected to a database, so that its statistics are complete."""
        while await self.value("select count(*) from pg_stat_activity where datname = $1", database):  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    async def settle(self, database: str) -> None:
        """Vacuum, analyze, checkpoint: so that a drain starts from the same state in every system."""
        await self.execute("vacuum analyze", database)
        await self.execute("checkpoint")

    async def active_ms(self, database: str) -> float:
        """Time the server has spent on statements in a database, by its own statistics.

        Complete for connections that have ended.
        """
        return float(str(await self.value("select active_time from pg_stat_database where datname = $1", database)))


@contextmanager
def running(installation: str) -> Iterator[Server]:
    """Start a server and end it.

    Args:
        installation: "embedded", or the major version of an installation of Debian, e.g. "15".
    """
    embedded = installation == "embedded"
    binaries = Binaries.of_wheel() if embedded else Binaries.at(Path(f"/usr/lib/postgresql/{installation}/bin"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with EmbeddedPostgres(ephemeral=True, binaries=binaries, settings={**SETTINGS, "port": str(port)}) as postgres:
        parts = urlsplit(postgres.dsn)
        yield Server(parts.username or "", parts.password or "", port, f"PostgreSQL {binaries.major} ({installation})")


def load() -> str:
    """How busy the machine is: what others do on it goes into the numbers."""
    one, five, _ = os.getloadavg()
    cores = os.cpu_count() or 1
    warning = "  ** the machine is busy: read ratios, not rates **" if one > cores else ""
    return f"load {one:.1f} (1 min) {five:.1f} (5 min) on {cores} cores{warning}"
