"""The verbs of API capacity: reserve and settle, singly and in blocks; limits, closings, needs, prices, estimates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

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


class Capacity(Protocol):
    """Part of ``Coordinator``; all raise what ``Transport.call`` raises."""

    async def api_capacity(self) -> list[ApiCapacity]:
        """How full each API is."""
        ...

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
        """Take requests, tokens, concurrency and money for one call, all or none."""
        ...

    async def settle_api_capacity(
        self, reservation_id: UUID, actual_tokens: int | None, *, cost_usd: float | None = None, arrived_ms_ago: int = 0
    ) -> bool:
        """End a reservation with its actual use; False when it had ended."""
        ...

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
        """Settle and renew a worker's block of one API; ``seq`` rises with every call, a repeat answers the same."""
        ...

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
        """Tell the fleet what a provider said."""
        ...

    async def set_api_limits(
        self,
        provider: str,
        endpoint: str,
        limits: Mapping[str, Any],
        *,
        profile: str | None = None,
        act: Act = UNSIGNED,
    ) -> bool:
        """Change an API's limits, prices or status, or make it known; True when it is new."""
        ...

    async def close_api(
        self, provider: str, endpoint: str, closed: bool, seconds: float | None = None, act: Act = UNSIGNED
    ) -> bool:
        """Close an API for a while or until opened, or open it; False when it was so already."""
        ...

    async def declare_needs(self, job_types: Sequence[str], needs: Sequence[Need]) -> bool:
        """Say which APIs the jobs of these types call, in place of what was said before."""
        ...

    async def api_prices(self, provider: str, endpoint: str) -> ApiPrices:
        """The price list of an API."""
        ...

    async def observe_api_usage(
        self, provider: str, endpoint: str, kind: str, used: float | None
    ) -> UsageEstimate | None:
        """Learn from what a call of a kind has used (None: only ask); None while nothing is known."""
        ...
