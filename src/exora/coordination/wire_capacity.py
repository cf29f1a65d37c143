"""``Capacity`` over any transport: domain values to function arguments, rows to domain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from exora.coordination.calls import Calls, signed
from exora.domain.capacity import (
    ApiCapacity,
    ApiPrices,
    BlockGrant,
    BlockReport,
    Need,
    Reservation,
    ThrottleKind,
    UsageEstimate,
)
from exora.domain.operations import UNSIGNED, Act


class WireCapacity(Calls):
    """The part of ``WireCoordinator`` for API capacity."""

    async def api_capacity(self) -> list[ApiCapacity]:
        rows = await self._transport.call("api_capacity_v3", {}, repeatable=True)
        return [ApiCapacity(*row.values()) for row in rows]

    async def reserve_api_capacity(
        self,
        *,
        reservation_id: UUID,
        holder: str,
        provider: str,
        endpoint: str,
        tokens: int,
        lease_s: float,
        profile: str = "",
        cost_usd: float | None = None,
    ) -> Reservation:
        rows = await self._transport.call(
            "reserve_api_capacity_v3",
            {
                "p_reservation_id": reservation_id,
                "p_holder": holder,
                "p_provider_name": provider,
                "p_api_endpoint": endpoint,
                "p_tokens": tokens,
                "p_lease_s": lease_s,
                "p_profile": profile,
                "p_cost_usd": cost_usd,
            },
            repeatable=True,
        )
        return Reservation(**rows[0])

    async def settle_api_capacity(
        self, reservation_id: UUID, actual_tokens: int | None, *, cost_usd: float | None = None, arrived_ms_ago: int = 0
    ) -> bool:
        arguments = {
            "p_reservation_id": reservation_id,
            "p_actual_tokens": actual_tokens,
            "p_cost_usd": cost_usd,
            "p_arrived_ms_ago": arrived_ms_ago,
        }
        return bool(await self._scalar("settle_api_capacity_v3", arguments))

    async def sync_api_capacity(
        self,
        *,
        holder: str,
        seq: int,
        provider: str,
        endpoint: str,
        profile: str,
        report: BlockReport,
        valid_s: float,
        lease_s: float,
    ) -> BlockGrant:
        arguments = {
            "p_provider_name": provider,
            "p_api_endpoint": endpoint,
            "p_holder": holder,
            "p_seq": seq,
            "p_profile": profile,
            "p_valid_s": valid_s,
            "p_lease_s": lease_s,
        } | _block(report)
        [row] = await self._transport.call("sync_api_capacity_v3", arguments, repeatable=True)
        return BlockGrant(
            row["requests"],
            row["tokens"],
            row["cost_usd"],
            row["slots"],
            row["valid_ms"],
            row["closed_ms"],
            row["reason"],
            row["retry_after_ms"],
        )

    async def report_api_throttle(
        self,
        provider: str,
        endpoint: str,
        kind: ThrottleKind,
        *,
        retry_after_ms: int | None = None,
        remaining_requests: int | None = None,
        remaining_tokens: int | None = None,
        reset_ms: int | None = None,
    ) -> None:
        arguments = {
            "p_provider_name": provider,
            "p_api_endpoint": endpoint,
            "p_kind": kind,
            "p_retry_after_ms": retry_after_ms,
            "p_remaining_requests": remaining_requests,
            "p_remaining_tokens": remaining_tokens,
            "p_reset_ms": reset_ms,
        }
        # A failure counted twice after a lost answer does no harm; one not counted would.
        await self._transport.call("report_api_throttle_v3", arguments, repeatable=True)

    async def set_api_limits(
        self,
        provider: str,
        endpoint: str,
        limits: Mapping[str, Any],
        *,
        profile: str | None = None,
        act: Act = UNSIGNED,
    ) -> bool:
        arguments = {
            "p_provider_name": provider,
            "p_api_endpoint": endpoint,
            "p_limits": dict(limits),
            "p_profile": profile,
        }
        return bool(await self._scalar("set_api_limits_v3", arguments | signed(act)))

    async def close_api(
        self, provider: str, endpoint: str, closed: bool, seconds: float | None = None, act: Act = UNSIGNED
    ) -> bool:
        arguments = {
            "p_provider_name": provider,
            "p_api_endpoint": endpoint,
            "p_closed": closed,
            "p_seconds": seconds,
        }
        return bool(await self._scalar("close_api_v3", arguments | signed(act)))

    async def declare_needs(self, job_types: Sequence[str], needs: Sequence[Need]) -> bool:
        arguments = {"p_job_types": list(job_types), "p_needs": [asdict(need) for need in needs]}
        return bool(await self._scalar("declare_needs_v3", arguments))

    async def api_prices(self, provider: str, endpoint: str) -> ApiPrices:
        arguments = {"p_provider_name": provider, "p_api_endpoint": endpoint}
        [row] = await self._transport.call("api_prices_v3", arguments, repeatable=True)
        return ApiPrices(*(float(price) for price in row.values()))

    async def observe_api_usage(
        self, provider: str, endpoint: str, kind: str, used: float | None
    ) -> UsageEstimate | None:
        arguments = {"p_provider_name": provider, "p_api_endpoint": endpoint, "p_kind": kind, "p_used": used}
        rows = await self._transport.call("observe_api_usage_v3", arguments, repeatable=True)
        return UsageEstimate(*rows[0].values()) if rows else None


_EMPTY_REPORT = BlockReport()


def _block(report: BlockReport) -> dict[str, Any]:
    """What a worker says of its block, by argument name; what is as by default is not sent."""
    arguments: dict[str, Any] = {}
    for name in BlockReport.__slots__:
        value = getattr(report, name)
        if value != getattr(_EMPTY_REPORT, name):
            arguments[f"p_{name}"] = list(value) if isinstance(value, Sequence) else value
    return arguments
