"""A worker as a whole: what becomes of a job when its handler ends one way or another."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from pydantic import BaseModel

from exora.coordination.wire import WireCoordinator
from exora.domain.job import EnqueueRequest, JobState
from exora.domain.outcome import Completed, Snooze
from exora.domain.schedule import Schedule
from exora.errors import ConfigurationError, CorruptDocument, NoCapacity
from exora.observe.logs import configure_logs
from exora.worker.context import JobContext
from exora.worker.registry import Registry

from .conftest import Bench

TYPE = "report_generation"


async def test_jobs_are_claimed_run_and_completed(bench: Bench) -> None:
    seen: list[UUID] = []

    @bench.registry.handler(TYPE)
    async def handle(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
        seen.append(context.job.job_id)
        return {"count": 1}

    jobs = await bench.enqueue(120)
    async with bench.worker():
        for job_id in jobs:
            view = await bench.until(job_id, lambda view: view.state.final)
            assert (view.state, view.result) == (JobState.COMPLETED, {"count": 1})
    assert sorted(seen) == sorted(jobs)


async def test_no_more_run_at_once_than_there_are_slots(bench: Bench) -> None:
    running, most = 0, 0

    @bench.registry.handler(TYPE)
    async def handle(context: JobContext, payload: dict[str, Any]) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1

    jobs = await bench.enqueue(40)
    async with bench.worker(concurrency=5):
        for job_id in jobs:
            await bench.until(job_id, lambda view: view.state.final)
    assert most == 5


async def test_a_handlers_exception_is_retried_and_its_text_is_not_kept(bench: Bench) -> None:
    tries = 0

    @bench.registry.handler(TYPE)
    async def handle(context: JobContext, payload: dict[str, Any]) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise ValueError("Jane Roe, MRN 12345")

    async with connected(bench) as db:
        await db.execute("update exora.job_types set backoff_base_s = 0.01")
        [job_id] = await bench.enqueue()
        async with bench.worker():
            view = await bench.until(job_id, lambda view: view.state.final)
        assert (view.state, view.attempt, view.retry_count) == (JobState.COMPLETED, 2, 1)
        assert view.last_error == "unexpected ValueError"
        assert "Jane" not in str(await db.fetch("select * from exora.job_errors"))


async def test_a_document_error_is_dead_at_once(bench: Bench) -> None:
    @bench.registry.handler(TYPE)
    async def handle(context: JobContext, payload: dict[str, Any]) -> None:
        raise CorruptDocument("the document is truncated")

    [job_id] = await bench.enqueue()
    async with bench.worker():
        view = await bench.until(job_id, lambda view: view.state.final)
    assert (view.state, view.dead_letter_cause, view.attempt) == (JobState.FAILED, "permanent", 1)
    assert view.error_details is not None
    assert view.error_details["code"] == "document_corrupt"
    assert view.last_error is not None
    assert view.last_error.startswith("the document is truncated. ")


async def test_a_handler_past_its_time_is_stopped_and_retried(bench: Bench) -> None:
    @bench.registry.handler(TYPE)
    async def handle(context: JobContext, payload: dict[str, Any]) -> None:
        await asyncio.Event().wait()

    async with connected(bench) as db:
        await db.execute("update exora.job_types set timeout_s = 0.1")
        [job_id] = await bench.enqueue(max_retries=0)
        async with bench.worker():
            view = await bench.until(job_id, lambda view: view.state.final)
    assert view.error_details is not None
    assert (view.state, view.error_details["code"]) == (JobState.FAILED, "timeout")


async def test_a_payload_that_does_not_fit_the_handler_names_the_field_only(bench: Bench) -> None:
    class Arguments(BaseModel):
        limit: int

    @bench.registry.handler(TYPE, Arguments)
    async def handle(context: JobContext, arguments: Arguments) -> None:
        raise AssertionError("must not run")

    [job_id] = await bench.enqueue()
    async with bench.worker():
        view = await bench.until(job_id, lambda view: view.state.final)
    assert view.last_error is not None
    assert "limit" in view.last_error
    assert view.state is JobState.FAILED


async def test_a_result_with_content_costs_only_its_own_job(bench: Bench) -> None:
    chatty: set[UUID] = set()

    @bench.registry.handler(TYPE)
    async def handle(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
        return {"text": "Jane Roe has asthma"} if context.job.job_id in chatty else {"count": 1}

    jobs = await bench.enqueue(5)
    chatty.add(jobs[2])
    log = io.StringIO()
    configure_logs("warn", stream=log)
    async with bench.worker(settle_window_s=0.2):
        views = [await bench.until(job_id, lambda view: view.state.final) for job_id in jobs]
    assert [view.state for view in views].count(JobState.COMPLETED) == 4
    configure_logs("error")
    assert views[2].state is JobState.FAILED
    assert [line["job_id"] for line in map(json.loads, log.getvalue().splitlines())] == [str(jobs[2])]
    assert "Jane" not in str(views[2]) + log.getvalue()


async def test_a_job_without_capacity_comes_back_and_burns_nothing(bench: Bench) -> None:
    tries = 0

    @bench.registry.handler(TYPE)
    async def handle(context: JobContext, payload: dict[str, Any]) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise NoCapacity("openai.gpt-4o-mini:retry_after", retry_after_s=0.01)

    [job_id] = await bench.enqueue()
    async with bench.worker():
        view = await bench.until(job_id, lambda view: view.state.final)
    assert (view.state, view.retry_count, view.attempt) == (JobState.COMPLETED, 0, 3)
    reasons = [event.detail["reason"] for event in await bench.coordinator.timeline(job_id) if event.detail]
    assert reasons == ["openai.gpt-4o-mini:retry_after"] * 2


async def test_a_snoozed_job_comes_back(bench: Bench) -> None:
    tries = 0

    @bench.registry.handler(TYPE)
    async def handle(context: JobContext, payload: dict[str, Any]) -> Completed | Snooze:
        nonlocal tries
        tries += 1
        return Snooze(0.01, "no_capacity") if tries < 3 else Completed()

    [job_id] = await bench.enqueue(max_retries=0)
    async with bench.worker():
        view = await bench.until(job_id, lambda view: view.state.final)
    assert (view.state, view.attempt, view.retry_count) == (JobState.COMPLETED, 3, 0)


async def test_a_step_is_done_once_over_all_attempts(bench: Bench) -> None:
    paid = 0
    patient = UUID("11111111-1111-4111-8111-111111111111")

    @bench.registry.handler(TYPE)
    async def handle(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
        async def pay() -> dict[str, Any]:
            nonlocal paid
            paid += 1
            return {"answer": 42}

        result = await context.step("ocr", "engine-1", "abc", compute=pay)
        if context.job.retry_count == 0:
            raise RuntimeError
        return result

    async with connected(bench) as db:
        await db.execute("update exora.job_types set backoff_base_s = 0.01")
        await bench.coordinator.register_patient(patient)
        [answer] = await bench.coordinator.enqueue([EnqueueRequest(TYPE, {"patient_id": str(patient)})])
        async with bench.worker():
            view = await bench.until(answer.job_id, lambda view: view.state.final)
    assert (view.result, paid) == ({"answer": 42}, 1)


async def test_heartbeats_go_on_while_the_event_loop_is_held(bench: Bench) -> None:
    @bench.registry.handler(TYPE)
    async def handle(context: JobContext, payload: dict[str, Any]) -> None:
        time.sleep(1.5)  # holds the loop for more than a lease

    async with connected(bench) as db:
        await db.execute("update exora.job_types set heartbeat_s = 0.1, lease_s = 0.5")
        [job_id] = await bench.enqueue()
        async with bench.worker():
            other = asyncio.create_task(sweep_for(bench, 2))
            view = await bench.until(job_id, lambda view: view.state.final)
            await other
    assert (view.state, view.attempt, view.crash_count) == (JobState.COMPLETED, 1, 0)


async def test_a_lost_claim_stops_the_handler_and_writes_nothing(bench: Bench) -> None:
    started, stopped = asyncio.Event(), asyncio.Event()

    @bench.registry.handler(TYPE)
    async def handle(context: JobContext, payload: dict[str, Any]) -> None:
        if context.job.fence.attempt > 1:
            return
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async with connected(bench) as db:
        [job_id] = await bench.enqueue()
        async with bench.worker(heartbeat_s=0.05):
            await started.wait()
            async with asyncio.timeout(10):
                swept: dict[str, Any] = {}
                while not swept.get("rescued"):  # the worker's own sweeper may hold the lock at the moment
                    async with db.transaction():  # no heartbeat in between
                        await db.execute("update exora.running set lease_expires_at = now() - interval '1 s'")
                        swept = json.loads(await db.fetchval("select public.sweep_v3()"))
                await stopped.wait()
            view = await bench.until(job_id, lambda view: view.state.final)
    assert (view.state, view.attempt, view.crash_count) == (JobState.COMPLETED, 2, 1)
    assert (await bench.events(job_id)).count("job_completed") == 1


async def test_a_running_job_is_stopped_when_somebody_cancels_it(bench: Bench) -> None:
    started = asyncio.Event()

    @bench.registry.handler(TYPE)
    async def handle(context: JobContext, payload: dict[str, Any]) -> None:
        started.set()
        await asyncio.Event().wait()

    [job_id] = await bench.enqueue()
    async with bench.worker(heartbeat_s=0.05):
        await started.wait()
        assert await bench.coordinator.cancel(job_id) == "requested"
        view = await bench.until(job_id, lambda view: view.state.final)
    assert view.state is JobState.CANCELLED
    assert await bench.events(job_id) == ["job_enqueued", "job_claimed", "job_cancel_requested", "job_cancelled"]


async def test_draining_lets_jobs_finish_and_claims_no_more(bench: Bench) -> None:
    started, finish = asyncio.Event(), asyncio.Event()

    @bench.registry.handler(TYPE)
    async def handle(context: JobContext, payload: dict[str, Any]) -> None:
        started.set()
        await finish.wait()

    [running, waiting] = await bench.enqueue(2)
    async with bench.worker(concurrency=1) as worker:
        await started.wait()
        worker.stop()
        finish.set()
    assert (await bench.coordinator.get_jobs([running]))[0].state is JobState.COMPLETED
    assert (await bench.coordinator.get_jobs([waiting]))[0].attempt == 0


async def test_what_does_not_finish_in_the_drain_is_released_unburnt(bench: Bench) -> None:
    started = asyncio.Event()

    @bench.registry.handler(TYPE)
    async def handle(context: JobContext, payload: dict[str, Any]) -> None:
        started.set()
        await asyncio.Event().wait()

    [job_id] = await bench.enqueue()
    async with bench.worker(drain_s=0.1):
        await started.wait()
    [view] = await bench.coordinator.get_jobs([job_id])
    assert (view.state, view.retry_count, view.crash_count) == (JobState.PENDING, 0, 0)
    assert await bench.events(job_id) == ["job_enqueued", "job_claimed", "job_released"]


async def test_a_second_stop_releases_at_once(bench: Bench) -> None:
    started = asyncio.Event()

    @bench.registry.handler(TYPE)
    async def handle(context: JobContext, payload: dict[str, Any]) -> None:
        started.set()
        await asyncio.Event().wait()

    [job_id] = await bench.enqueue()
    async with asyncio.timeout(20), bench.worker(drain_s=600) as worker:
        await started.wait()
        worker.stop()
    assert await bench.events(job_id) == ["job_enqueued", "job_claimed", "job_released"]


async def test_a_worker_survives_the_loss_of_all_its_connections(bench: Bench) -> None:
    @bench.registry.handler(TYPE)
    async def handle(context: JobContext, payload: dict[str, Any]) -> None:
        await asyncio.sleep(0)

    async with connected(bench) as db, bench.worker() as worker:
        for _ in range(10):
            await db.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
            for job_id in await bench.enqueue(1, idempotency_key=uuid4().hex):
                await bench.until(job_id, lambda view: view.state is JobState.COMPLETED)
        assert worker.keeper.alive


def test_a_job_type_has_one_handler() -> None:
    registry = Registry()

    async def handle(context: JobContext, payload: dict[str, Any]) -> None:
        """Do nothing."""

    registry.add(TYPE, handle)
    with pytest.raises(ConfigurationError, match=TYPE):
        registry.add(TYPE, handle)


@contextlib.asynccontextmanager
async def connected(bench: Bench) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the owner, for arranging things behind the worker's back."""
    connection = await asyncpg.connect(bench.dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def sweep_for(bench: Bench, seconds: float) -> None:
    """Sweep as another worker would."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        await bench.coordinator.sweep()
        await asyncio.sleep(0.05)


async def test_a_loop_that_dies_takes_the_worker_with_it(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(WireCoordinator):
        async def list_schedules(self, *, due: bool = False, limit: int = 1000) -> list[Schedule]:
            text = "Jane Roe"
            raise RuntimeError(text)

    log = io.StringIO()
    configure_logs("error", stream=log)
    async with asyncio.timeout(20):
        async with bench.worker() as worker:
            worker._scheduler._coordinator = Broken(bench.transport)
            while worker.state != "stopped":
                await asyncio.sleep(0.02)
    configure_logs("error")
    assert worker.failed
    [line] = [json.loads(line) for line in log.getvalue().splitlines()]
    assert (line["event"], line["loop"], line["error_class"]) == ("loop_died", "exora-scheduler", "RuntimeError")
    assert "Jane" not in log.getvalue() + capsys.readouterr().err
