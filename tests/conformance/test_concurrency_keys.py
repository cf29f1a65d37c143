"""At most so many jobs of a concurrency key run at once, over all workers; the others wait without being in the way."""

from __future__ import annotations

import asyncio

import pytest

from exora.domain.outcome import Completed, Dead, Release, Retry, Snooze
from exora.errors import BadInput

from .conftest import FAILURE, Client


async def test_one_runs_and_the_next_follows_in_order(client: Client) -> None:
    jobs = await client.enqueue(3, concurrency_key="k")
    for job_id in jobs:
        [claimed] = await client.claim(10)
        assert claimed.job_id == job_id
        assert await client.claim(10) == []
        assert await client.settle(claimed, Completed()) == "settled"


async def test_so_many_run_as_the_limit_says(client: Client) -> None:
    await client.enqueue(5, concurrency_key="k", concurrency_limit=2)
    assert len(await client.claim(10)) == 2


async def test_other_keys_and_jobs_without_one_flow_past(client: Client) -> None:
    await client.enqueue(3, concurrency_key="a")
    others = await client.enqueue(2, concurrency_key="b") + await client.enqueue(2)
    claimed = {job.job_id for job in await client.claim(10)}
    assert len(claimed) == 4
    assert len(claimed & set(others)) == 3


async def test_the_held_back_are_counted_apart_and_are_pending(client: Client) -> None:
    jobs = await client.enqueue(3, concurrency_key="k")
    [lane] = [lane for lane in await client.coordinator.queue_stats() if lane.lane == "report_generation"]
    assert (lane.ready, lane.held_back) == (1, 2)
    assert [await client.state(job_id) for job_id in jobs] == ["pending"] * 3


@pytest.mark.parametrize(
    "outcome",
    [Completed(), Dead(FAILURE), Retry(FAILURE, delay_s=3600), Snooze(3600, "no_capacity")],
    ids=lambda outcome: type(outcome).__name__,
)
async def test_every_end_of_an_attempt_gives_the_place_back(client: Client, outcome: object) -> None:
    jobs = await client.enqueue(2, concurrency_key="k")
    [first] = await client.claim(10)
    await client.settle(first, outcome)  # type: ignore[arg-type]
    assert [job.job_id for job in await client.claim(10)] == jobs[1:]


async def test_a_released_job_queues_up_for_its_place_again(client: Client) -> None:
    await client.enqueue(2, concurrency_key="k")
    [first] = await client.claim(10)
    await client.settle(first, Release("shutdown"))
    assert len(await client.claim(10)) == 1


async def test_a_cancelled_job_that_waits_gives_its_place_to_the_next(client: Client) -> None:
    jobs = await client.enqueue(3, concurrency_key="k")
    assert await client.coordinator.cancel(jobs[0]) == "cancelled"
    assert await client.coordinator.cancel(jobs[1]) == "cancelled"
    assert [job.job_id for job in await client.claim(10)] == jobs[2:]


async def test_scheduled_and_redriven_jobs_take_a_place_when_they_are_due(client: Client) -> None:
    [dead] = await client.enqueue(concurrency_key="k")
    [job] = await client.claim()
    await client.settle(job, Dead(FAILURE))
    [waiting] = await client.enqueue(concurrency_key="k")
    assert await client.coordinator.redrive([dead]) == 1
    [job] = await client.claim(10)
    assert job.job_id == waiting
    await client.settle(job, Completed())
    assert [job.job_id for job in await client.claim(10)] == [dead]


async def test_many_enqueuers_and_workers_at_once_keep_to_the_limit(client: Client) -> None:
    running = most = done = 0

    async def enqueue() -> None:
        for _ in range(5):
            await client.enqueue(2, concurrency_key="k", concurrency_limit=3)

    async def work() -> None:
        nonlocal running, most, done
        while done < 40:
            for job in await client.claim(2):
                running += 1
                most = max(most, running)
                await asyncio.sleep(0)
                running -= 1
                assert await client.settle(job, Completed()) == "settled"
                done += 1

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for task in (enqueue, enqueue, enqueue, enqueue, work, work, work, work):
            group.create_task(task())
    assert most <= 3


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"concurrency_key": "a key"}, "concurrency_key"),
        ({"concurrency_key": "k", "concurrency_limit": 0}, "concurrency_limit"),
        ({"concurrency_limit": 2}, "concurrency_limit"),
    ],
)
async def test_a_key_or_limit_that_makes_no_sense_is_refused(
    client: Client, fields: dict[str, object], field: str
) -> None:
    with pytest.raises(BadInput) as caught:
        await client.enqueue(**fields)  # type: ignore[arg-type]
    assert caught.value.field == field
