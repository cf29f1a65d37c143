"""API capacity through the port: all or none, leased, sliding, settled once."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import asyncpg
import pytest

from exora.coordination.port import Coordinator
from exora.domain.capacity import ApiCapacity, Reservation
from exora.errors import BadInput, NotFound

OPENAI = ("openai", "gpt-4o-mini")


async def reserve(
    coordinator: Coordinator,
    tokens: int = 10,
    *,
    reservation_id: UUID | None = None,
    lease_s: float = 60,
    profile: str = "",
    cost_usd: float | None = None,
) -> Reservation:
    """Reserve one call of gpt-4o-mini."""
    return await coordinator.reserve_api_capacity(
        reservation_id=reservation_id or uuid4(),
        holder="w1",
        provider="openai",
        endpoint="gpt-4o-mini",
        tokens=tokens,
        lease_s=lease_s,
        profile=profile,
        cost_usd=cost_usd,
    )


async def shown(coordinator: Coordinator) -> ApiCapacity:
    """What is shown of gpt-4o-mini."""
    return next(api for api in await coordinator.api_capacity() if api.endpoint == "gpt-4o-mini")


async def age(db: asyncpg.Connection, seconds: float) -> None:
    """Let everything that counts have happened so much earlier."""
    await db.execute(f"update exora.api_window set tick = tick - {int(seconds * 5)}")
    for table in ("api_reservations", "api_holders"):
        await db.execute(
            f"update exora.{table} set sent_by = sent_by - interval '{seconds} s',"
            f" lease_expires_at = lease_expires_at - interval '{seconds} s'"
        )
    await db.execute(f"update exora.api_state set closed_until = closed_until - interval '{seconds} s'")


@pytest.mark.parametrize(
    ("limits", "tokens", "reason"),
    [
        ({"requests_per_minute": 3}, 1, "requests_per_minute"),
        ({"tokens_per_minute": 30}, 10, "tokens_per_minute"),
        ({"concurrent_requests": 3}, 1, "concurrent_requests"),
    ],
)
async def test_the_binding_limit_denies_by_name_and_says_when(
    coordinator: Coordinator, limits: dict[str, int], tokens: int, reason: str
) -> None:
    await coordinator.set_api_limits(*OPENAI, limits)
    assert [(await reserve(coordinator, tokens)).granted for _ in range(3)] == [True] * 3
    denied = await reserve(coordinator, tokens)
    assert (denied.granted, denied.reason) == (False, reason)
    assert 0 < denied.retry_after_ms <= 60_000
    api = await shown(coordinator)
    assert (api.state, api.reason) == ("rate_limited", reason)


async def test_money_per_day_is_a_limit_like_the_others(coordinator: Coordinator) -> None:
    await coordinator.set_api_limits(*OPENAI, {"cost_per_day_usd": 1})
    reservation_id = uuid4()
    assert (await reserve(coordinator, cost_usd=0.9, reservation_id=reservation_id)).granted
    denied = await reserve(coordinator, cost_usd=0.2)
    assert (denied.granted, denied.reason) == (False, "cost_per_day")
    await coordinator.settle_api_capacity(reservation_id, 10, cost_usd=0.7)
    assert (await shown(coordinator)).cost_today_usd == pytest.approx(0.7)
    assert (await reserve(coordinator, cost_usd=0.2)).granted


async def test_a_reservation_without_a_price_is_priced_by_the_list(coordinator: Coordinator) -> None:
    await coordinator.set_api_limits(*OPENAI, {"cost_per_day_usd": 1, "usd_per_million_output_tokens": 2})
    reservation_id = uuid4()
    await reserve(coordinator, 100_000, reservation_id=reservation_id)
    await coordinator.settle_api_capacity(reservation_id, None)
    assert (await shown(coordinator)).cost_today_usd == pytest.approx(0.2)


async def test_racing_reservations_never_exceed_the_limit(coordinator: Coordinator) -> None:
    await coordinator.set_api_limits(*OPENAI, {"requests_per_minute": 7})
    answers = await asyncio.gather(*(reserve(coordinator) for _ in range(40)))
    assert sum(answer.granted for answer in answers) == 7


async def test_a_denied_reservation_takes_nothing(coordinator: Coordinator) -> None:
    await coordinator.set_api_limits(*OPENAI, {"tokens_per_minute": 100, "requests_per_minute": 2})
    impossible = await reserve(coordinator, 101)
    assert (impossible.granted, impossible.reason) == (False, "tokens_over_limit")
    assert (await reserve(coordinator, 60)).granted
    assert not (await reserve(coordinator, 60)).granted
    assert (await reserve(coordinator, 40)).granted


async def test_settling_refunds_or_debits_once(coordinator: Coordinator) -> None:
    await coordinator.set_api_limits(*OPENAI, {"tokens_per_minute": 100})
    reservation_id = uuid4()
    await reserve(coordinator, 100, reservation_id=reservation_id)
    assert await coordinator.settle_api_capacity(reservation_id, 30)
    assert not await coordinator.settle_api_capacity(reservation_id, 0)
    assert not (await reserve(coordinator, 71)).granted
    assert (await reserve(coordinator, 70)).granted


async def test_a_call_counts_until_sixty_seconds_after_it_can_have_arrived(
    coordinator: Coordinator, db: asyncpg.Connection
) -> None:
    await coordinator.set_api_limits(*OPENAI, {"requests_per_minute": 1})
    slow, told = uuid4(), uuid4()
    await reserve(coordinator, reservation_id=slow)
    await age(db, 4)  # a call of four seconds, of which the provider does not say how long it took itself
    await coordinator.settle_api_capacity(slow, 1)
    await age(db, 58)
    assert not (await reserve(coordinator)).granted
    await age(db, 3)
    assert (await reserve(coordinator, reservation_id=told)).granted
    await db.execute("update exora.api_reservations set granted_at = granted_at - interval '4 s'")
    await coordinator.settle_api_capacity(told, 1, arrived_ms_ago=3500)  # here it does
    await age(db, 57)
    assert (await reserve(coordinator)).granted


async def test_the_capacity_of_a_dead_holder_returns_with_its_lease(
    coordinator: Coordinator, db: asyncpg.Connection
) -> None:
    await coordinator.set_api_limits(*OPENAI, {"concurrent_requests": 1})
    await reserve(coordinator, lease_s=30)
    assert not (await reserve(coordinator)).granted
    await age(db, 31)
    assert (await reserve(coordinator)).granted


async def test_a_repeated_reservation_is_the_same_one(coordinator: Coordinator, db: asyncpg.Connection) -> None:
    await coordinator.set_api_limits(*OPENAI, {"requests_per_minute": 1})
    reservation_id = uuid4()
    assert (await reserve(coordinator, reservation_id=reservation_id)).granted
    assert (await reserve(coordinator, reservation_id=reservation_id)).granted
    assert await db.fetchval("select count(*) from exora.api_reservations") == 1


async def test_a_profile_has_a_share_of_its_own(coordinator: Coordinator) -> None:
    await coordinator.set_api_limits(*OPENAI, {"requests_per_minute": 3})
    await coordinator.set_api_limits(*OPENAI, {"requests_per_minute": 1}, profile="batch")
    assert (await reserve(coordinator, profile="batch")).granted
    denied = await reserve(coordinator, profile="batch")
    assert (denied.granted, denied.reason) == (False, "requests_per_minute")
    assert [(await reserve(coordinator)).granted for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize("status", ["disabled", "maintenance"])
async def test_an_api_that_is_not_active_grants_nothing(coordinator: Coordinator, status: str) -> None:
    await coordinator.set_api_limits(*OPENAI, {"status": status})
    denied = await reserve(coordinator)
    assert (denied.granted, denied.reason) == (False, status)
    api = await shown(coordinator)
    assert (api.state, api.reason) == ("closed", status)


async def test_an_unknown_api_is_an_error_until_it_is_made_known(coordinator: Coordinator) -> None:
    async def reserve_unknown() -> Reservation:
        return await coordinator.reserve_api_capacity(
            reservation_id=uuid4(), holder="w", provider="openai", endpoint="gpt-9", tokens=1, lease_s=60
        )

    with pytest.raises(NotFound, match="unknown provider"):
        await reserve_unknown()
    assert await coordinator.set_api_limits("openai", "gpt-9", {"requests_per_minute": 1})
    assert (await reserve_unknown()).granted
    assert not (await reserve_unknown()).granted
    assert not await coordinator.set_api_limits("openai", "gpt-9", {"requests_per_minute": None})
    assert (await reserve_unknown()).granted


@pytest.mark.parametrize(
    "limits", [{"requests_per_minute": 0}, {"requests_per_minute": "x"}, {"rpm": 5}, {"status": "on"}]
)
async def test_a_limit_that_makes_no_sense_is_refused(coordinator: Coordinator, limits: dict[str, object]) -> None:
    with pytest.raises(BadInput) as caught:
        await coordinator.set_api_limits(*OPENAI, limits)
    assert caught.value.remedy
