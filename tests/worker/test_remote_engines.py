"""Documents through remote engines: the real SDKs, the gate, and stand-ins of the providers on loopback."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from exora.app import Services, open_services, open_worker
from exora.domain.document import Box, Line, Word
from exora.domain.job import JobState, JobView
from exora.errors import NotFound
from exora.settings import RemoteApi
from exora.testing.providers.answers import read_here
from exora.testing.providers.openai import OpenAIServer
from exora.testing.providers.scripted import FAULTS
from exora.testing.providers.vision import VisionServer
from exora.worker.config import WorkerConfig, new_worker_id

EXAMPLES = Path(__file__).parents[2] / "examples" / "documents"


#: What the stand-in of Vision sees on any page: the real one takes its time to read, and so would Tesseract here.
PRINTED = """LABORATORY REPORT
Patient: Jane Roe
Potassium 4.1 mmol/L 3.5-5.1
Sodium 139 mmol/L 136-145
Glucose 98 mg/dL 70-99"""


def printed(_: bytes) -> list[Line]:
    """The lines of ``PRINTED``, with boxes."""
    return lines_of(PRINTED)


def lines_of(page: str) -> list[Line]:
    """The lines of a page, with boxes."""
    rows = []
    for row, text in enumerate(page.splitlines()):
        words, at = [], 0.1
        for word in text.split():
            words.append(Word(word, Box(at, 0.1 + row / 20, at + len(word) / 60, 0.13 + row / 20), 0.97))
            at += (len(word) + 1) / 60
        rows.append(Line(tuple(words)))
    return rows


class Rig:
    """Providers, a database, and workers between them."""

    def __init__(self, services: Services, dsn: str) -> None:
        self.services = services
        self.dsn = dsn
        self.chat = OpenAIServer(reply=read_here)
        self.vision = VisionServer(read=printed)
        self.patient = uuid4()
        self.urls: dict[str, str] = {}

    @contextlib.asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        """A running worker."""
        config = WorkerConfig(worker_id=new_worker_id("test"), sweep_interval_s=0.2, poll_max_s=0.2)
        vision = RemoteApi("test-key", self.urls["vision"], "vision-api")
        openai = RemoteApi("test-key", self.urls["openai"], "gpt-4o-mini")
        async with open_worker(self.services, config, vision=vision, openai=openai, pool_size=1) as worker:
            running = asyncio.create_task(worker.run(handle_signals=False))
            try:
                yield
            finally:
                worker.stop()
                await running

    async def process(self, name: str, done: Callable[[JobView], bool] = lambda view: view.state.final) -> JobView:
        """Submit an example and wait until its job is as wanted."""
        await self.services.coordinator.register_patient(self.patient)
        answer = await self.services.submit((EXAMPLES / name).read_bytes(), self.patient)
        async with asyncio.timeout(180):
            while True:
                [view] = await self.services.coordinator.get_jobs([answer.job.job_id])
                if done(view):
                    return view
                await asyncio.sleep(0.05)

    async def record(self, job_id: UUID) -> dict[str, Any]:
        """The record of a job."""
        return (await self.services.coordinator.get_record(job_id)).record


@pytest.fixture
async def rig(embedded_dsn: str) -> AsyncIterator[Rig]:
    """Everything up, no worker yet."""
    async with open_services(embedded_dsn) as services:
        rig = Rig(services, embedded_dsn)
        async with rig.chat.serve() as chat, rig.vision.serve() as vision:
            rig.urls = {"openai": chat, "vision": vision}
            yield rig


async def test_a_scan_is_read_by_vision_and_analyzed_by_the_model(rig: Rig) -> None:
    async with rig.worker():
        view = await rig.process("lab-report-scan.pdf")
    assert view.state is JobState.COMPLETED
    record = await rig.record(view.job_id)
    assert record["engines"] == {"ocr": "google-vision/1", "analyzer": "gpt-4o-mini/extract-1"}
    assert {item["name"] for item in record["results"]} == {"Potassium", "Sodium", "Glucose"}
    assert all(item["source"]["box"] and item["coding"]["system"] == "LOINC" for item in record["results"])
    shown = {api.endpoint: api for api in await rig.services.coordinator.api_capacity()}
    assert (shown["vision-api"].requests, shown["gpt-4o-mini"].requests) == (1, 1)
    assert (shown["vision-api"].concurrent, shown["gpt-4o-mini"].concurrent) == (0, 0)


async def test_an_answer_that_does_not_fit_is_asked_for_in_halves(rig: Rig) -> None:
    rig.chat.script.extend([FAULTS["length"], FAULTS["length"]])  # as long as expected, then as long as can be
    async with rig.worker():
        view = await rig.process("medication-list.pdf")
    record = await rig.record(view.job_id)
    assert record["engines"]["analyzer"] == "gpt-4o-mini/extract-1"
    assert record["conditions"]
    limits = [body["max_completion_tokens"] for body in rig.chat.requests]
    assert limits[1] == 16_384
    assert len(limits) == 4


async def test_what_the_model_refuses_twice_is_analyzed_here_and_said_so(rig: Rig) -> None:
    rig.chat.script.extend([FAULTS["refusal"], FAULTS["refusal"]])
    async with rig.worker():
        view = await rig.process("medication-list.pdf")
    record = await rig.record(view.job_id)
    assert record["engines"]["analyzer"] == "local/4"
    assert record["medications"]
    assert any("analyzed on this machine" in warning for warning in record["warnings"])


async def test_what_was_paid_for_is_not_paid_twice(rig: Rig) -> None:
    rig.chat.storm = FAULTS["500"]
    db = await asyncpg.connect(rig.dsn)
    await db.execute("update exora.job_types set backoff_base_s = 0.1, backoff_cap_s = 0.1")
    async with rig.worker():
        waiting = asyncio.create_task(rig.process("lab-report-scan.pdf"))
        async with asyncio.timeout(120):
            while not await db.fetchval("select count(*) from exora.job_errors"):
                await asyncio.sleep(0.05)
        rig.chat.storm = None
        view = await waiting
    await db.close()
    assert view.retry_count >= 1
    assert view.state is JobState.COMPLETED
    assert rig.vision.answered == 1


async def test_with_a_refused_key_jobs_wait_unburnt_and_unclaimed_until_a_person_opens(rig: Rig) -> None:
    rig.chat.storm = FAULTS["401"]
    async with rig.worker():
        view = await rig.process(
            "medication-list.pdf", lambda view: view.attempt == 1 and view.state is JobState.PENDING
        )
        assert view.retry_count == 0
        [api] = [api for api in await rig.services.coordinator.api_capacity() if api.endpoint == "gpt-4o-mini"]
        assert (api.state, api.reason) == ("closed", "invalid_key")
        db = await asyncpg.connect(rig.dsn)
        room = await db.fetchrow("select room, reason from exora.room_for_types(array['shell_file_processing'])")
        await db.close()
        assert room is not None
        assert tuple(room) == (0, "openai/gpt-4o-mini:invalid_key")


async def test_a_model_whose_limits_nobody_set_is_an_error_at_start(rig: Rig) -> None:
    openai = RemoteApi("test-key", rig.urls["openai"], "llama3.1")
    with pytest.raises(NotFound) as caught:
        async with open_worker(rig.services, WorkerConfig(), openai=openai, pool_size=1):
            pass
    assert "exora capacity set" in caught.value.remedy
