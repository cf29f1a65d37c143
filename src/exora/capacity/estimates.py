"""What a call is expected to use, learned from what calls of its kind have used.

The estimator is the one that TCP uses for round trips (RFC 6298): a smoothed mean and a smoothed mean deviation, of
which the estimate is ``mean + 4 x deviation``: seldom too low, soon right, and two numbers per kind to keep. They are
kept in the database, so that a fleet learns together.
"""

from __future__ import annotations

from typing import Protocol

from exora.domain.capacity import UsageEstimate

#: How many deviations above the mean an estimate is.
_DEVIATIONS = 4
#: After so many samples an estimate is trusted.
_ENOUGH = 5


class EstimateStore(Protocol):
    """The verb the estimator needs."""

    async def observe_api_usage(
        self, provider: str, endpoint: str, kind: str, used: float | None
    ) -> UsageEstimate | None: ...


class Estimator:
    """Estimates per kind of call of one API.

    Attributes:
        reserved, used: sums over all calls learned from; their difference is what estimates wasted.
    """

    def __init__(self, store: EstimateStore, provider: str, endpoint: str) -> None:
        self._store = store
        self._api = (provider, endpoint)
        self._known: dict[str, UsageEstimate | None] = {}
        self.reserved = 0.0
        self.used = 0.0

    async def estimate(self, kind: str, default: float) -> float:
        """How much a call of this kind will use, probably less; ``default`` while too little is known."""
        if kind not in self._known:
            self._known[kind] = await self._store.observe_api_usage(*self._api, kind, None)
        known = self._known[kind]
        if known is None or known.samples < _ENOUGH:
            return default
        return known.mean + _DEVIATIONS * known.deviation

    async def learn(self, kind: str, *, reserved: float, used: float) -> None:
        """A call of this kind has used so much of what was reserved."""
        self.reserved += reserved
        self.used += used
        self._known[kind] = await self._store.observe_api_usage(*self._api, kind, used)

    @property
    def waste(self) -> float:
        """The share of what was reserved that was not used: the estimates' error as a metric, 0 to 1."""
        return 1 - self.used / self.reserved if self.reserved else 0.0
