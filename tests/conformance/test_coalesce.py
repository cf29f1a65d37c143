"""Coalesced enqueues: durable one by one, cheap together, and a fault costs only its own caller."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from exora.coordination.coalesce import CoalescingEnqueuer
from exora.coordination.port import Coordinator
from exora.domain.job import EnqueueAnswer, EnqueueRequest
from exora.errors import BadInput


class Counting:
    """A coordinator that counts the batches."""

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator
        self.batches: list[int] = []

    async def enqueue(self, requests: Sequence[EnqueueRequest]) -> list[EnqueueAnswer]:
        self.batches.append(len(requests))
        return await self._coordinator.enqueue(requests)


async def test_many_callers_share_few_transactions_and_each_gets_its_own_job(coordinator: Coordinator) -> None:
    counting = Counting(coordinator)
    enqueuer = CoalescingEnqueuer(counting)
    requests = [EnqueueRequest("report_generation", {"limit": n}) for n in range(200)]
    answers = await asyncio.gather(*(enqueuer.enqueue(request) for request in requests))
    assert sum(counting.batches) == 200
    assert len(counting.batches) < 20
    views = {view.job_id: view.payload["limit"] for view in await coordinator.list_jobs(limit=300)}
    assert [views[answer.job_id] for answer in answers] == list(range(200))


async def test_a_job_is_durable_when_its_caller_returns(coordinator: Coordinator) -> None:
    answer = await CoalescingEnqueuer(coordinator).enqueue(EnqueueRequest("report_generation", {}))
    assert [view.job_id for view in await coordinator.list_jobs()] == [answer.job_id]


async def test_a_fault_costs_only_its_own_caller(coordinator: Coordinator) -> None:
    enqueuer = CoalescingEnqueuer(coordinator)
    good = [EnqueueRequest("report_generation", {}) for _ in range(10)]
    bad = EnqueueRequest("report_generation", {}, priority=99)
    results = await asyncio.gather(*(enqueuer.enqueue(one) for one in [*good, bad, *good]), return_exceptions=True)
    assert [type(result) for result in results].count(EnqueueAnswer) == 20
    assert isinstance(results[10], BadInput)
    assert len(await coordinator.list_jobs()) == 20


async def test_closing_waits_for_what_was_asked(coordinator: Coordinator) -> None:
    enqueuer = CoalescingEnqueuer(coordinator)
    asked = [asyncio.create_task(enqueuer.enqueue(EnqueueRequest("report_generation", {}))) for _ in range(50)]
    await asyncio.sleep(0)
    await enqueuer.close()
    assert len(await coordinator.list_jobs(limit=100)) == 50
    await asyncio.gather(*asked)


@pytest.mark.parametrize("count", [1, 3])
async def test_a_lone_caller_waits_for_nobody(coordinator: Coordinator, count: int) -> None:
    counting = Counting(coordinator)
    enqueuer = CoalescingEnqueuer(counting)
    for _ in range(count):
        await enqueuer.enqueue(EnqueueRequest("report_generation", {}))
    assert counting.batches == [1] * count
