"""Real PostgreSQL servers for the suite: the embedded one, and every Debian one of version 15 or newer."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import asyncpg
import pytest

from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.dev.embedded import Binaries
from exora.observe.logs import configure_logs
from exora.testing.server import Server, scratch_server

pytest_plugins = ["exora.testing.plugin", "pytester", "tests.faults.report"]


def _found_servers() -> dict[str, Binaries]:
    servers = {"embedded": Binaries.of_wheel()}
    for initdb in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        major = int(initdb.parent.parent.name)
        if major >= 15:
            servers[f"debian{major}"] = Binaries.at(initdb.parent)
    return servers


SERVERS = _found_servers()


def pytest_report_header() -> str:
    """Say which servers the SQL tests run on; CI must have both."""
    if os.environ.get("CI") and len(SERVERS) < 2:
        raise pytest.UsageError("CI runs the SQL tests on the embedded server and on Debian's PostgreSQL 15")
    return f"postgresql: {', '.join(SERVERS)}"


@pytest.fixture(scope="session", autouse=True)
def _quiet_logs() -> None:
    configure_logs("error")


@pytest.fixture(autouse=True)
def today() -> date:
    """The day by UTC, with 30 s of it left at least: usage, budgets and the archive are counted by the day."""
    left = 86_400 - time.time() % 86_400
    if left < 30:
        time.sleep(left)
    return datetime.now(UTC).date()


@pytest.fixture(scope="session")
def embedded_server() -> Iterator[Server]:
    """The embedded server."""
    with scratch_server(SERVERS["embedded"]) as server:
        yield server


@pytest.fixture(scope="session")
def debian_server() -> Iterator[Server]:
    """Debian's server, where there is one."""
    with scratch_server(next(found for name, found in SERVERS.items() if name != "embedded")) as server:
        yield server


@pytest.fixture(scope="session")
def exora_server(embedded_server: Server) -> Server:
    """The plugin's server: one for all."""
    return embedded_server


@pytest.fixture(params=list(SERVERS))
def server(request: pytest.FixtureRequest) -> Server:
    """Each server in turn."""
    found: Server = request.getfixturevalue("embedded_server" if request.param == "embedded" else "debian_server")
    return found


@pytest.fixture
async def empty_dsn(server: Server) -> AsyncIterator[str]:
    """A database of its own without any schema, on each server."""
    async with server.database(None) as url:
        yield url


@pytest.fixture
async def dsn(server: Server) -> AsyncIterator[str]:
    """A migrated database of its own, on each server."""
    async with server.database() as url:
        yield url


@pytest.fixture
async def embedded_dsn(embedded_server: Server) -> AsyncIterator[str]:
    """A migrated database of its own on the embedded server, for tests that are not about SQL."""
    async with embedded_server.database() as url:
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
