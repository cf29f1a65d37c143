"""What a worker tells of its jobs in logs, traces and Sentry: enough to follow each, and never a word of a patient."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
import sentry_sdk
import structlog
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from exora.domain.job import EnqueueRequest, JobState
from exora.errors import ConfigurationError
from exora.observe.logs import configure_logs
from exora.observe.sentry import start_sentry
from exora.observe.tracing import tracing
from exora.worker.context import JobContext
from tests.operations.sentry import Collector, listening
from tests.worker.conftest import Bench

CANARY = "Xanthippe-Quillfeather"
_log = structlog.get_logger("tests")


@pytest.fixture
async def bench(dsn: str) -> AsyncIterator[Bench]:
    """A database with nobody working on it yet."""
    bench = Bench(dsn)
    yield bench
    await bench.transport.close()


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What is logged."""
    stream = io.StringIO()
    configure_logs("debug", stream=stream)
    yield stream
    configure_logs("error")


async def enqueued(bench: Bench, count: int) -> list[UUID]:
    """Jobs that know their number."""
    requests = [
        EnqueueRequest("report_generation", {"limit": n, "patient_id": str(uuid4())}, max_retries=0)
        for n in range(count)
    ]
    return [answer.job_id for answer in await bench.coordinator.enqueue(requests)]


async def test_fifty_interleaved_jobs_log_under_their_own_ids(bench: Bench, logged: io.StringIO) -> None:
    together = asyncio.Barrier(50)

    async def handle(context: JobContext, payload: dict[str, Any]) -> None:
        for _ in range(3):
            await together.wait()
            await asyncio.to_thread(_log.info, "working", count=payload["limit"])
            _log.info("working", count=payload["limit"])

    bench.registry.add("report_generation", handle)
    jobs = await enqueued(bench, 50)
    async with bench.worker(concurrency=50):
        for job in jobs:
            await bench.until(job, lambda view: view.state is JobState.COMPLETED)
    views = {str(view.job_id): view for view in await bench.coordinator.get_jobs(jobs)}
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    working = [line for line in lines if line["event"] == "working"]
    assert len(working) == 300
    for line in working:
        view = views[line["job_id"]]
        assert (line["count"], line["correlation_id"]) == (view.payload["limit"], str(view.correlation_id))
    order = [line["job_id"] for line in working]
    assert sum(a != b for a, b in itertools.pairwise(order)) > 150, "they were interleaved"
    assert all("job_id" not in line for line in lines if line["event"].startswith("worker_"))


async def test_a_line_holds_only_what_is_allowed(logged: io.StringIO) -> None:
    _log.info("opened", patient_name=CANARY, error=ValueError(CANARY), document_id="d", exc_info=True)
    [line] = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert CANARY not in logged.getvalue()
    assert (line["document_id"], line["dropped_keys"]) == ("d", 3)


@pytest.fixture
def sentry() -> Iterator[Collector]:
    """A Sentry to talk to."""
    with listening() as collector:
        yield collector
    configure_logs("error")


async def test_sentry_hears_codes_and_never_words(bench: Bench, sentry: Collector) -> None:
    stream = io.StringIO()
    configure_logs("info", stream=stream, also=start_sentry(sentry.dsn, environment="test", release="1.0"))

    async def handle(context: JobContext, payload: dict[str, Any]) -> None:
        text = f"Patient: {CANARY}"
        raise ValueError(text)

    bench.registry.add("report_generation", handle)
    [job] = await enqueued(bench, 1)
    async with bench.worker():
        await bench.until(job, lambda view: view.state is JobState.FAILED)
    await asyncio.to_thread(sentry_sdk.flush, 5)
    [event] = sentry.events
    assert (event["message"], event["level"], event["environment"], event["release"]) == (
        "job_ended", "error", "test", "exora@1.0",
    )  # fmt: skip
    assert event["tags"]["job_id"] == str(job)
    assert (event["tags"]["error_class"], event["tags"]["error_code"]) == ("ValueError", "unexpected")
    assert set(event) <= {"event_id", "timestamp", "level", "platform", "environment", "release", "message", "tags",
                          "fingerprint"}  # fmt: skip
    assert CANARY.encode() not in sentry.raw
    assert CANARY not in stream.getvalue()


def test_a_dsn_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="SENTRY_DSN is not a DSN"):
        start_sentry("nonsense", environment="test", release="1.0")


async def test_one_trace_per_job_from_enqueue_to_settle(bench: Bench) -> None:
    exporter = InMemorySpanExporter()
    tracing.start(exporter, version="1.0", environment="test", at_once=True)
    try:

        async def handle(context: JobContext, payload: dict[str, Any]) -> None:
            await bench.coordinator.register_patient(context.job.patient_id or uuid4())

            async def compute() -> dict[str, Any]:
                with tracing.span("api_call", provider="openai", endpoint="gpt-4o-mini"):
                    if payload["limit"] == 1:
                        raise ValueError(CANARY)
                    return {"read": 1}

            await context.step("pages", CANARY, compute=compute)

        bench.registry.add("report_generation", handle)
        jobs = await enqueued(bench, 2)
        async with bench.worker():
            for job in jobs:
                await bench.until(job, lambda view: view.state.final)
        views = {view.correlation_id.int: view for view in await bench.coordinator.get_jobs(jobs)}
    finally:
        tracing.stop()
    spans = exporter.get_finished_spans()
    assert {span.context.trace_id for span in spans if span.context} == set(views)
    for trace, view in views.items():
        named = {span.name: span for span in spans if span.context and span.context.trace_id == trace}
        kept = {"keep_step"} if view.payload["limit"] == 0 else set()
        assert set(named) == {"wait", "claim", "attempt", "step", "find_step", "api_call", "settle"} | kept
        attempt, step = named["attempt"], named["step"]
        assert attempt.context is not None
        assert step.context is not None
        parents = {name: span.parent.span_id if span.parent else None for name, span in named.items()}
        own, below = attempt.context.span_id, dict.fromkeys({"find_step", "api_call"} | kept, step.context.span_id)
        assert parents == {"attempt": None, **dict.fromkeys(("wait", "claim", "step", "settle"), own), **below}
        assert attempt.attributes is not None
        assert attempt.attributes["exora.job_id"] == str(view.job_id)
        assert attempt.attributes["exora.outcome"] == ("completed" if view.payload["limit"] == 0 else "retry")
        assert (attempt.status.description == "unexpected") is (view.payload["limit"] == 1)
        assert (named["wait"].start_time or 0) <= (attempt.start_time or 0) <= (named["settle"].end_time or 0)
        assert not any(span.events for span in named.values())
    assert CANARY not in " ".join(span.to_json() for span in spans)
