"""The pytest plugin: ``pytest_plugins = ["exora.testing.plugin"]`` in a conftest.py.

It is no entry point: that would load it, and asyncpg with it, into every pytest of an environment that has Exora. The
fixtures are plain functions, so they work with pytest-asyncio, with anyio, and without either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from exora.testing.sandbox import Sandbox
from exora.testing.server import Server, scratch_server

T = TypeVar("T")


def _apart(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run in a thread of its own: whatever loop there is in this one is the test's."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


@pytest.fixture(scope="session")
def exora_server() -> Iterator[Server]:
    """The server; override it to use another than the embedded one, and call its ``prepare`` once."""
    with scratch_server() as server:
        yield server


@pytest.fixture
def exora_dsn(exora_server: Server) -> Iterator[str]:
    """The URL of a migrated database that is this test's own."""
    url = _apart(exora_server.create())
    try:
        yield url
    finally:
        _apart(exora_server.drop(url))


@pytest.fixture
def sandbox(exora_dsn: str) -> Sandbox:
    """Exora on a database that is this test's own: enqueue, drain, travel."""
    return Sandbox(exora_dsn)
