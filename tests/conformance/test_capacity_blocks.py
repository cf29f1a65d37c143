"""Blocks through the port: a worker takes many units at once, spends them itself and gives the rest back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from exora.coordination.port import Coordinator
from exora.domain.capacity import BlockGrant, BlockReport

from .test_capacity import OPENAI, age, reserve, shown


class Holder:
    """A worker's end of a block."""

    def __init__(self, coordinator: Coordinator, name: str, profile: str = "") -> None:
        self.coordinator = coordinator
        self.name = name
        self.profile = profile
        self.seq = 0

    async def sync(self, *, again: bool = False, **report: Any) -> BlockGrant:
        """Sync; ``again`` repeats the last call."""
        self.seq += 0 if again else 1
        waiting = report.get("want_requests", 0)
        waits = {"waiting": waiting, "want_slots": report.get("in_flight", 0) + waiting}
        return await self.coordinator.sync_api_capacity(
            holder=self.name,
            seq=self.seq,
            provider="openai",
            endpoint="gpt-4o-mini",
            profile=self.profile,
            report=replace(BlockReport(), **(waits | report)),
            valid_s=2,
            lease_s=15,
        )


@pytest.fixture
def one(coordinator: Coordinator) -> Holder:
    """A worker."""
    return Holder(coordinator, "one")


@pytest.fixture
def two(coordinator: Coordinator) -> Holder:
    """Another."""
    return Holder(coordinator, "two")


async def test_the_blocks_of_all_workers_together_stay_within_the_limit(
    coordinator: Coordinator, one: Holder, two: Holder
) -> None:
    await coordinator.set_api_limits(*OPENAI, {"requests_per_minute": 10})
    assert (await one.sync(want_requests=8)).requests == 8
    got = await two.sync(want_requests=8)
    assert (got.requests, got.reason) == (2, None)
    assert not (await reserve(coordinator)).granted
    denied = await one.sync(requests=8, want_requests=1)
    assert (denied.requests, denied.reason) == (0, "requests_per_minute")
    assert denied.retry_after_ms is not None
    assert 0 < denied.retry_after_ms <= 63_000


async def test_what_a_worker_gives_back_is_there_for_others(coordinator: Coordinator, one: Holder, two: Holder) -> None:
    await coordinator.set_api_limits(*OPENAI, {"requests_per_minute": 10, "concurrent_requests": None})
    await one.sync(want_requests=10)
    await one.sync(requests=0, ages_ms=[5], used_requests=[4], used_tokens=[40])
    assert (await two.sync(want_requests=10)).requests == 6
    api = await shown(coordinator)
    assert (api.requests, api.tokens) == (10, 40)


async def test_the_hungry_share_what_is_free(coordinator: Coordinator, one: Holder, two: Holder) -> None:
    await coordinator.set_api_limits(*OPENAI, {"requests_per_minute": 10, "concurrent_requests": None})
    await one.sync(want_requests=100)
    await two.sync(want_requests=100)
    await one.sync(ages_ms=[60_500], used_requests=[10], used_tokens=[0], want_requests=100)
    assert (await two.sync(want_requests=100)).requests == 3  # half of what one has left: one got five first


async def test_a_repeated_sync_answers_the_same_and_takes_nothing_more(coordinator: Coordinator, one: Holder) -> None:
    await coordinator.set_api_limits(*OPENAI, {"requests_per_minute": 10})
    first = await one.sync(want_requests=6, ages_ms=[0], used_requests=[1], used_tokens=[5])
    assert (await one.sync(again=True, want_requests=6)).requests == first.requests == 6
    assert (await shown(coordinator)).requests == 7


async def test_slots_stay_while_they_are_used_and_shrink_to_a_share_when_others_are_hungry(
    coordinator: Coordinator, one: Holder, two: Holder
) -> None:
    await coordinator.set_api_limits(*OPENAI, {"concurrent_requests": 10})
    assert (await one.sync(want_requests=50)).slots == 10
    assert (await two.sync(want_requests=50)).slots == 0
    assert (await one.sync(requests=50, in_flight=10, want_requests=50)).slots == 5
    assert (await two.sync(want_requests=50)).slots == 0  # one's calls have not ended yet
    assert (await one.sync(requests=45, in_flight=5, want_requests=50)).slots == 5
    assert (await two.sync(want_requests=50)).slots == 5


async def test_a_large_call_is_not_starved_by_small_ones(coordinator: Coordinator, one: Holder, two: Holder) -> None:
    await coordinator.set_api_limits(*OPENAI, {"tokens_per_minute": 1000, "requests_per_minute": None})
    await one.sync(want_requests=50, want_tokens=500, least_tokens=10)
    refused = await two.sync(want_requests=1, want_tokens=900, least_tokens=900, urgency=9)
    assert (refused.requests, refused.reason) == (0, "tokens_per_minute")
    # The small ones leave the large one's tokens alone, however often they ask.
    assert (await one.sync(ages_ms=[61_000], used_requests=[50], used_tokens=[500], want_requests=50, want_tokens=500,
                           least_tokens=10)).tokens == 100  # fmt: skip
    assert (await two.sync(want_requests=1, want_tokens=900, least_tokens=900, urgency=9)).tokens == 900


async def test_a_dead_workers_concurrency_returns_with_its_lease_and_its_units_with_the_window(
    coordinator: Coordinator, db: asyncpg.Connection, one: Holder, two: Holder
) -> None:
    await coordinator.set_api_limits(*OPENAI, {"requests_per_minute": 10, "concurrent_requests": 10})
    await one.sync(want_requests=10)
    await age(db, 14)
    assert (await two.sync(want_requests=5)).slots == 0
    await age(db, 2)
    got = await two.sync(want_requests=5)
    assert (got.slots, got.requests) == (5, 0)  # they may have been sent until a moment before the block lapsed
    await age(db, 47.5)
    assert (await two.sync(want_requests=5)).requests == 5
    await age(db, 2)
    await db.execute("select exora.sweep_capacity()")
    assert await db.fetchval("select count(*) from exora.api_holders where holder = 'one'") == 0


async def test_a_worker_that_keeps_requests_can_ask_for_tokens_alone(coordinator: Coordinator, one: Holder) -> None:
    await one.sync(want_requests=1, want_tokens=10)
    got = await one.sync(requests=1, tokens=10, want_tokens=90, least_tokens=90, waiting=1)
    assert (got.requests, got.tokens) == (0, 90)


async def test_money_bounds_a_block(coordinator: Coordinator, one: Holder, two: Holder) -> None:
    await coordinator.set_api_limits(*OPENAI, {"cost_per_day_usd": 1})
    assert (await one.sync(want_requests=5, want_cost_usd=0.75)).cost_usd == pytest.approx(0.75)
    assert (await two.sync(want_requests=5, want_cost_usd=0.75)).cost_usd == pytest.approx(0.25)


async def test_a_profiles_blocks_stay_within_its_share(coordinator: Coordinator, one: Holder) -> None:
    await coordinator.set_api_limits(*OPENAI, {"requests_per_minute": 3}, profile="batch")
    assert (await Holder(coordinator, "one", "batch").sync(want_requests=50)).requests == 3
    assert (await one.sync(want_requests=50)).requests == 50
