"""Real PostgreSQL servers for the suite: the embedded one, and every Debian one of version 15 or newer."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.dev.embedded import Binaries, EmbeddedPostgres
from exora.observe.logs import configure_logs
from exora.sql.migrate import migrate

#: The suite throws its data away, so it need not survive a power cut.
_SETTINGS = {"fsync": "off", "full_page_writes": "off", "max_connections": "200", "max_wal_size": "256MB"}
#: Hundreds of databases are made and dropped: in memory that takes a fifth of the time, where there is room for it.
_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 4 * 1024**3


def _found_servers() -> dict[str, Binaries]:
    servers = {"embedded": Binaries.of_wheel()}
    for initdb in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        major = int(initdb.parent.parent.name)
        if major >= 15:
            servers[f"debian{major}"] = Binaries.at(initdb.parent)
    return servers


SERVERS = _found_servers()
_numbers = itertools.count(1)


def pytest_report_header() -> str:
    """Say which servers the SQL tests run on; CI must have both."""
    if os.environ.get("CI") and len(SERVERS) < 2:
        raise pytest.UsageError("CI runs the SQL tests on the embedded server and on Debian's PostgreSQL 15")
    return f"postgresql: {', '.join(SERVERS)}"


@dataclass(frozen=True)
class Server:
    """A running server with a migrated template database."""

    dsn: str

    def url(self, database: str) -> str:
        """The DSN of one of its databases."""
        return urlunsplit(urlsplit(self.dsn)._replace(path=f"/{database}"))


@pytest.fixture(scope="session", autouse=True)
def _quiet_logs() -> None:
    configure_logs("error")


def _home() -> Path | None:
    """Where servers keep their data: memory, or the system's temporary directory in a container that has little."""
    return _MEMORY if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _ROOM_BYTES else None


def _start(name: str) -> Iterator[Server]:
    with EmbeddedPostgres(_home(), ephemeral=True, binaries=SERVERS[name], settings=_SETTINGS) as running:
        server = Server(running.dsn)
        asyncio.run(_make_template(server))
        yield server


async def _make_template(server: Server) -> None:
    connection = await asyncpg.connect(server.dsn)
    await connection.execute("create database template_exora")
    await connection.close()
    connection = await asyncpg.connect(server.url("template_exora"))
    await migrate(connection)
    await connection.close()


@pytest.fixture(scope="session")
def embedded_server() -> Iterator[Server]:
    """The embedded server."""
    yield from _start("embedded")


@pytest.fixture(scope="session")
def debian_server() -> Iterator[Server]:
    """Debian's server, where there is one."""
    yield from _start(next(name for name in SERVERS if name != "embedded"))


@pytest.fixture(params=list(SERVERS))
def server(request: pytest.FixtureRequest) -> Server:
    """Each server in turn."""
    found: Server = request.getfixturevalue("embedded_server" if request.param == "embedded" else "debian_server")
    return found


async def fresh(server: Server, template: str | None) -> AsyncIterator[str]:
    """A database of its own, once; dropped afterwards."""
    name = f"t{os.getpid()}_{next(_numbers)}"
    connection = await asyncpg.connect(server.dsn)
    await connection.execute(
        f"create database {name}" + (f" template {template} strategy file_copy" if template else "")
    )
    try:
        yield server.url(name)
    finally:
        await connection.execute(f"drop database {name} with (force)")
        await connection.close()


@pytest.fixture
async def empty_dsn(server: Server) -> AsyncIterator[str]:
    """A database of its own without any schema, on each server."""
    async for dsn in fresh(server, None):
        yield dsn


@pytest.fixture
async def dsn(server: Server) -> AsyncIterator[str]:
    """A migrated database of its own, on each server."""
    async for url in fresh(server, "template_exora"):
        yield url


@pytest.fixture
async def embedded_dsn(embedded_server: Server) -> AsyncIterator[str]:
    """A migrated database of its own on the embedded server, for tests that are not about SQL."""
    async for url in fresh(embedded_server, "template_exora"):
        yield url


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the owner."""
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def coordinator(dsn: str) -> AsyncIterator[WireCoordinator]:
    """The verbs over the direct transport."""
    transport = PostgresTransport(dsn)
    yield WireCoordinator(transport)
    await transport.close()
