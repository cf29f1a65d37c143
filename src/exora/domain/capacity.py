"""API capacity as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ApiCapacity:
    """How full one API is: grants of the last 60 s and open reservations beside the limits (None = unlimited).

    ``state`` is available, rate_limited, disabled or maintenance.
    """

    provider: str
    endpoint: str
    state: str
    requests: int
    requests_per_minute: int | None
    tokens: int
    tokens_per_minute: int | None
    concurrent: int
    concurrent_requests: int | None


@dataclass(frozen=True, slots=True)
class Reservation:
    """The answer to a reservation: granted, or when to come back (milliseconds) and which limit binds."""

    granted: bool
    retry_after_ms: int
    reason: str | None
