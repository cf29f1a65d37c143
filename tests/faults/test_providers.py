"""Row 13: providers that throttle, fail, hang, drip, stop midway, or answer nonsense, too much, or a bomb.

What passes is waited out within the attempt and burns no retry; nonsense is tried again as an attempt of its own; what
does not pass ends the job with the reason. No call goes on past its deadline, and nothing stays reserved.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import pytest

from exora.capacity.clients import GatedChat
from exora.capacity.estimates import Estimator
from exora.capacity.gate import Gate
from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.domain.job import EnqueueRequest, JobState, JobView
from exora.errors import ProviderUnavailable
from exora.providers.openai import OpenAI
from exora.testing.faults import FAULTS, Fault
from exora.testing.providers.openai import OpenAIServer
from exora.testing.sandbox import Sandbox
from exora.worker.config import WorkerConfig, new_worker_id
from exora.worker.context import JobContext
from exora.worker.keeper import Heartbeats
from exora.worker.registry import Registry
from exora.worker.runtime import Worker

from .deeds import TYPE
from .report import Row

HUGE_BYTES = 40 * 1024 * 1024
CALL_S = 5.0
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"items": {"type": "array", "items": {"type": "string"}}},
    "required": ["items"],
    "additionalProperties": False,
}


@lru_cache
def bomb() -> bytes:
    """A body of 200 kilobytes that unpacks to 200 megabytes."""
    return gzip.compress(b" " * 5 * HUGE_BYTES, compresslevel=9)


@lru_cache
def huge() -> bytes:
    """A body of 40 megabytes."""
    return b" " * HUGE_BYTES


class Server(OpenAIServer):
    """The stand-in, with worse answers."""

    async def answer(self, body: dict[str, Any], flaw: str) -> tuple[bytes, int | None]:
        """``flaw`` error_in_200, huge or bomb; others as the stand-in."""
        match flaw:
            case "error_in_200":
                return json.dumps({"error": {"message": "scripted", "type": "server_error"}}).encode(), None
            case "huge":
                return huge(), None
            case "bomb":
                return bomb(), None
            case _:
                return await super().answer(body, flaw)


@dataclass(frozen=True, slots=True)
class Kind:
    """A fault and what becomes of the job: done in the attempt (0 retries), in the next (1), or dead by a code."""

    fault: Fault | None
    retries: int = 0
    dead: str | None = None


ENDS = ("completed", "completed at the second attempt", "completed at the third attempt", "completed at the last")
KINDS = {
    "throttled_seconds": Kind(FAULTS["429-seconds"]),
    "throttled_date": Kind(FAULTS["429-date"]),
    "throttled_silently": Kind(FAULTS["429"]),
    "internal": Kind(FAULTS["500"]),
    "gateway": Kind(FAULTS["502"]),
    "unavailable": Kind(FAULTS["503"]),
    "overloaded": Kind(FAULTS["529"]),
    "hang": Kind(FAULTS["hang"]),
    "drip": Kind(FAULTS["drip"]),
    "reset": Kind(FAULTS["reset"]),
    "truncated": Kind(FAULTS["truncated"]),
    "not_json": Kind(FAULTS["not_json"], retries=1),
    "wrong_json": Kind(FAULTS["wrong_json"], retries=1),
    "error_in_ok": Kind(Fault(flaw="error_in_200"), retries=1),
    "huge": Kind(Fault(flaw="huge"), retries=1),
    "bomb": Kind(Fault(flaw="bomb", headers={"content-encoding": "gzip"}), retries=1),
    "refused": Kind(None, dead=ProviderUnavailable.code),
    "no_tls": Kind(None, dead=ProviderUnavailable.code),
}


def closed_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def without_tls() -> AsyncIterator[str]:
    """The address of a server that answers a TLS handshake as most do that know none."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


class Providers:
    """A server, a client and an API of its own for each kind of fault."""

    def __init__(self, gate: Gate, coordinator: WireCoordinator) -> None:
        self.servers: dict[str, Server] = {}
        self.chats: dict[str, GatedChat] = {}
        self._gate = gate
        self._coordinator = coordinator

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """All of them up."""
        async with contextlib.AsyncExitStack() as stack:
            for kind in KINDS:
                self.servers[kind] = server = Server()
                url = await stack.enter_async_context(server.serve())
                if kind == "refused":
                    url = f"http://127.0.0.1:{closed_port()}/v1"
                if kind == "no_tls":
                    url = await stack.enter_async_context(without_tls())
                client = OpenAI("test-key", url, timeout_s=CALL_S)
                stack.push_async_callback(client.close)
                await self._coordinator.set_api_limits("openai", kind, {"concurrent_requests": 5})
                estimator = Estimator(self._coordinator, "openai", kind)
                self.chats[kind] = GatedChat(self._gate, client, estimator, kind)
            yield

    async def handle(self, _: JobContext, payload: dict[str, Any]) -> dict[str, int]:
        """Ask the provider that the job names."""
        chat = self.chats[payload["scope"]]
        text = await chat.complete(system="Extract.", user="nothing", schema_name="record", schema=SCHEMA)
        return {"count": len(json.loads(text)["items"])}


@contextlib.asynccontextmanager
async def working(coordinator: WireCoordinator, dsn: str, registry: Registry) -> AsyncIterator[None]:
    """A worker for the length of the block."""

    async def connect_keeper() -> Heartbeats:
        return WireCoordinator(PostgresTransport(dsn, max_connections=1))

    config = WorkerConfig(new_worker_id("providers"), sweep_interval_s=0.1, poll_max_s=0.2)
    worker = Worker(coordinator, connect_keeper, registry, config)
    running = asyncio.create_task(worker.run(handle_signals=False))
    try:
        yield
    finally:
        worker.stop()
        await running


@pytest.mark.row(13)
@pytest.mark.xdist_group("providers-13")
async def test_each_fault_of_a_provider_becomes_what_it_is(sandbox: Sandbox, row: Row) -> None:
    await sandbox.hurry(lease_s=10)
    bomb()
    jobs: list[UUID] = []
    async with contextlib.AsyncExitStack() as stack:
        transport = PostgresTransport(sandbox.dsn)
        stack.push_async_callback(transport.close)
        coordinator, registry = WireCoordinator(transport), Registry()
        gate = Gate(coordinator, "providers", lease_s=2)
        stack.push_async_callback(gate.close)
        providers = Providers(gate, coordinator)
        registry.add(TYPE, providers.handle)
        await stack.enter_async_context(providers.serving())
        await stack.enter_async_context(working(coordinator, sandbox.dsn, registry))
        for _ in range(3 * row.scale):
            made = {}
            for name, kind in KINDS.items():
                if kind.fault is not None:
                    providers.servers[name].script.append(kind.fault)
                row.fault()
                request = EnqueueRequest(TYPE, {"scope": name}, max_retries=0 if kind.dead else 3)
                [answer] = await coordinator.enqueue([request])
                made[name] = answer.job_id
            views = {view.job_id: view for view in await sandbox.ended(list(made.values()), 90)}
            jobs += made.values()
            became = {name: end(views[job]) for name, job in made.items()}
            assert became == {name: kind.dead or ENDS[kind.retries] for name, kind in KINDS.items()}
        await gate.close()
        apis = [api for api in await coordinator.api_capacity() if api.endpoint in KINDS]
        assert {api.endpoint: api.concurrent for api in apis if api.concurrent} == {}
    async with sandbox.connect() as db:
        await row.check(db, jobs)


def end(view: JobView) -> str:
    """How a job ended, in words."""
    if view.state is JobState.COMPLETED:
        return ENDS[view.retry_count]
    return str((view.error_details or {}).get("code"))
