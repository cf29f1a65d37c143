"""Handlers of users call APIs through the gate: the examples of the documentation, run against a server that counts."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import asyncpg
import pytest

import exora
from exora.app import open_services, open_worker
from exora.capacity.clients import GatedApis
from exora.capacity.gate import Gate
from exora.coordination.port import Coordinator
from exora.domain.job import ClaimedJob, EnqueueRequest, Fence, JobState, JobView
from exora.errors import ConfigurationError
from exora.settings import RemoteApi
from exora.testing.providers.openai import OpenAIServer
from exora.testing.providers.scripted import FAULTS
from exora.worker.config import WorkerConfig, new_worker_id
from exora.worker.registry import Registry
from exora.worker.runtime import Worker

EXAMPLES = re.findall(
    r'```python title="\w+.py"\n(.*?)```',
    (Path(__file__).parents[2] / "docs/howto/call-apis.md").read_text(),
    re.DOTALL,
)
CHAT, RAW = "notification_delivery", "report_generation"


class Rig:
    """A worker with the documentation's handlers, and the provider they call."""

    def __init__(self, coordinator: Coordinator, worker: Worker, server: OpenAIServer) -> None:
        self.coordinator = coordinator
        self.worker = worker
        self.server = server

    async def job(self, job_type: str, done: Callable[[JobView], bool] = lambda view: view.state.final) -> JobView:
        """Enqueue a job and wait until it is as wanted."""
        [answer] = await self.coordinator.enqueue([EnqueueRequest(job_type, {})])
        async with asyncio.timeout(30):
            while True:
                [view] = await self.coordinator.get_jobs([answer.job_id])
                if done(view):
                    return view
                await asyncio.sleep(0.02)


@pytest.fixture
async def rig(embedded_dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    """A worker that works."""
    registry = Registry()
    monkeypatch.setattr(exora, "handler", registry.handler)
    for example in EXAMPLES:
        exec(compile(example, "call-apis", "exec"), {})
    server = OpenAIServer()
    async with open_services(embedded_dsn) as services, server.serve() as url:
        monkeypatch.setenv("REPORT_API_URL", f"{url}/chat/completions")
        monkeypatch.setenv("REPORT_API_KEY", "test-key")
        config = WorkerConfig(worker_id=new_worker_id("test"), sweep_interval_s=0.1, poll_max_s=0.2, drain_s=0)
        openai = RemoteApi("test-key", url, "gpt-4o-mini")
        async with open_worker(services, config, openai=openai, pool_size=1, registry=registry) as worker:
            running = asyncio.create_task(worker.run(handle_signals=False))
            yield Rig(services.coordinator, worker, server)
            worker.stop()
            await running


async def test_the_examples_of_the_documentation_reserve_settle_and_are_counted(rig: Rig, embedded_dsn: str) -> None:
    chat, raw = await rig.job(CHAT), await rig.job(RAW)
    assert (chat.state, chat.result) == (JobState.COMPLETED, {"characters": len('{"urgent": false}')})
    assert (raw.state, raw.result) == (JobState.COMPLETED, {"tokens": 2})
    counted = rig.worker.calls.apis["openai", "gpt-4o-mini"]
    assert (counted.granted, counted.errors, rig.server.answered) == (2, {}, 2)
    used = counted.input_tokens + counted.output_tokens
    async with asyncio.timeout(10):  # until the next sync
        while True:
            [api] = [api for api in await rig.coordinator.api_capacity() if api.endpoint == "gpt-4o-mini"]
            if (api.concurrent, api.tokens) == (0, used):
                break
            await asyncio.sleep(0.05)
    db = await asyncpg.connect(embedded_dsn)
    declared = await db.fetch("select job_type, tokens_per_job from exora.job_type_needs order by 1")
    await db.close()
    assert [tuple(row) for row in declared] == [(CHAT, 500), (RAW, 0)]


async def test_a_429_that_a_handler_raises_reaches_the_fleet_and_burns_no_attempt(rig: Rig) -> None:
    rig.server.script.append(FAULTS["429-seconds"])
    put_off = await rig.job(RAW, lambda view: view.attempt == 1 and view.state is JobState.PENDING)
    assert (put_off.retry_count, put_off.last_error) == (0, None)
    [api] = [api for api in await rig.coordinator.api_capacity() if api.endpoint == "gpt-4o-mini"]
    assert (api.state, api.reason) == ("rate_limited", "retry_after")


@contextlib.contextmanager
def refused(field: str) -> Any:
    """What is not there is an error that says so."""
    with pytest.raises(ConfigurationError) as caught:
        yield
    assert caught.value.field == field
    assert caught.value.remedy


def test_an_api_that_is_not_configured_is_named() -> None:
    job = ClaimedJob(Fence(uuid4(), 1, uuid4()), RAW, RAW, {}, 0, 5, 5, uuid4(), 30, 120, 60)

    def progress(_: UUID, done: int, total: int) -> None:
        """Nobody watches."""

    gate = Gate(cast("Any", None), "w")
    context = exora.JobContext(job, "w", 0.0, cast("Any", None), progress, GatedApis(gate))
    with refused("OPENAI_API_KEY"):
        _ = context.openai
    with refused("GOOGLE_CLOUD_API_KEY"):
        _ = context.vision
