"""A worker's block of one API: units it may spend, calls under way, and who waits for what."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from exora.domain.capacity import BlockGrant, BlockReport
from exora.errors import NoCapacity

#: Seconds of waiting that one step of priority is worth.
_PRIORITY_S = 5.0
#: Units are kept, and asked for ahead, for so many seconds of the present rate.
_AHEAD_S = 0.6
#: The rate is taken over no less than this.
_LEAST_INTERVAL_S = 0.25
#: Weight of the last interval in the smoothed rate.
_SMOOTHING = 0.5
#: Arrivals are told in steps of so many per second, rounded up.
_STEPS_PER_S = 20
#: Waiters whose tokens are asked for in one sync.
_ASKED_AT_ONCE = 2000


@dataclass(slots=True)
class Unit:
    """One call's capacity, taken from the block; not to be sent any more after ``void_at`` (``time.monotonic()``)."""

    tokens: int
    microusd: int
    void_at: float


@dataclass(order=True, slots=True)
class _Waiter:
    key: float
    number: int
    tokens: int = field(compare=False)
    microusd: int = field(compare=False)
    future: asyncio.Future[Unit] = field(compare=False)
    gives_up_at: float = field(compare=False)


class Pool:
    """The block of one API (and profile). Knows nothing of the database: ``report`` and ``apply`` are the two ends.

    Args:
        name: ``provider.endpoint``, for reasons.
        wake: asks for a sync soon.
        clock: ``time.monotonic``.
    """

    def __init__(self, name: str, wake: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._wake = wake
        self._clock = clock
        self._numbers = itertools.count()
        self._waiters: list[_Waiter] = []
        #: Calls that wait.
        self.waiting = 0
        # To spend.
        self._requests = 0
        self._tokens = 0
        self._microusd = 0
        self._slots = 0
        self._void_at = 0.0
        # Under way.
        self.in_flight = 0
        self._in_flight_tokens = 0
        self._in_flight_microusd = 0
        # Ended since the last report.
        self._arrived: dict[int, list[int]] = {}
        self._spent_microusd = 0
        self._succeeded = 0
        self._failed = 0
        # What to expect.
        self._closing = False
        self._taken = 0
        self._taken_tokens = 0
        self._taken_cost = 0
        self._rate = 0.0
        self._mean_tokens = 0.0
        self._mean_cost = 0.0
        self._reported_at = clock()
        self._closed_until = 0.0
        self._closed_reason: str | None = None
        self._closed_at = -math.inf
        self._applied_at = -math.inf
        self._reason: str | None = None
        self._retry_at = 0.0

    @property
    def idle(self) -> bool:
        """Nothing under way, nobody waits, nothing kept, nothing to tell."""
        return not (self.in_flight or self.waiting or self._requests or self._arrived or self._slots)

    @property
    def quiet(self) -> bool:
        """Nobody waits and nothing is there to spend: calls are under way at most."""
        return not (self.waiting or self._requests)

    @property
    def retry_in_s(self) -> float:
        """Seconds until asking again is of use; 0 = now."""
        return max(self._retry_at - self._clock(), 0.0)

    def take(self, tokens: int, microusd: int) -> Unit | None:
        """A unit at once, if nobody waits before and the block has it."""
        if self.waiting or not self._has(tokens, microusd, self._clock()):
            return None
        return self._spend(tokens, microusd)

    async def wait(
        self, tokens: int, microusd: int, *, priority: int, deadline: float | None, patience_s: float
    ) -> Unit:
        """A unit, as soon as it is this call's turn.

        Args:
            priority: 1 (first) to 10; one step is worth five seconds of waiting, so nobody starves.
            deadline: ``time.monotonic()`` by which the job must be done; a near one goes first.
            patience_s: wait no longer.

        Raises:
            NoCapacity: it would take longer than that.
        """
        now = self._clock()
        self._refuse_if_closed(patience_s, now)
        key = now + (priority - 1) * _PRIORITY_S
        if deadline is not None:
            key = min(key, deadline - _PRIORITY_S)
        waiter = _Waiter(
            key, next(self._numbers), tokens, microusd, asyncio.get_running_loop().create_future(), now + patience_s
        )
        heapq.heappush(self._waiters, waiter)
        self.waiting += 1
        self._wake()
        try:
            async with asyncio.timeout(patience_s):
                return await waiter.future
        except TimeoutError:
            self._drop(waiter)
            raise NoCapacity(self._why(), retry_after_s=max(self.retry_in_s, 1.0)) from None
        except BaseException:
            self._drop(waiter)
            raise

    def end(self, unit: Unit, *, arrived_at: float | None, tokens: int, microusd: int, ok: bool | None) -> None:
        """A call has ended.

        Args:
            unit: what it had taken.
            arrived_at: when it had reached the provider at the latest; None: it was never sent.
            tokens, microusd: what it really used.
            ok: whether the provider did its part; None says nothing about it.
        """
        self._leave(unit)
        if arrived_at is None:
            if unit.void_at > self._clock() and self._void_at >= unit.void_at:
                self._requests += 1
                self._tokens += unit.tokens
                self._microusd += unit.microusd
        else:
            step = math.ceil(arrived_at * _STEPS_PER_S)
            sums = self._arrived.setdefault(step, [0, 0])
            sums[0] += 1
            sums[1] += tokens
            self._spent_microusd += microusd
            if ok is not None:
                self._succeeded += ok
                self._failed += not ok
        if self._waiters:
            self._serve()

    def close_for(self, seconds: float, reason: str) -> None:
        """The provider said so just now; the database is told beside."""
        now = self._clock()
        if now + seconds > self._closed_until:
            self._closed_until, self._closed_reason = now + seconds, reason
        self._closed_at = now
        self._void_at = 0.0
        self._refuse_the_impatient(now)

    def report(self) -> BlockReport:
        """What to tell the database now. What ended is told once; ``forget`` is not needed."""
        now = self._clock()
        self._learn(now)
        if now >= self._void_at:
            self._requests, self._tokens, self._microusd = 0, 0, 0
        while self._waiters and self._waiters[0].future.done():
            heapq.heappop(self._waiters)
        asked = self._asked()
        scarce = self._reason is not None
        ahead = 0 if scarce or self._closing else math.ceil(self._rate * _AHEAD_S)
        self._requests = min(self._requests, len(asked) + ahead)
        ahead_tokens = math.ceil(ahead * self._mean_tokens)
        asked_tokens = sum(waiter.tokens for waiter in asked)
        self._tokens = min(self._tokens, asked_tokens + ahead_tokens)
        asked_cost = sum(waiter.microusd for waiter in asked) + math.ceil(ahead * self._mean_cost)
        self._microusd = min(self._microusd, asked_cost)
        head = self._waiters[0] if self._waiters else None
        arrived, self._arrived = self._arrived, {}
        spent, self._spent_microusd = self._spent_microusd, 0
        succeeded, failed = self._succeeded, self._failed
        self._succeeded = self._failed = 0
        return BlockReport(
            requests=self.in_flight + self._requests,
            tokens=self._in_flight_tokens + self._tokens,
            cost_usd=(self._in_flight_microusd + self._microusd) / 1e6,
            in_flight=self.in_flight,
            want_requests=max(len(asked) + ahead - self._requests, 0),
            want_tokens=max(asked_tokens + ahead_tokens - self._tokens, 0),
            want_cost_usd=max(asked_cost - self._microusd, 0) / 1e6,
            want_slots=self.in_flight + len(asked) + ahead,
            least_tokens=max(head.tokens - self._tokens, 0) if head else 0,
            waiting=self.waiting,
            urgency=now - head.key + 1000 if head else 0.0,
            ages_ms=[max(int((now - step / _STEPS_PER_S) * 1000), 0) for step in arrived],
            used_requests=[sums[0] for sums in arrived.values()],
            used_tokens=[sums[1] for sums in arrived.values()],
            used_cost_usd=spent / 1e6,
            succeeded=succeeded,
            failed=failed,
        )

    def apply(self, grant: BlockGrant, asked_at: float) -> None:
        """Take what the database granted.

        Args:
            grant: the answer.
            asked_at: ``time.monotonic()`` before the call: the units' validity counts from there.
        """
        now = self._clock()
        if now >= self._void_at:
            self._requests, self._tokens, self._microusd = 0, 0, 0
        self._requests += grant.requests
        self._tokens += grant.tokens
        self._microusd += round(grant.cost_usd * 1e6)
        self._slots = grant.slots
        self._void_at = asked_at + grant.valid_ms / 1000
        self._reason = grant.reason
        self._retry_at = now + (grant.retry_after_ms or 0) / 1000 if grant.reason else 0.0
        self._applied_at = now
        if grant.closed_ms is not None:
            self._closed_until, self._closed_reason = now + grant.closed_ms / 1000, grant.reason
            self._refuse_the_impatient(now)
        elif self._closed_at < asked_at:  # else the database did not know yet
            self._closed_until = 0.0
            self._serve()
            self._refuse_impossible()

    def give_back(self) -> None:
        """Keep nothing: the next report returns all that is not under way."""
        self._requests, self._tokens, self._microusd, self._void_at = 0, 0, 0, 0.0
        self._closing = True

    def _has(self, tokens: int, microusd: int, now: float) -> bool:
        return (
            self._requests > 0
            and self._tokens >= tokens
            and self.in_flight < self._slots
            and now < self._void_at
            and now >= self._closed_until
            and self._microusd >= microusd
        )

    def _spend(self, tokens: int, microusd: int) -> Unit:
        self._requests -= 1
        self._tokens -= tokens
        self._microusd -= microusd
        self.in_flight += 1
        self._in_flight_tokens += tokens
        self._in_flight_microusd += microusd
        self._taken += 1
        self._taken_tokens += tokens
        self._taken_cost += microusd
        return Unit(tokens, microusd, self._void_at)

    def _leave(self, unit: Unit) -> None:
        self.in_flight -= 1
        self._in_flight_tokens -= unit.tokens
        self._in_flight_microusd -= unit.microusd

    def _serve(self) -> None:
        """Hand units to those who wait, in their order; a large one at the head is not overtaken."""
        now = self._clock()
        while self._waiters:
            head = self._waiters[0]
            if head.future.done():
                heapq.heappop(self._waiters)
                continue
            if not self._has(head.tokens, head.microusd, now):
                if self._requests == 0 or self._tokens < head.tokens:
                    self._wake()
                return
            heapq.heappop(self._waiters)
            self.waiting -= 1
            head.future.set_result(self._spend(head.tokens, head.microusd))

    def _drop(self, waiter: _Waiter) -> None:
        """A waiter gave up; a unit that reached it in the same moment goes back."""
        if waiter.future.done() and not waiter.future.cancelled():
            if waiter.future.exception() is None:
                self.end(waiter.future.result(), arrived_at=None, tokens=0, microusd=0, ok=None)
            return
        waiter.future.cancel()
        self.waiting -= 1

    def _refuse(self, waiter: _Waiter, retry_after_s: float) -> None:
        self.waiting -= 1
        waiter.future.set_exception(NoCapacity(self._why(), retry_after_s=retry_after_s))

    def _asked(self) -> list[_Waiter]:
        if len(self._waiters) > _ASKED_AT_ONCE:
            return heapq.nsmallest(_ASKED_AT_ONCE, self._waiters)
        return [waiter for waiter in self._waiters if not waiter.future.done()]

    def _learn(self, now: float) -> None:
        """Smooth the rate at which units are taken."""
        passed = now - self._reported_at
        if passed < 0.005:
            return
        over = max(passed, _LEAST_INTERVAL_S)  # a burst is not a rate
        self._reported_at = now
        weight = 1 - (1 - _SMOOTHING) ** min(passed / 0.1, 10)
        self._rate += (self._taken / over - self._rate) * weight
        if self._rate < 0.5 and not self._taken:
            self._rate = 0.0
        if self._taken:
            self._mean_tokens += (self._taken_tokens / self._taken - self._mean_tokens) * weight
            self._mean_cost += (self._taken_cost / self._taken - self._mean_cost) * weight
        self._taken = self._taken_tokens = 0
        self._taken_cost = 0

    def _why(self) -> str:
        now = self._clock()
        reason = self._closed_reason if now < self._closed_until else self._reason
        return f"{self.name}:{reason or 'waited_too_long'}"[:64]

    def _refuse_if_closed(self, patience_s: float, now: float) -> None:
        """At once, if that is known freshly; else the next sync says."""
        if self._closed_until > now + patience_s and now - max(self._applied_at, self._closed_at) < 1.0:
            raise NoCapacity(self._why(), retry_after_s=self._closed_until - now)

    def _refuse_the_impatient(self, now: float) -> None:
        """Who would wait in vain need not wait."""
        for waiter in self._waiters:
            if not waiter.future.done() and waiter.gives_up_at < self._closed_until:
                self._refuse(waiter, self._closed_until - now)

    def _refuse_impossible(self) -> None:
        """A call above the limit itself never gets its turn, and would block the others'."""
        if self._reason == "tokens_over_limit" and self._waiters and not self._waiters[0].future.done():
            self._refuse(heapq.heappop(self._waiters), 3600.0)
