"""API capacity as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

ApiStateName = Literal["available", "rate_limited", "closed", "down"]


@dataclass(frozen=True, slots=True)
class ApiCapacity:
    """How full one API is: what counts against each limit now beside the limit (None = unlimited).

    Attributes:
        state: available; rate_limited: a limit is reached, or the provider said to wait; closed: until a person acts;
            down: it fails, the circuit breaker is open.
        reason: which limit binds, or why it is closed; None when a call would be granted.
        closed_until: when it opens by itself.
        cost_today_usd: settled since midnight UTC.
        waiting: calls that wait in workers.
        workers: how many workers hold a block of it.
        status: as configured: active, disabled or maintenance.
        closed_by, closed_why: who closed it and why, if a person did and said so.
    """

    provider: str
    endpoint: str
    state: ApiStateName
    reason: str | None
    closed_until: datetime | None
    requests: int
    requests_per_minute: int | None
    tokens: int
    tokens_per_minute: int | None
    concurrent: int
    concurrent_requests: int | None
    cost_today_usd: float
    cost_per_day_usd: float | None
    waiting: int
    workers: int
    status: str
    closed_by: str | None = None
    closed_why: str | None = None


@dataclass(frozen=True, slots=True)
class Reservation:
    """The answer to a reservation: granted, or when to come back (milliseconds) and which limit binds."""

    granted: bool
    retry_after_ms: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class BlockReport:
    """What a worker says of its block of one API when it syncs.

    Attributes:
        requests, tokens, cost_usd: what it holds: calls under way and units it keeps to spend.
        in_flight: calls under way.
        want_requests, want_tokens, want_cost_usd: what it would like besides; ``want_slots``: calls under way in all.
        least_tokens: fewer besides are of no use to the first who waits.
        waiting: calls that wait; urgency: of the first, higher first.
        ages_ms, used_requests, used_tokens: calls that have reached the provider since the last sync, by how long ago
            at the latest.
        used_cost_usd: what they cost.
        succeeded, failed: how they ended, for the circuit breaker.
    """

    requests: int = 0
    tokens: int = 0
    cost_usd: float = 0.0
    in_flight: int = 0
    want_requests: int = 0
    want_tokens: int = 0
    want_cost_usd: float = 0.0
    want_slots: int = 0
    least_tokens: int = 0
    waiting: int = 0
    urgency: float = 0.0
    ages_ms: Sequence[int] = ()
    used_requests: Sequence[int] = ()
    used_tokens: Sequence[int] = ()
    used_cost_usd: float = 0.0
    succeeded: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class BlockGrant:
    """The answer to a sync: what may be spent besides, until ``valid_ms`` after the sync was asked for.

    Attributes:
        slots: calls that may be under way, in all.
        closed_ms: the API is shut for so long; None: it is open.
        reason: why one more call was not granted, if it was not; retry_after_ms: when to ask again for it.
    """

    requests: int
    tokens: int
    cost_usd: float
    slots: int
    valid_ms: int
    closed_ms: int | None
    reason: str | None
    retry_after_ms: int | None


@dataclass(frozen=True, slots=True)
class Need:
    """An API that the jobs of a type call, and how much of it each on average."""

    provider: str
    endpoint: str
    requests_per_job: float = 1.0
    tokens_per_job: float = 0.0


@dataclass(frozen=True, slots=True)
class ApiPrices:
    """List prices of an API in US dollars."""

    usd_per_request: float
    usd_per_million_input_tokens: float
    usd_per_million_output_tokens: float


@dataclass(frozen=True, slots=True)
class UsageEstimate:
    """What calls of a kind have used: smoothed mean and mean deviation over so many samples."""

    samples: int
    mean: float
    deviation: float


ThrottleKind = Literal["throttled", "failed", "insufficient_quota", "invalid_key", "forbidden", "remaining"]


class Permit(Protocol):
    """A reserved call: what a provider needs to make one, and tells how it went. Only the capacity gate makes them."""

    async def begin(self) -> None:
        """To be awaited right before the request is sent.

        Raises:
            NoCapacity: the permit lapsed meanwhile and no other was to be had in time.
            RuntimeError: it was used before.
        """
        ...

    def answered(
        self,
        *,
        processing_ms: float | None = None,
        remaining_requests: int | None = None,
        remaining_tokens: int | None = None,
        reset_ms: int | None = None,
    ) -> None:
        """The provider's answer is here.

        Args:
            processing_ms: how long the provider says it took: the call had arrived by then.
            remaining_requests, remaining_tokens: what it says is left until ``reset_ms`` have passed.
        """
        ...

    def used(self, *, input_tokens: int = 0, output_tokens: int = 0, units: int = 1) -> None:
        """What the call really used; ``units`` are what the provider bills per request, such as images."""
        ...
