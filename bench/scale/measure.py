"""Times the same calls on a small and on a large database, in turns, so that what else the machine does hits both.

Beside the time a caller waits, it reads how long the database's processes were on a CPU for it (/proc): that says what
a call costs, whoever else wants the CPU meanwhile.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx

from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.domain.job import EnqueueRequest
from exora.domain.outcome import DONE, Settlement
from exora.http.access import COOKIE, Access, Scope
from exora.http.live import LiveWorker
from exora.http.server import application
from exora.worker.config import WorkerConfig
from exora.worker.registry import Registry
from exora.worker.runtime import Worker

TYPE = "report_generation"
_TOKEN = "bench-" + "t" * 32
PAGES = {
    "overview, 1 hour": "/",
    "overview, 24 hours": "/?range=24h",
    "overview, 7 days": "/?range=7d",
    "jobs": "/jobs",
    "jobs, completed": "/jobs?status=completed",
    "jobs, cancelled": "/jobs?status=cancelled",
    "jobs, pending": "/jobs?status=pending",
    "jobs, dead": "/jobs?status=failed",
    "jobs, one lane": "/jobs?lane=clinic_007",
    "jobs, one lane, completed": "/jobs?lane=clinic_007&status=completed",
    "jobs, the millionth page": "/jobs?before={middle}",
    "job, waiting": "/jobs/{waiting}",
    "job, finished": "/jobs/{middle}",
    "dead letters": "/dead",
    "workers": "/workers",
    "audit": "/audit",
}


@dataclass
class Subject:
    """One database with a worker's hands on it."""

    coordinator: WireCoordinator
    db: asyncpg.Connection
    ids: dict[str, UUID]
    held: list[Any] = field(default_factory=list)

    async def cpu_ms(self) -> float:
        """How long the processes that serve the coordinator have been on a CPU so far."""
        pids = await self.db.fetch(
            "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            " and backend_type = 'client backend'"
        )
        return sum(_on_cpu_ns(row["pid"]) for row in pids) / 1e6

    def app(self) -> Any:
        """A worker's HTTP side that has not looked yet."""

        async def none() -> Any:
            raise NotImplementedError

        worker = Worker(self.coordinator, none, Registry(), WorkerConfig(worker_id="bench"))
        return application(LiveWorker(worker), self.coordinator, Access(_TOKEN, _TOKEN))

    async def claim(self, limit: int) -> None:
        """Claim jobs, which ``settle`` ends."""
        jobs = await self.coordinator.claim(
            worker_id="bench", claim_token=uuid4(), job_types=[TYPE], lanes=None, limit=limit, wait=False
        )
        assert len(jobs) == limit
        self.held.extend(jobs)

    async def settle(self) -> None:
        """Complete fifty of what was claimed."""
        ended, self.held = self.held[:50], self.held[50:]
        assert set(await self.coordinator.settle([Settlement(job.fence, DONE) for job in ended])) == {"settled"}

    async def heartbeat(self) -> None:
        """Renew fifty claims."""
        await self.coordinator.heartbeat([job.fence for job in self.held[:50]])

    async def enqueue(self, count: int) -> None:
        """Enqueue jobs of as many patients into one lane."""
        requests = [
            EnqueueRequest(TYPE, {"patient_id": str(uuid4()), "limit": 1}, lane="clinic_007") for _ in range(count)
        ]
        await self.coordinator.enqueue(requests)


def _on_cpu_ns(pid: int) -> int:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


@contextlib.asynccontextmanager
async def subject(dsn: str) -> AsyncIterator[Subject]:
    """A database to measure on."""
    transport, db = PostgresTransport(dsn), await asyncpg.connect(dsn)
    row = await db.fetchrow(
        "select (select exora.job_uuid(id, created_at) from exora.jobs"
        " where id = (select max(job) / 2 from exora.job_archive)) as middle,"
        " (select exora.job_uuid(j.id, j.created_at) from exora.jobs j where id = (select max(r.job) - 1000"
        " from exora.ready r where lane = 'clinic_007')) as waiting"
    )
    assert row is not None
    waiting = row["waiting"] or row["middle"]
    try:
        yield Subject(WireCoordinator(transport), db, {"middle": row["middle"], "waiting": waiting})
    finally:
        await transport.close()
        await db.close()


def calls() -> dict[str, tuple[Callable[[Subject], Awaitable[Any]], int]]:
    """Each call by its name, and how often it is measured on each database."""
    return {
        "claim 1": (lambda s: s.claim(1), 60),
        "claim 50": (lambda s: s.claim(50), 40),
        "heartbeat of 50": (Subject.heartbeat, 40),
        "settle 50": (Subject.settle, 40),
        "enqueue 1": (lambda s: s.enqueue(1), 60),
        "enqueue 100": (lambda s: s.enqueue(100), 30),
        "sweep": (lambda s: s.coordinator.sweep(), 30),
        "queue_stats": (lambda s: s.coordinator.queue_stats(), 10),
        "explain a waiting job": (lambda s: s.coordinator.explain_job(s.ids["waiting"]), 10),
    }


async def compare(small: Subject, large: Subject) -> dict[str, dict[str, Any]]:
    """p50 and p95 in ms of every call on both, and the ratio of the medians."""
    found = {}
    for name, (call, times) in calls().items():
        found[name] = await _turns(small, large, call, times)
        print(_line(name, found[name]), flush=True)
    for name, path in {"/metrics": None, **{f"page: {name}": path for name, path in PAGES.items()}}.items():
        found[name] = await _turns(small, large, _request(path), 7)
        print(_line(name, found[name]), flush=True)
    return found


def _request(path: str | None) -> Callable[[Subject], Awaitable[Any]]:
    """Asks for a page that nobody has looked at before; None: for /metrics."""

    async def ask(of: Subject) -> float:
        session = Access(_TOKEN, _TOKEN).open_session(Scope.READ, "bench")
        transport = httpx.ASGITransport(of.app())
        async with httpx.AsyncClient(
            transport=transport, base_url="http://w", timeout=120, cookies={COOKIE: session}
        ) as client:
            url = "/metrics" if path is None else "/dashboard" + path.format(**of.ids)
            began = time.perf_counter()
            answer = await client.get(url, headers={"Authorization": f"Bearer {_TOKEN}"})
            took = time.perf_counter() - began
            assert answer.status_code == 200, (url, answer.status_code, answer.text[:300])
            return took

    return ask


async def _turns(
    small: Subject, large: Subject, call: Callable[[Subject], Awaitable[Any]], times: int
) -> dict[str, Any]:
    spans: dict[str, list[float]] = {"small": [], "large": []}
    for one in (small, large):
        await call(one)  # warm
    before = {"small": await small.cpu_ms(), "large": await large.cpu_ms()}
    for _ in range(times):
        for name, one in (("small", small), ("large", large)):
            began = time.perf_counter()
            took = await call(one)
            spans[name].append((took if isinstance(took, float) else time.perf_counter() - began) * 1000)
    after = {"small": await small.cpu_ms(), "large": await large.cpu_ms()}
    figures = {
        name: {
            "p50_ms": statistics.median(all_),
            "p95_ms": sorted(all_)[int(len(all_) * 0.95) - 1],
            "cpu_ms": (after[name] - before[name]) / times,
        }
        for name, all_ in spans.items()
    }
    ratios = {
        f"{figure}_ratio": figures["large"][f"{figure}_ms"] / figures["small"][f"{figure}_ms"]
        for figure in ("p50", "cpu")
    }
    return {**figures, **ratios}


def _line(name: str, found: dict[str, Any]) -> str:
    cells = [f"{found[size][figure]:8.1f}" for size in ("small", "large") for figure in ("p50_ms", "p95_ms", "cpu_ms")]
    return f"{name:<28}{''.join(cells)}{found['p50_ratio']:8.1f}{found['cpu_ratio']:8.1f}"
