"""/metrics, /ready and /health of a worker that works: what they say, to whom, and what they never say."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.domain.job import ClaimedJob, EnqueueRequest, Fence
from exora.domain.outcome import DONE, Completed, Dead, ErrorInfo, Retry
from exora.http.access import Access, Limiter, Scope
from exora.http.live import LiveWorker
from exora.http.server import application
from exora.http.watch import Watch
from exora.observe.tally import Tally
from exora.worker.runtime import Worker
from tests.worker.conftest import Bench

READ, OPERATE = "r" * 32, "o" * 32
CANARY = "Jane-Roe-1970"


@pytest.fixture
async def bench(dsn: str) -> AsyncIterator[Bench]:
    """A database with nobody working on it yet."""
    bench = Bench(dsn)
    yield bench
    await bench.transport.close()


@contextlib.asynccontextmanager
async def site(worker: Worker, bench: Bench, access: Access | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a worker's HTTP side."""
    app = application(LiveWorker(worker), bench.coordinator, access or Access(READ, OPERATE))
    transport = httpx.ASGITransport(app)
    headers = {"Authorization": f"Bearer {READ}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://worker", headers=headers) as client:
        yield client


async def scraped(client: httpx.AsyncClient) -> dict[tuple[str, ...], float]:
    """Every sample by its name and its labels' values, in the order of the labels' names."""
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def worked(bench: Bench) -> list[UUID]:
    """Two jobs done and one that can never be; handlers that read their payload."""

    async def handle(_: Any, payload: dict[str, Any]) -> Completed | Dead:
        if payload.get("limit") == 1:
            raise_from = ErrorInfo("ValueError", "unexpected", "unexpected ValueError", "f00d")
            return Dead(raise_from)
        return Completed({"pages": 3, "ocr": "tesseract"})

    bench.registry.add("report_generation", handle)
    requests = [EnqueueRequest("report_generation", {"limit": n}, name=f"Pass 1: {CANARY}") for n in (0, 1, 2)]
    return [answer.job_id for answer in await bench.coordinator.enqueue(requests)]


async def test_a_scrape_counts_what_this_worker_did_and_what_waits(bench: Bench) -> None:
    jobs = await worked(bench)
    async with bench.worker() as worker, site(worker, bench) as client:
        for job in jobs:
            await bench.until(job, lambda view: view.state.final)
        await bench.coordinator.enqueue([EnqueueRequest("audit_cleanup", {})] * 2)
        await bench.coordinator.pause_lane("audit_cleanup", True)
        samples = await scraped(client)
    lane = ("report_generation", "report_generation")
    assert samples["exora_job_attempts_total", *lane, "completed"] == 2
    assert samples["exora_job_attempts_total", *lane, "dead"] == 1
    assert samples["exora_job_run_seconds_count", *lane] == 3
    assert samples["exora_job_wait_seconds_bucket", *lane, "+Inf"] == 3
    assert samples["exora_pages_total", "tesseract", "report_generation"] == 6
    assert samples["exora_queue_jobs", "audit_cleanup", "ready"] == 2
    assert samples["exora_queue_jobs", "report_generation", "dead"] == 1
    assert samples["exora_lane_paused", "audit_cleanup"] == 1
    assert samples["exora_queue_oldest_seconds", "audit_cleanup"] > 0
    assert samples["exora_workers", "working"] == 1
    assert samples["exora_database_up",] == 1
    assert samples["exora_capacity_limit", "gpt-4o-mini", "openai", "requests_per_minute"] == 500
    assert samples["exora_heartbeat_age_seconds",] < 5
    assert samples["process_resident_memory_bytes",] > 1e6


async def test_ready_says_what_is_not_well_and_health_does_not(bench: Bench) -> None:
    await worked(bench)
    async with bench.worker() as worker, site(worker, bench) as client:
        live = LiveWorker(worker)
        async with asyncio.timeout(10):
            while not live.listening:
                await asyncio.sleep(0.01)
        answer = await client.get("/ready")
        assert (answer.status_code, answer.json()["status"]) == (200, "ready")
        assert answer.json()["dependencies"]["database"]["state"] == "ok"
        assert answer.json()["dependencies"]["api:openai/gpt-4o-mini"] == {"state": "ok"}
        await bench.coordinator.pause_lane("audit_cleanup", True)
        async with site(worker, bench) as fresh:
            body = (await fresh.get("/ready")).json()
        assert body["status"] == "degraded"
        assert body["dependencies"]["lanes"] == {"state": "degraded", "reason": "paused", "paused": ["audit_cleanup"]}
        worker.stop()
        async with asyncio.timeout(10):
            while live.state == "working":
                await asyncio.sleep(0.01)
        answer = await client.get("/ready")
        assert (answer.status_code, answer.json()["status"]) == (503, live.state)
        health = await client.get("/health")
        assert (health.status_code, health.json()["status"]) == (200, "healthy")
        assert set(health.json()) == {"status", "worker_id", "active_jobs", "last_heartbeat", "api_capacity"}


async def test_without_a_database_it_is_unready_alive_and_still_scraped(bench: Bench) -> None:
    gone = WireCoordinator(PostgresTransport("postgresql://nobody@127.0.0.1:9/none"))
    async with bench.worker() as worker:
        app = application(LiveWorker(worker), gone, Access(READ))
        headers = {"Authorization": f"Bearer {READ}"}
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://w", headers=headers
        ) as client:
            answer = await client.get("/ready")
            assert (answer.status_code, answer.json()["status"]) == (503, "unready")
            assert answer.json()["dependencies"]["database"]["state"] == "down"
            assert (await client.get("/health")).status_code == 200
            assert (await scraped(client))["exora_database_up",] == 0


async def test_details_need_a_token_unless_reads_are_open(bench: Bench) -> None:
    async with bench.worker() as worker:
        async with site(worker, bench) as client:
            for token in ("", "x" * 32, READ + "x"):
                headers = {"Authorization": f"Bearer {token}"}
                assert (await client.get("/metrics", headers=headers)).status_code == 401
                assert set((await client.get("/ready", headers=headers)).json()) == {"status"}
            assert (await client.get("/metrics", headers={"Authorization": f"Bearer {OPERATE}"})).status_code == 200
        async with site(worker, bench, Access(open_reads=True)) as client:
            assert (await client.get("/metrics", headers={"Authorization": ""})).status_code == 200
        async with site(worker, bench, Access()) as client:
            assert (await client.get("/metrics")).status_code == 401


async def test_nothing_of_a_patient_is_measured(bench: Bench) -> None:
    patient = UUID(int=7)
    await bench.coordinator.enqueue(
        [EnqueueRequest("report_generation", {"patient_id": str(patient)}, name=CANARY, idempotency_key=CANARY)]
    )
    async with bench.worker() as worker, site(worker, bench) as client:
        for path in ("/metrics", "/ready", "/health"):
            text = (await client.get(path)).text
            assert CANARY not in text
            assert str(patient) not in text


async def test_all_who_ask_at_once_share_one_look(bench: Bench) -> None:
    watch = Watch(bench.coordinator)
    pictures = await asyncio.gather(*(watch.look() for _ in range(50)))
    assert len({id(picture) for picture in pictures}) == 1
    assert await watch.look(old_s=0) is not pictures[0]


class TestTally:
    JOB = ClaimedJob(Fence(UUID(int=1 << 80), 1, UUID(int=2)), "t", "l", {}, 0, 0, 5, UUID(int=3), 30, 120, 60)

    def test_reports_only_what_is_new(self) -> None:
        tally = Tally()
        tally.ended(self.JOB, DONE, 0.2)
        [first] = tally.news()
        assert (first["lane"], first["completed"], sum(first["runs"]), sum(first["waits"])) == ("l", 1, 1, 1)
        assert tally.news() == []
        tally.ended(self.JOB, Retry(ErrorInfo("E", "c", "s", "f")), 0.3)
        [second] = tally.news()
        assert (second["completed"], second["dead"], second["run_s"]) == (0, 1, pytest.approx(0.3))

    def test_a_retry_within_the_budget_is_a_retry(self) -> None:
        tally = Tally()
        tally.ended(self.JOB._replace(max_retries=1), Retry(ErrorInfo("E", "c", "s", "f")), 0.1)
        [work] = tally.lanes
        assert work.counts()["retried"] == 1


class TestAccess:
    def test_a_token_allows_what_it_is_for(self) -> None:
        access = Access(READ, OPERATE)
        assert [access.of_token(token) for token in (READ, OPERATE, "", "r" * 31)] == [
            Scope.READ, Scope.OPERATE, Scope.NOTHING, Scope.NOTHING,
        ]  # fmt: skip
        assert Access(None, OPERATE).of_token("") == Scope.NOTHING

    def test_a_burst_is_let_through_and_a_flood_is_not(self) -> None:
        limiter = Limiter(per_minute=60, burst=5)
        assert [limiter.take("a") for _ in range(7)] == [True] * 5 + [False] * 2
        assert limiter.take("b")
