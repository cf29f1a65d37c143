"""API capacity through the port: all or none, leased, sliding, settled once."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import asyncpg
import pytest

from exora.coordination.port import Coordinator
from exora.domain.capacity import Reservation
from exora.errors import NotFound

LIMITS = "update exora.api_rate_limits set {} where provider_name = 'openai' and api_endpoint = 'gpt-4o-mini'"


async def reserve(
    coordinator: Coordinator, tokens: int = 10, *, reservation_id: UUID | None = None, lease_s: float = 60
) -> Reservation:
    """Reserve one call of gpt-4o-mini."""
    return await coordinator.reserve_api_capacity(
        reservation_id=reservation_id or uuid4(),
        holder="w1",
        provider="openai",
        endpoint="gpt-4o-mini",
        tokens=tokens,
        lease_s=lease_s,
    )


async def state(coordinator: Coordinator) -> str:
    """The state shown for gpt-4o-mini."""
    return next(api.state for api in await coordinator.api_capacity() if api.endpoint == "gpt-4o-mini")


@pytest.mark.parametrize(
    ("limit", "tokens", "reason"),
    [
        ("requests_per_minute = 3", 1, "requests_per_minute"),
        ("tokens_per_minute = 30", 10, "tokens_per_minute"),
        ("concurrent_requests = 3", 1, "concurrent_requests"),
    ],
)
async def test_the_binding_limit_denies_by_name_and_says_when(
    coordinator: Coordinator, db: asyncpg.Connection, limit: str, tokens: int, reason: str
) -> None:
    await db.execute(LIMITS.format(limit))
    assert [(await reserve(coordinator, tokens)).granted for _ in range(3)] == [True] * 3
    denied = await reserve(coordinator, tokens)
    assert (denied.granted, denied.reason) == (False, reason)
    assert 0 < denied.retry_after_ms <= 60_000
    assert await state(coordinator) == "rate_limited"


async def test_racing_reservations_never_exceed_the_limit(coordinator: Coordinator, db: asyncpg.Connection) -> None:
    await db.execute(LIMITS.format("requests_per_minute = 7"))
    answers = await asyncio.gather(*(reserve(coordinator) for _ in range(40)))
    assert sum(answer.granted for answer in answers) == 7


async def test_the_window_slides_and_does_not_burst_at_the_minutes_edge(
    coordinator: Coordinator, db: asyncpg.Connection
) -> None:
    await db.execute(LIMITS.format("requests_per_minute = 10"))
    for _ in range(10):
        await reserve(coordinator)
    age = "update exora.api_reservations set granted_at = granted_at - interval '{} seconds', settled_at = granted_at"
    await db.execute(age.format(59))
    assert not (await reserve(coordinator)).granted
    await db.execute(age.format(2))
    assert (await reserve(coordinator)).granted


async def test_a_denied_reservation_takes_nothing(coordinator: Coordinator, db: asyncpg.Connection) -> None:
    await db.execute(LIMITS.format("tokens_per_minute = 100, requests_per_minute = 2"))
    assert not (await reserve(coordinator, 101)).granted
    assert (await reserve(coordinator, 60)).granted
    assert not (await reserve(coordinator, 60)).granted
    assert (await reserve(coordinator, 40)).granted


async def test_settling_refunds_or_debits_once(coordinator: Coordinator, db: asyncpg.Connection) -> None:
    await db.execute(LIMITS.format("tokens_per_minute = 100"))
    reservation_id = uuid4()
    await reserve(coordinator, 100, reservation_id=reservation_id)
    assert await coordinator.settle_api_capacity(reservation_id, 30)
    assert not await coordinator.settle_api_capacity(reservation_id, 0)
    assert not (await reserve(coordinator, 71)).granted
    assert (await reserve(coordinator, 70)).granted


async def test_the_capacity_of_a_dead_holder_returns_with_its_lease(
    coordinator: Coordinator, db: asyncpg.Connection
) -> None:
    await db.execute(LIMITS.format("concurrent_requests = 1"))
    await reserve(coordinator)
    assert not (await reserve(coordinator)).granted
    await db.execute("update exora.api_reservations set lease_expires_at = clock_timestamp()")
    assert (await reserve(coordinator)).granted


async def test_a_repeated_reservation_is_the_same_one(coordinator: Coordinator, db: asyncpg.Connection) -> None:
    await db.execute(LIMITS.format("requests_per_minute = 1"))
    reservation_id = uuid4()
    assert (await reserve(coordinator, reservation_id=reservation_id)).granted
    assert (await reserve(coordinator, reservation_id=reservation_id)).granted
    assert await db.fetchval("select count(*) from exora.api_reservations") == 1


@pytest.mark.parametrize("status", ["disabled", "maintenance"])
async def test_an_api_that_is_not_active_grants_nothing(
    coordinator: Coordinator, db: asyncpg.Connection, status: str
) -> None:
    await db.execute(LIMITS.format(f"status = '{status}'"))
    denied = await reserve(coordinator)
    assert (denied.granted, denied.reason) == (False, status)
    assert await state(coordinator) == status


async def test_an_unknown_api_is_an_error(coordinator: Coordinator) -> None:
    with pytest.raises(NotFound):
        await coordinator.reserve_api_capacity(
            reservation_id=uuid4(), holder="w", provider="openai", endpoint="gpt-9", tokens=1, lease_s=60
        )
