"""The HTTP side of a running worker, as clients of any address reach it, and what is logged meanwhile."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from exora.http.access import Access
from exora.http.live import LiveWorker
from exora.http.server import application
from exora.observe.logs import configure_logs
from tests.worker.conftest import Bench

READ, OPERATE = "look-only-" + "r" * 32, "may-act-" + "o" * 32
SITE = "http://exora.test"


@dataclass
class Door:
    """A worker's routes."""

    live: LiveWorker
    bench: Bench

    def __post_init__(self) -> None:
        self.app = self.opened_by(Access(READ, OPERATE))

    def opened_by(self, access: Access) -> Any:
        """The routes, under these tokens."""
        return application(self.live, self.bench.coordinator, access)

    def client(self, address: str = "192.0.2.1", app: Any = None, **options: Any) -> httpx.AsyncClient:
        """A browser or a machine at an address."""
        transport = httpx.ASGITransport(app or self.app, raise_app_exceptions=False, client=(address, 4711))
        return httpx.AsyncClient(transport=transport, base_url=SITE, headers={"Origin": SITE}, **options)

    async def paused(self) -> set[str]:
        """The lanes that are paused."""
        return {lane.lane for lane in await self.bench.coordinator.queue_stats() if lane.paused_at is not None}


@pytest.fixture
async def bench(embedded_dsn: str) -> AsyncIterator[Bench]:
    """A database with nobody working on it yet."""
    bench = Bench(embedded_dsn)
    yield bench
    await bench.transport.close()


@pytest.fixture
async def door(bench: Bench) -> AsyncIterator[Door]:
    """A worker's door."""
    async with bench.worker() as worker:
        yield Door(LiveWorker(worker), bench)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged meanwhile."""
    out = io.StringIO()
    configure_logs("info", stream=out)
    yield out
    configure_logs("error")
