"""The sandbox: what is due runs here and now, by the worker's own rules; time passes when told to."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any
from uuid import uuid4

import pytest

from exora.domain.job import JobState
from exora.domain.outcome import Completed, Dead, Release, Retry, Snooze
from exora.errors import BadInput, CorruptDocument
from exora.testing.sandbox import Sandbox
from exora.worker.context import JobContext
from exora.worker.registry import Registry

TYPE = "report_generation"


@pytest.fixture
def registry(sandbox: Sandbox) -> Registry:
    """The sandbox's handlers: none yet."""
    sandbox.registry = Registry()
    return sandbox.registry


def test_the_plugin_loads_only_where_it_is_named() -> None:
    assert [entry for entry in entry_points(group="pytest11") if entry.value.startswith("exora")] == []


async def test_jobs_run_in_the_order_of_claims_and_so_do_those_that_they_enqueue(
    sandbox: Sandbox, registry: Registry
) -> None:
    seen = []

    @registry.handler(TYPE)
    async def handle(context: JobContext, payload: dict[str, Any]) -> dict[str, Any]:
        seen.append(payload["limit"])
        if payload["limit"] == 1:
            await sandbox.enqueue(TYPE, {"limit": 9})
        return {"count": payload["limit"]}

    jobs = [await sandbox.enqueue(TYPE, {"limit": n}, priority=p) for n, p in ((2, 5), (1, 1), (3, 10))]
    ended = await sandbox.drain(slots=1)
    assert seen == [1, 2, 9, 3]
    assert [one.outcome for one in ended] == [Completed({"count": count}) for count in seen]
    assert {one.job_id for one in ended} > set(jobs)
    assert await sandbox.drain() == []
    await sandbox.check(jobs)


async def test_each_way_to_end_is_told_with_the_error_as_it_was_raised(sandbox: Sandbox, registry: Registry) -> None:
    error = ValueError("Jane Roe, MRN 12345")

    @registry.handler(TYPE)
    async def handle(context: JobContext, payload: dict[str, Any]) -> Any:
        match payload["scope"]:
            case "raise":
                raise error
            case "document":
                raise CorruptDocument("cut off")
            case "snooze":
                return Snooze(60, "no_capacity")
            case "content":
                return {"name": "Jane Roe"}

    for scope in ("raise", "document", "snooze", "content"):
        await sandbox.enqueue(TYPE, {"scope": scope})
    raised, document, snoozed, content = await sandbox.drain()
    assert isinstance(raised.outcome, Retry)
    assert raised.error is error
    assert isinstance(document.outcome, Dead)
    assert isinstance(document.error, CorruptDocument)
    assert (snoozed.outcome, snoozed.error) == (Snooze(60, "no_capacity"), None)
    assert isinstance(content.outcome, Dead)  # a result may hold ids, counts and codes only
    assert "Jane" not in str([await sandbox.job(one.job_id) for one in (raised, document, snoozed, content)])
    await sandbox.check()


async def test_a_lost_claim_has_no_outcome(sandbox: Sandbox, registry: Registry) -> None:
    @registry.handler(TYPE)
    async def handle(context: JobContext, payload: dict[str, Any]) -> None:
        await sandbox.travel(3600)
        async with sandbox.coordinator() as elsewhere:
            assert (await elsewhere.sweep())["rescued"] == 1

    job = await sandbox.enqueue(TYPE)
    lost = [(one.outcome, one.error) for one in await sandbox.drain()]
    assert lost == [(None, None)] * 3
    view = await sandbox.job(job)
    assert (view.state, view.dead_letter_cause) == (JobState.FAILED, "poison")
    await sandbox.check([job])


async def test_time_brings_what_was_scheduled_and_every_retry_to_the_end(sandbox: Sandbox, registry: Registry) -> None:
    @registry.handler(TYPE)
    async def handle(context: JobContext, payload: dict[str, Any]) -> None:
        raise ConnectionError

    await sandbox.hurry(lease_s=120, backoff_s=1000)  # a pause that no slow machine can sit out
    job = await sandbox.enqueue(TYPE, max_retries=3)
    assert len(await sandbox.drain()) == 1
    await sandbox.travel(900)
    assert await sandbox.drain() == []
    await sandbox.travel(100)
    [second] = await sandbox.drain()
    assert second.job.retry_count == 1
    rest = await sandbox.drain(through_time=True)
    assert [one.job.retry_count for one in rest] == [2, 3]
    view = await sandbox.job(job)
    assert (view.state, view.dead_letter_cause, view.attempt) == (JobState.FAILED, "exhausted", 4)
    await sandbox.check([job])


async def test_held_jobs_stay_held_however_much_time_passes(sandbox: Sandbox, registry: Registry) -> None:
    @registry.handler(TYPE)
    async def handle(context: JobContext, payload: dict[str, Any]) -> Release:
        raise AssertionError("must not run")

    job = await sandbox.enqueue(TYPE)
    async with sandbox.coordinator() as coordinator:
        assert await coordinator.hold_job(job) == "held"
    await sandbox.travel(1e9)
    assert await sandbox.drain(through_time=True) == []


async def test_what_never_ends_and_what_nobody_handles_is_an_error(sandbox: Sandbox, registry: Registry) -> None:
    with pytest.raises(RuntimeError, match="no handler"):
        await sandbox.drain()

    @registry.handler(TYPE)
    async def handle(context: JobContext, payload: dict[str, Any]) -> Snooze:
        return Snooze(1, "no_capacity")

    await sandbox.enqueue(TYPE)
    with pytest.raises(RuntimeError, match="more than 20"):
        await sandbox.drain(through_time=True, most=20)


async def test_steps_are_kept_for_a_patient_and_bad_input_is_refused(sandbox: Sandbox, registry: Registry) -> None:
    computed = 0

    @registry.handler(TYPE)
    async def handle(context: JobContext, payload: dict[str, Any]) -> None:
        async def compute() -> dict[str, Any]:
            nonlocal computed
            computed += 1
            return {}

        await context.step("once", compute=compute)

    patient = await sandbox.patient()
    for _ in range(2):
        await sandbox.enqueue(TYPE, {"patient_id": str(patient)})
        assert [one.completed for one in await sandbox.drain()] == [True]
    assert computed == 1
    with pytest.raises(BadInput):
        await sandbox.enqueue(TYPE, {"name": "Jane Roe"})
    await sandbox.enqueue(TYPE, {"patient_id": str(uuid4())})
    [unknown] = await sandbox.drain()
    assert not unknown.completed


async def test_calls_of_apis_are_reserved_as_in_a_worker(sandbox: Sandbox, registry: Registry) -> None:
    @registry.handler(TYPE)
    async def handle(context: JobContext, payload: dict[str, Any]) -> None:
        async with context.reserve("openai", "gpt-4o-mini", tokens=100, patience_s=0.1) as call:
            await call.begin()
            call.answered()
            call.used(input_tokens=60, output_tokens=10)

    async with sandbox.coordinator() as coordinator:
        await coordinator.set_api_limits("openai", "gpt-4o-mini", {"requests_per_minute": 1})
        await sandbox.enqueue(TYPE)
        await sandbox.enqueue(TYPE)
        done, put_off = (one.outcome for one in await sandbox.drain(slots=1))
        assert isinstance(done, Completed)
        assert isinstance(put_off, Snooze)
        assert put_off.reason == "openai.gpt-4o-mini:requests_per_minute"
        [api] = [api for api in await coordinator.api_capacity() if api.endpoint == "gpt-4o-mini"]
        assert (api.tokens, api.concurrent) == (70, 0)
