"""Rows 1, 7, 14 and 16 once more, with the whole worker and real documents; and what /health says of it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import urllib.request
from pathlib import Path
from uuid import uuid4

import pytest

from exora.domain.job import JobState
from exora.testing.processes import until, worker

from .report import Row
from .system import all_final, submit_examples, system

pytestmark = pytest.mark.xdist_group("processes")
#: Thirteen documents take half a minute of two cores, and over six on a busy machine; nothing is asserted of the time.
PATIENCE_S = 1200


def _children(pid: int) -> list[int]:
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.row(1)
async def test_documents_of_a_killed_worker_are_completed_exactly_once_by_another(embedded_dsn: str, row: Row) -> None:
    async with system(embedded_dsn) as (services, db):
        jobs = await submit_examples(services)

        async with worker(embedded_dsn) as first:
            # In the middle: some documents are done, others are being read.
            async def halfway() -> bool:
                done = await db.fetchval("select count(*) from exora.job_archive")
                return bool(2 <= done < len(jobs)) and bool(await db.fetchval("select count(*) from exora.running"))

            await until(halfway, PATIENCE_S)
            children = _children(first.process.pid)
            assert children
            row.fault()  # nobody else lives yet who could take its claims back, so there is no recovery to measure
            assert await first.kill() == -signal.SIGKILL
        done_before = await db.fetchval("select count(*) from exora.job_archive")
        assert done_before < len(jobs)

        async with worker(embedded_dsn) as second:
            await until(lambda: all_final(services, jobs), PATIENCE_S)
            assert await second.ends(signal.SIGTERM) == 0

        views = await services.coordinator.get_jobs(jobs)
        assert {view.state for view in views} == {JobState.COMPLETED}
        assert any(view.crash_count == 1 for view in views)
        assert await db.fetchval("select count(*) from exora.records") == len(jobs)
        await row.check(db, jobs)
        for view in views:
            events = [event.event for event in await services.coordinator.timeline(view.job_id)]
            assert events[0] == "job_enqueued"
            assert events[-2:] == ["record_stored", "job_completed"]
            assert events.count("job_completed") == 1
            assert events.count("document_opened") == events.count("job_claimed")
        # The killed worker's children did not outlive it.
        assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


@pytest.mark.row(7)
async def test_a_frozen_worker_is_fenced_off_when_it_wakes(embedded_dsn: str, row: Row) -> None:
    async with system(embedded_dsn, lease_s=1.0) as (services, db):
        jobs = await submit_examples(services)
        async with worker(embedded_dsn, "--concurrency", "4") as frozen:

            async def busy() -> bool:
                return bool(await db.fetchval("select count(*) from exora.running"))

            await until(busy)
            frozen.freeze()
            await row.hits(db, frozen)
            try:
                async with worker(embedded_dsn) as other:
                    await until(lambda: all_final(services, jobs), PATIENCE_S)
                    assert await other.ends(signal.SIGTERM) == 0
            finally:
                frozen.thaw()
            assert await frozen.ends(signal.SIGTERM) == 0
            assert [line for line in frozen.lines() if line["event"] == "claim_lost" or line.get("status") == "lost"]
        await row.check(db, jobs)
        assert {view.state for view in await services.coordinator.get_jobs(jobs)} == {JobState.COMPLETED}


@pytest.mark.row(14)
async def test_sigterm_drains_releases_the_rest_and_exits_cleanly(embedded_dsn: str, row: Row) -> None:
    async with system(embedded_dsn, lease_s=60) as (services, db):
        jobs = await submit_examples(services)
        async with worker(embedded_dsn, "--concurrency", "3", EXORA_DRAIN_SECONDS="1", LOG_LEVEL="debug") as running:
            await running.says("job_started")
            row.fault()
            assert await running.ends(signal.SIGTERM, within_s=15) == 0
        assert await db.fetchval("select count(*) from exora.running") == 0
        views = await services.coordinator.get_jobs(jobs)
        assert {view.state for view in views} <= {JobState.PENDING, JobState.COMPLETED}
        assert all(view.retry_count == 0 and view.crash_count == 0 for view in views)
        await row.check(db, jobs)


@pytest.mark.row(16)
async def test_a_poisonous_document_does_not_hold_up_the_others(embedded_dsn: str, row: Row) -> None:
    async with system(embedded_dsn) as (services, db):
        patient = uuid4()
        await services.coordinator.register_patient(patient)
        row.fault()
        broken = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n" + os.urandom(2000)
        [bad] = [(await services.submit(broken, patient)).job.job_id]
        jobs = await submit_examples(services)
        async with worker(embedded_dsn) as running:
            await until(lambda: all_final(services, [bad, *jobs]), PATIENCE_S)
            assert await running.ends(signal.SIGTERM) == 0
        [view] = await services.coordinator.get_jobs([bad])
        assert (view.state, view.dead_letter_cause) == (JobState.FAILED, "permanent")
        assert view.error_details is not None
        assert view.error_details["code"] == "document_corrupt"
        assert {view.state for view in await services.coordinator.get_jobs(jobs)} == {JobState.COMPLETED}
        await row.check(db, [bad, *jobs])


async def test_health_has_exactly_the_original_fields(embedded_dsn: str) -> None:
    async with system(embedded_dsn) as (_, db), worker(embedded_dsn) as running:
        port = (await running.says("http_listening"))["port"]

        def get() -> tuple[int, dict[str, object]]:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
                return answer.status, json.load(answer)

        async def seen() -> bool:
            return bool((await asyncio.to_thread(get))[1]["api_capacity"])

        await until(seen)
        status, body = await asyncio.to_thread(get)
        assert (status, list(body)) == (
            200, ["status", "worker_id", "active_jobs", "last_heartbeat", "api_capacity"],
        )  # fmt: skip
        assert (body["status"], body["active_jobs"]) == ("healthy", 0)
        assert str(body["last_heartbeat"]).endswith("Z")
        assert body["api_capacity"] == {"anthropic": "available", "google_vision": "available", "openai": "available"}
        # Liveness does not depend on the database: take its functions and connections away.
        await db.execute("drop schema exora cascade")
        await db.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        await running.says("sweep_failed")
        assert (await asyncio.to_thread(get))[0] == 200
