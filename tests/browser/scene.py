"""A system with something to see: a worker that works, lanes that fill, jobs in every state, an hour of history."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from exora.app import open_transport
from exora.coordination.wire import WireCoordinator
from exora.domain.job import EnqueueRequest
from exora.domain.operations import Act, WorkerReport
from exora.domain.outcome import Dead, ErrorInfo, Retry
from exora.errors import CorruptDocument, EncryptedDocument
from exora.http.access import Access
from exora.http.live import LiveWorker
from exora.http.server import application, bind, serve
from exora.observe.tally import BOUNDS
from tests.gateways import local_project
from tests.worker.conftest import Bench

READ, OPERATE = "look-only-" + "r" * 32, "may-act-" + "o" * 32
CANARY = "Xanthippe"
_ENCRYPTED = EncryptedDocument("the document opens only with a password")
_CORRUPT = CorruptDocument("the document is truncated or damaged beyond repair")
_ERRORS = (
    (ErrorInfo("EncryptedDocument", _ENCRYPTED.code, _ENCRYPTED.one_line(), "5f1e0c9a77d2b413"), 7),
    (ErrorInfo("CorruptDocument", _CORRUPT.code, _CORRUPT.one_line(), "50556025a8dc558e"), 3),
    (ErrorInfo("ValueError", "unexpected", "unexpected ValueError", "c0ffee1234567890"), 1),
)


@dataclass
class Scene:
    """Where the site is and what is there; ``release`` lets running jobs end, ``mended`` lets dead ones live."""

    url: str
    bench: Bench
    running: UUID
    waiting: UUID
    finished: UUID
    dead: list[UUID]
    release: asyncio.Event
    mended: asyncio.Event


@contextlib.asynccontextmanager
async def scene(dsn: str, *, rest: bool = False) -> AsyncIterator[Scene]:
    """A worker with its HTTP side on a port of its own, and a database with something in it; the dashboard reaches it
    directly, or over REST."""
    bench, release, mended = Bench(dsn), asyncio.Event(), asyncio.Event()
    db = await asyncpg.connect(dsn)
    await _history(db)
    await _usage(db)
    await _capacity(bench, db)
    await db.close()

    async def report(_: Any, payload: dict[str, Any]) -> Any:
        kind = payload.get("limit", 0)
        if kind >= 100 and not mended.is_set():
            return Dead(_ERRORS[kind - 100][0])
        if kind == 50:
            return Retry(_ERRORS[2][0], 900)
        if kind == 1:
            await release.wait()
        return {"pages": 3, "ocr": "tesseract", "items": {"medications": 12, "results": 30}, "warnings": 0}

    bench.registry.add("report_generation", report)
    await _reports(bench)
    async with bench.worker(concurrency=8) as worker:
        listener = bind("127.0.0.1", 0)
        async with contextlib.AsyncExitStack() as stack:
            coordinator = bench.coordinator
            if rest:
                transport = open_transport(await stack.enter_async_context(local_project(dsn)))
                stack.push_async_callback(transport.close)
                coordinator = WireCoordinator(transport)
            app = application(LiveWorker(worker), coordinator, Access(READ, OPERATE))
            port = await stack.enter_async_context(serve(app, listener))
            made = await _jobs(bench)
            yield Scene(f"http://127.0.0.1:{port}", bench, *made, release, mended)
        release.set()
    await bench.transport.close()


async def _jobs(bench: Bench) -> tuple[UUID, UUID, UUID, list[UUID]]:
    async def enqueue(kind: int, count: int = 1, job_type: str = "report_generation", **fields: Any) -> list[UUID]:
        payload = {"limit": kind, "patient_id": str(uuid4())}
        requests = [EnqueueRequest(job_type, payload, name=f"Pass 1: {CANARY}.pdf", **fields)] * count
        return [answer.job_id for answer in await bench.coordinator.enqueue(requests)]

    dead = [job for place, (_, count) in enumerate(_ERRORS) for job in await enqueue(100 + place, count)]
    finished = await enqueue(0, 40)
    await enqueue(50, 2)
    for job in (*dead, *finished):
        await bench.until(job, lambda view: view.state.final)
    running = (await enqueue(1, 3))[0]
    await bench.until(running, lambda view: view.state.value == "processing")
    await enqueue(0, 5, scheduled_at=datetime.now(UTC) + timedelta(hours=2))
    waiting = await enqueue(0, 120, "notification_delivery")
    await enqueue(0, 18, "consent_verification")
    await bench.coordinator.pause_lane("consent_verification", True, Act("alice", "provider-outage-INC-4711"))
    return running, waiting[7], finished[0], dead


async def _reports(bench: Bench) -> None:
    """Two more workers, one of which was lost."""
    now = datetime.now(UTC)
    for name, active, up in (("exora-worker-7c9f-3be1", 31, 26.0), ("exora-worker-7c9f-a402", 44, 3.2)):
        await bench.coordinator.report_worker(
            WorkerReport(name, 1, now - timedelta(hours=up), "working", ["shell_file_processing", "ai_processing"],
                         None, 50, active, (180 + active) << 20, "0.1.0", [])
        )  # fmt: skip


async def _capacity(bench: Bench, db: asyncpg.Connection) -> None:
    """An API that is used, and one that its provider has closed."""
    await db.execute(
        "insert into exora.api_window (api, tick, profile, requests, tokens)"
        " select api, (extract(epoch from clock_timestamp()) * 5)::bigint, '', 412, 121000 from exora.api_rate_limits"
        "  where api_endpoint = 'gpt-4o-mini'"
    )
    await db.execute(
        "insert into exora.api_costs (api, day, microusd) select api, (now() at time zone 'utc')::date, 4310000"
        "  from exora.api_rate_limits where provider_name in ('openai', 'google')"
    )
    await bench.coordinator.report_api_throttle("google", "vision-api", "throttled", retry_after_ms=1_800_000)


async def _usage(db: asyncpg.Connection) -> None:
    """A month of days."""
    dice = random.Random(8)
    today = datetime.now(UTC).date()
    for back in range(29, 0, -1):
        day, quiet = today - timedelta(days=back), 0.3 if (today - timedelta(days=back)).weekday() > 4 else 1.0
        jobs = int((900 + dice.random() * 300) * quiet)
        await db.execute(
            "insert into exora.usage_days values ($1, 'standard_queue', $2, $3, $4, $5, $6)",
            day, jobs, jobs // 40, dice.randrange(0, 9), jobs * 3, jobs * 4.2,
        )  # fmt: skip
        await db.execute(
            "insert into exora.patient_usage select $1, gen_random_uuid(), 'standard_queue', m.model, 0, 0, 0,"
            " $2::bigint, $2 * m.tokens * 2, $2 * m.tokens, $2 * m.pages, $2 * m.microusd, 1.0"
            " from (values ('openai/gpt-4o-mini', 1100, 0, 1020), ('google/vision-api', 0, 2, 3000))"
            "   as m (model, tokens, pages, microusd)",
            day, jobs,
        )  # fmt: skip
        await db.execute(
            "insert into exora.api_costs"
            " select api, $1, $2::bigint * case provider_name when 'google' then 3000 else 1020 end"
            " from exora.api_rate_limits where (provider_name, api_endpoint) in (('openai', 'gpt-4o-mini'),"
            " ('google', 'vision-api'))",
            day, jobs,
        )  # fmt: skip


async def _history(db: asyncpg.Connection) -> None:
    """An hour as workers would have reported it."""
    dice = random.Random(7)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    rows = []
    for back in range(59, 0, -1):
        wave = 1 + 0.45 * math.sin(back / 7) + dice.random() * 0.25
        burst = 2.2 if 18 < back < 26 else 1.0
        done = int(140 * wave * burst)
        runs, waits = [0] * (len(BOUNDS) + 1), [0] * (len(BOUNDS) + 1)
        for _ in range(done):
            runs[_bucket(dice.lognormvariate(0.4, 0.7))] += 1
            waits[_bucket(dice.lognormvariate(-2.5 + burst, 0.6))] += 1
        dead = 1 if dice.random() < 0.1 else 0
        retried = dice.randrange(0, 12) if burst > 1 else dice.randrange(0, 3)
        rows.append((now - timedelta(minutes=back), "standard_queue", done, retried, dead, 0, done * 1.6, runs, waits,
                     int(60 * wave * burst ** 3), int(38 * wave)))  # fmt: skip
    await db.executemany(
        "insert into exora.lane_minutes (minute, lane, completed, retried, dead, cancelled, run_s, runs, waits, ready,"
        " running) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        rows,
    )


def _bucket(seconds: float) -> int:
    return next((place for place, bound in enumerate(BOUNDS) if seconds <= bound), len(BOUNDS))
