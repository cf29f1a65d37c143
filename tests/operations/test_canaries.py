"""Canaries: one system is made to do everything with a patient whose every word is known, and each place that people or
machines look at is searched for them. PLACES is what is covered; the trace of the document's job is printed with -s."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
import sentry_sdk
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from exora.app import Services, open_services, open_worker
from exora.domain.job import EnqueueRequest, JobState
from exora.domain.operations import USAGE_KEYS
from exora.http.access import COOKIE, Access, Scope
from exora.http.live import LiveWorker
from exora.http.server import application
from exora.observe.logs import configure_logs
from exora.observe.sentry import start_sentry
from exora.observe.tracing import tracing
from exora.settings import RemoteApi
from exora.testing.providers.answers import read_here
from exora.testing.providers.openai import OpenAIServer
from exora.testing.providers.vision import VisionServer
from exora.testing.server import Server
from exora.worker.config import WorkerConfig, new_worker_id
from exora.worker.context import JobContext
from exora.worker.registry import Registry
from exora.worker.runtime import Worker
from tests.acceptance.cli import exora
from tests.operations.sentry import listening
from tests.worker.test_remote_engines import EXAMPLES, lines_of

pytestmark = pytest.mark.xdist_group("canaries")  # all is done once
NAME, NUMBER, DRUG = "Xanthippe Quillfeather", "998877665", "Canaryzole"
SCAN = EXAMPLES / "lab-report-scan.pdf"
#: What Google Vision reads in it.
PRINTED = f"""LABORATORY REPORT
Patient: {NAME}
MRN: {NUMBER}
Medications: {DRUG} 500 mg twice daily
Potassium 4.1 mmol/L 3.5-5.1"""
KEYS = {"openai": "canary-key-of-openai", "vision": "canary-key-of-vision"}
READ, OPERATE = "canary-read-token-" + "r" * 32, "canary-operate-token-" + "o" * 32
#: What may be seen nowhere: words of the documents, names of files, texts of exceptions, keys and tokens.
CANARIES = (*NAME.split(), NUMBER, DRUG, "Potassium", "canary-")
PATIENT = uuid4()
#: Every place that is searched. Where patients' ids may be: the exports and reports that are made to hold them.
PAGES = ("", "jobs", "job/document", "job/raised", "job/broken", "job/waiting", "dead", "workers", "usage", "audit")
PLACES = {
    "log": False, "log of database calls": False, "metrics": False, "ready": False, "health": False, "trace": False,
    "sentry": False, **{f"dashboard /{page}": False for page in PAGES}, "usage table": True, "usage csv": True,
    "usage json": True, "dead export": False, "audit export": True, "jobs list": True, "jobs show": True,
    "jobs explain": False, "queue stats": False, "rows of jobs": True,
}  # fmt: skip
_TABLES = ("jobs", "job_errors", "job_archive", "dead_letters", "audit_events", "claims", "running", "documents",
           "api_reservations", "api_window", "patients", "workers", "lane_minutes", "usage_days", "patient_usage",
           "job_usage", "enqueued_days")  # fmt: skip

#: The spans of the document's job, in order, and how many of what is below them.
TRACE = {
    "wait": {}, "claim": {}, "audit": {}, "fetch": {},
    "read_pages": {"child": 7, "find_step": 2, "reserve": 1, "api_call": 1, "keep_step": 2},
    "analyze": {"find_step": 1, "reserve": 1, "api_call": 1, "keep_step": 1, "child": 1},
    "store_record": {}, "settle": {},
}  # fmt: skip


@dataclass
class Seen:
    """What each place showed, the spans, and the jobs by what became of them."""

    texts: dict[str, str] = field(default_factory=dict)
    spans: list[ReadableSpan] = field(default_factory=list)
    jobs: dict[str, UUID] = field(default_factory=dict)
    correlation: UUID | None = None


@pytest.fixture(scope="module")
def seen(embedded_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """Everything done and looked at, once."""
    yield asyncio.run(_everything(embedded_server, tmp_path_factory.mktemp("canaries")))
    configure_logs("error")


async def _everything(server: Server, folder: Path) -> Seen:
    async with server.database() as dsn:
        seen, log, exporter = Seen(), io.StringIO(), InMemorySpanExporter()
        with listening() as collector:
            configure_logs("debug", stream=log, also=start_sentry(collector.dsn, environment="test", release="1"))
            tracing.start(exporter, version="1", environment="test", at_once=True)
            try:
                async with open_services(dsn, traced=True) as services, _working(services) as worker:
                    await _enqueue(services, seen)
                    await worker._presence.run_once()  # as it does every ten seconds
                    await _look(worker, services, seen)
            finally:
                tracing.stop()
                await asyncio.to_thread(sentry_sdk.flush, 5)
        lines = log.getvalue().splitlines()
        seen.texts["log"] = "\n".join(line for line in lines if '"database_call"' not in line)
        seen.texts["log of database calls"] = "\n".join(line for line in lines if '"database_call"' in line)
        seen.spans = list(exporter.get_finished_spans())
        seen.texts["trace"] = "\n".join(span.to_json() for span in seen.spans)
        seen.texts["sentry"] = collector.raw.decode(errors="replace")
        await _commands(dsn, seen, folder)
        await _rows(dsn, seen)
    return seen


@contextlib.asynccontextmanager
async def _working(services: Services) -> AsyncIterator[Worker]:
    """A worker with remote engines, and a handler of a user."""
    chat = OpenAIServer(reply=read_here, api_key=KEYS["openai"])
    vision = VisionServer(read=lambda _: lines_of(PRINTED), api_key=KEYS["vision"])
    config = WorkerConfig(worker_id=new_worker_id("w"), sweep_interval_s=0.2, poll_max_s=0.2)
    with pytest.MonkeyPatch.context() as patch:
        mine = Registry()  # whatever the imports of other tests have registered
        mine.add("report_generation", _raise)
        patch.setattr("exora.app.default_registry", mine)
        async with chat.serve() as chat_url, vision.serve() as vision_url:
            openai = RemoteApi(KEYS["openai"], chat_url, "gpt-4o-mini")
            google = RemoteApi(KEYS["vision"], vision_url, "vision-api")
            async with open_worker(services, config, vision=google, openai=openai, pool_size=1) as worker:
                running = asyncio.create_task(worker.run(handle_signals=False))
                yield worker
                worker.stop()
                await running


async def _raise(context: JobContext, payload: dict[str, Any]) -> None:
    async def compute() -> dict[str, Any]:
        text = f"Patient: {NAME}, MRN {NUMBER}"
        raise ValueError(text)

    await context.step(f"{NAME}.pdf", compute=compute)


async def _enqueue(services: Services, seen: Seen) -> None:
    """A document through remote engines, one that is broken, a handler that raises words, a job that waits."""
    verbs = services.coordinator
    await verbs.register_patient(PATIENT)
    payload = {"patient_id": str(PATIENT)}

    def job(job_type: str) -> EnqueueRequest:
        return EnqueueRequest(job_type, payload, name=f"Pass 1: {NAME}.pdf", max_retries=0)

    broken = b"%PDF-1.7\n" + f"{NAME} {NUMBER} {DRUG}".encode() * 50
    seen.jobs = {
        "document": (await services.submit(SCAN.read_bytes(), PATIENT)).job.job_id,
        "broken": (await services.submit(broken, PATIENT)).job.job_id,
        "raised": (await verbs.enqueue([job("report_generation")]))[0].job_id,
        "waiting": (await verbs.enqueue([job("notification_delivery")]))[0].job_id,
    }
    ending = [seen.jobs[name] for name in ("document", "broken", "raised")]
    async with asyncio.timeout(60):
        while not all(view.state.final for view in await verbs.get_jobs(ending)):
            await asyncio.sleep(0.05)
    [view] = await verbs.get_jobs([seen.jobs["document"]])
    assert view.state is JobState.COMPLETED
    seen.correlation = view.correlation_id


async def _look(worker: Worker, services: Services, seen: Seen) -> None:
    """What a worker serves: to machines, and to a browser that is signed in."""
    access = Access(READ, OPERATE)
    app = application(LiveWorker(worker), services.coordinator, access)
    headers, cookies = {"Authorization": f"Bearer {READ}"}, {COOKIE: access.open_session(Scope.OPERATE, "alice")}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://w", headers=headers, cookies=cookies
    ) as client:
        for page in PAGES:
            kind, _, name = page.partition("/")
            answer = await client.get(f"/dashboard/{f'jobs/{seen.jobs[name]}' if kind == 'job' else page}")
            assert answer.status_code == 200, page
            seen.texts[f"dashboard /{page}"] = answer.text
        for place in ("metrics", "ready", "health"):
            seen.texts[place] = (await client.get(f"/{place}")).text


async def _commands(dsn: str, seen: Seen, folder: Path) -> None:
    """What commands print and write."""
    by = ("usage", "report", "--by", ",".join(USAGE_KEYS))
    job = str(seen.jobs["document"])
    asked = {
        "usage table": (*by, "--csv", str(folder / "usage.csv")), "usage json": (*by, "--json"),
        "dead export": ("dead", "export"), "audit export": ("audit", "export"), "jobs list": ("jobs", "list", "--json"),
        "jobs show": ("jobs", "show", job), "jobs explain": ("jobs", "explain", job), "queue stats": ("queue", "stats"),
    }  # fmt: skip
    for ran in await asyncio.gather(*(exora(*words, DATABASE_URL=dsn) for words in asked.values())):
        assert ran.code == 0, ran.err
        place = next(name for name in asked if name not in seen.texts)
        seen.texts[place] = ran.out + ran.err
    seen.texts["usage csv"] = (folder / "usage.csv").read_text()


async def _rows(dsn: str, seen: Seen) -> None:
    db = await asyncpg.connect(dsn)
    found = [str([dict(row) for row in await db.fetch(f"select * from exora.{table}")]) for table in _TABLES]
    found.append(str([dict(row) for row in await db.fetch("select * from public.job_queue")]))
    seen.texts["rows of jobs"] = "\n".join(found)
    await db.close()


@pytest.mark.parametrize("place", PLACES)
def test_no_word_of_a_patient_is_seen_in(place: str, seen: Seen) -> None:
    text = seen.texts[place]
    assert len(text) > 20, "there is something to search"
    assert [canary for canary in CANARIES if canary.lower() in text.lower()] == []
    if not PLACES[place]:
        assert str(PATIENT) not in text


def test_what_a_job_spent_is_on_its_page(seen: Seen) -> None:
    page = " ".join(seen.texts["dashboard /job/document"].split())
    assert "on <code>openai/gpt-4o-mini</code>: 1 call, " in page
    assert "on <code>google/vision-api</code>: 1 call, 2 pages" in page


def test_everything_that_is_looked_at_is_searched(seen: Seen) -> None:
    assert set(seen.texts) == set(PLACES)
    for job in seen.jobs.values():
        assert str(job) in seen.texts["log of database calls"] + seen.texts["log"] or job == seen.jobs["waiting"]
    assert str(PATIENT) in seen.texts["usage csv"]


def test_one_trace_of_a_document_from_enqueue_to_settle(seen: Seen) -> None:
    assert seen.correlation is not None
    spans = [span for span in seen.spans if span.context and span.context.trace_id == seen.correlation.int]
    print(f"\n{drawn(spans)}")
    below: dict[int | None, list[ReadableSpan]] = {}
    for span in sorted(spans, key=began):
        below.setdefault(span.parent.span_id if span.parent else None, []).append(span)
    [attempt] = below[None]
    assert attempt.context is not None
    parts = below[attempt.context.span_id]
    assert [span.name for span in parts] == list(TRACE)
    for span in parts:
        assert span.context is not None
        assert Counter(one.name for one in below.get(span.context.span_id, ())) == TRACE[span.name]
    covered = sum(took(span) for span in parts if span.name not in ("wait", "claim", "settle"))
    assert covered > 0.8 * took(attempt), "no long time is without a span"


def began(span: ReadableSpan) -> int:
    """When, in nanoseconds."""
    return span.start_time or 0


def took(span: ReadableSpan) -> int:
    """How long, in nanoseconds."""
    return (span.end_time or 0) - began(span)


def drawn(spans: Sequence[ReadableSpan]) -> str:
    """A trace as an indented list, in the order of beginning, with durations and facts."""

    def below(parent: int | None, depth: int) -> list[str]:
        own = [span for span in spans if (span.parent.span_id if span.parent else None) == parent]
        lines = []
        for span in sorted(own, key=began):
            facts = " ".join(
                f"{key.removeprefix('exora.')}={value!r}" for key, value in (span.attributes or {}).items()
            )
            assert span.context is not None
            lines += [
                f"{'  ' * depth}{span.name}  {took(span) / 1e6:.1f} ms  {facts}",
                *below(span.context.span_id, depth + 1),
            ]
        return lines

    return "\n".join(below(None, 0))
