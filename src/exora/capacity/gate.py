"""The gate before every provider: reserve, call, settle; what providers say reaches the fleet from here."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

import structlog

from exora.capacity.pool import Pool, Unit
from exora.domain.capacity import ApiPrices, BlockGrant, BlockReport, Permit, ThrottleKind
from exora.errors import (
    CoordinationError,
    KeyRefused,
    NoCapacity,
    ProviderError,
    ProviderUnavailable,
    QuotaExhausted,
    RateLimited,
)
from exora.observe.calls import CallTally
from exora.observe.logs import current_job
from exora.observe.tracing import tracing
from exora.observe.usage import UsageLog

_log = structlog.get_logger("exora.capacity")

T = TypeVar("T")

#: Tries of one call whose provider fails (not: has no capacity).
_TRIES = 3
#: Two syncs of one API are at least so far apart.
_SYNC_GAP_S = 0.01
#: What a provider has left is told to the fleet when it is less than this share of the most it has said.
_NEAR_ZERO = 0.02


class CapacityStore(Protocol):
    """The verbs the gate needs."""

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
    ) -> BlockGrant: ...

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
    ) -> None: ...

    async def api_prices(self, provider: str, endpoint: str) -> ApiPrices: ...


@dataclass(frozen=True, slots=True)
class Terms:
    """How a job's calls wait.

    Attributes:
        priority: 1 (first) to 10.
        deadline: ``time.monotonic()`` by which the job must be done.
        patience_s: a call that would wait longer raises NoCapacity.
        profile: the sub-limit it belongs to; "" = none.
    """

    priority: int = 5
    deadline: float | None = None
    patience_s: float = 30.0
    profile: str = ""


#: How the calls of the job at hand wait, unless they say so themselves.
current_terms: ContextVar[Terms] = ContextVar("current_terms", default=Terms())  # noqa: B039  frozen


def price(prices: ApiPrices, input_tokens: int, output_tokens: int, units: int) -> int:
    """What a call costs by the list, in millionths of a US dollar, rounded up."""
    return math.ceil(
        prices.usd_per_request * units * 1e6
        + prices.usd_per_million_input_tokens * input_tokens
        + prices.usd_per_million_output_tokens * output_tokens
    )


class Gate:
    """Capacity for this worker's calls.

    Args:
        store: the database.
        holder: this process; unique.
        sync_s: pause between syncs while an API is in use; the fleet's reaction time.
        valid_s: units not spent within this time are void.
        lease_s: concurrency of a dead worker returns after this time.
        calls: counts what becomes of calls.
        clock: ``time.monotonic``.
        usage: is told what jobs used.
    """

    def __init__(
        self, store: CapacityStore, holder: str, *, sync_s: float = 0.25, valid_s: float = 2.0, lease_s: float = 15.0,
        calls: CallTally | None = None, usage: UsageLog | None = None, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.calls = calls or CallTally()
        self._usage = usage
        self._clock = clock
        self._store = store
        self._holder = holder
        self._sync_s = sync_s
        self._valid_s = valid_s
        self._lease_s = lease_s
        self._apis: dict[tuple[str, str, str], _Api] = {}

    @contextlib.asynccontextmanager
    async def reserve(
        self, provider: str, endpoint: str, *, tokens: int = 0, output_tokens: int = 0, units: int = 1,
        terms: Terms | None = None,
    ) -> AsyncIterator[Permit]:  # fmt: skip
        """Capacity for one call, held within the block and settled at its end.

        Args:
            provider, endpoint: a row of ``exora.api_rate_limits``.
            tokens: the most the call can use, in and out together.
            output_tokens: of those, the most that can be output; they have a price of their own.
            units: what the provider bills per request, such as images.
            terms: how long to wait, and before whom; None = as the job at hand does.

        Raises:
            NoCapacity: it would wait longer than its patience.
            NotFound: no such API.
        """
        terms = terms or current_terms.get()
        api = self._api(provider, endpoint, terms.profile)
        prices = api.prices or await api.load_prices()
        cost = price(prices, max(tokens - output_tokens, 0), output_tokens, units)
        with tracing.span("reserve", provider=provider, endpoint=endpoint):
            unit = await api.take(tokens, cost, terms)
        call = _Call(api, tokens, cost, terms, unit)
        pages = 0 if tokens else units  # what has no tokens reads pictures
        try:
            with tracing.span("api_call", provider=provider, endpoint=endpoint):
                yield call
        except ProviderError as error:
            api.calls.fail(error.code)
            call.settle(ok=not isinstance(error, ProviderUnavailable))
            await api.react(error)
            raise
        except BaseException:
            call.settle(ok=None)
            raise
        else:
            call.settle(ok=True)
        finally:
            self._note(f"{provider}/{endpoint}", call, pages)

    async def call(
        self, provider: str, endpoint: str, make: Callable[[Permit], Awaitable[T]], *, tokens: int = 0,
        output_tokens: int = 0, units: int = 1, terms: Terms | None = None,
    ) -> T:  # fmt: skip
        """Reserve, call, settle; again where that may help: after a 429 as soon as the gate opens, after a failure of
        the provider up to three times. Every try has a reservation of its own.

        Raises:
            NoCapacity: there is none within the patience, or none until a person acts.
            ProviderError: another try would not help, or did not.
        """
        terms = terms or current_terms.get()
        patient_until = self._clock() + terms.patience_s
        failures = 0
        while True:
            left = max(patient_until - self._clock(), 0.05)
            waiting = Terms(terms.priority, terms.deadline, left, terms.profile)
            try:
                async with self.reserve(
                    provider, endpoint, tokens=tokens, output_tokens=output_tokens, units=units, terms=waiting
                ) as permit:
                    return await make(permit)
            except RateLimited as error:  # the gate is closed now; the patience decides
                if self._clock() >= patient_until:
                    raise NoCapacity(
                        f"{provider}.{endpoint}:retry_after", retry_after_s=error.retry_after_s or 1.0
                    ) from error
            except (QuotaExhausted, KeyRefused) as error:
                raise NoCapacity(f"{provider}.{endpoint}:{error.code}"[:64], retry_after_s=300.0) from error
            except ProviderUnavailable:
                failures += 1
                pause_s = random.uniform(0.5, 1.5) * 0.25 * 2**failures  # noqa: S311  not for secrecy
                if failures == _TRIES or self._clock() + pause_s > patient_until:
                    raise
                await asyncio.sleep(pause_s)

    def waiting(self) -> dict[str, int]:
        """Calls that wait, by API."""
        return {api.pool.name: api.pool.waiting for api in self._apis.values()}

    async def close(self) -> None:
        """Give back what is not under way."""
        await asyncio.gather(*(api.close() for api in self._apis.values()))

    def _note(self, model: str, call: _Call, pages: int) -> None:
        """Tell what the job at hand used, if it called at all."""
        job, spent = current_job.get(), call.spent
        if self._usage is not None and job is not None and spent is not None:
            self._usage.called(job, model, pages=pages, **spent._asdict())

    def _api(self, provider: str, endpoint: str, profile: str) -> _Api:
        key = (provider, endpoint, profile)
        found = self._apis.get(key)
        if found is None:
            found = self._apis[key] = _Api(self, *key)
        return found


class _Api:
    """One API's block and the task that keeps it in step with the database; the task runs while it is in use."""

    def __init__(self, gate: Gate, provider: str, endpoint: str, profile: str) -> None:
        self.provider = provider
        self.endpoint = endpoint
        self.prices: ApiPrices | None = None
        self.calls = gate.calls.of(provider, endpoint)
        self.clock = gate._clock
        self._store = gate._store
        self._holder = gate._holder
        self._profile = profile
        self._sync_s = gate._sync_s
        self._valid_s = gate._valid_s
        self._lease_s = gate._lease_s
        self._soon = asyncio.Event()
        self.pool = Pool(f"{provider}.{endpoint}", self._soon.set, self.clock)
        self._task: asyncio.Task[None] | None = None
        self._seq = 0
        self._told_at = 0.0
        self._most_left: dict[str, int] = {}
        self._telling: set[asyncio.Task[None]] = set()

    async def load_prices(self) -> ApiPrices:
        """The price list, once; an unknown API is found out here.

        Raises:
            NotFound: no such API.
        """
        self.prices = await self._store.api_prices(self.provider, self.endpoint)
        return self.prices

    async def take(self, tokens: int, microusd: int, terms: Terms) -> Unit:
        """One unit of the block, now or when it is this call's turn."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._keep_in_step(), name=f"exora-capacity-{self.pool.name}")
        unit = self.pool.take(tokens, microusd)
        if unit is None:
            try:
                unit = await self.pool.wait(
                    tokens, microusd, priority=terms.priority, deadline=terms.deadline, patience_s=terms.patience_s
                )
            except NoCapacity as error:
                self.calls.deny(error.reason.partition(":")[2])
                raise
        self.calls.granted += 1
        return unit

    async def react(self, error: ProviderError) -> None:
        """Tell the fleet what a provider said."""
        match error:
            case RateLimited():
                milliseconds = None if error.retry_after_s is None else int(error.retry_after_s * 1000)
                self.pool.close_for(1.0 if error.retry_after_s is None else error.retry_after_s, "retry_after")
                await self._tell("throttled", retry_after_ms=milliseconds)
            case QuotaExhausted():
                self.pool.close_for(86400.0, "insufficient_quota")
                await self._tell("insufficient_quota")
            case KeyRefused():
                self.pool.close_for(86400.0, error.kind)
                await self._tell(error.kind)
            case _:
                pass
        self._soon.set()  # failures count in the next sync, and how a probe ended shall be known soon

    def left(self, requests: int | None, tokens: int | None, reset_ms: int | None) -> None:
        """What the provider says is left; worth telling when it is little, at most once a second."""
        near = False
        for kind, value in (("requests", requests), ("tokens", tokens)):
            if value is not None:
                self._most_left[kind] = max(self._most_left.get(kind, 0), value)
                near = near or value < self._most_left[kind] * _NEAR_ZERO
        now = self.clock()
        if near and now - self._told_at > 1.0:
            self._told_at = now
            telling = asyncio.create_task(
                self._tell("remaining", remaining_requests=requests, remaining_tokens=tokens, reset_ms=reset_ms)
            )
            self._telling.add(telling)
            telling.add_done_callback(self._telling.discard)

    async def close(self) -> None:
        """Stop, and give back what is not under way."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, *self._telling, return_exceptions=True)
        self.pool.give_back()
        with contextlib.suppress(CoordinationError):
            await self._sync()

    async def _tell(self, kind: ThrottleKind, **what: Any) -> None:
        try:
            await self._store.report_api_throttle(self.provider, self.endpoint, kind, **what)
        except CoordinationError as error:
            _log.warning("capacity_report_failed", api=self.pool.name, error_code=error.code)
        _log.info("provider_said", api=self.pool.name, kind=kind, retry_after_ms=what.get("retry_after_ms"))

    async def _sync(self) -> None:
        self._seq += 1
        asked_at = self.clock()
        grant = await self._store.sync_api_capacity(
            holder=self._holder,
            seq=self._seq,
            provider=self.provider,
            endpoint=self.endpoint,
            profile=self._profile,
            report=self.pool.report(),
            valid_s=self._valid_s,
            lease_s=self._lease_s,
        )
        self.pool.apply(grant, asked_at)

    async def _keep_in_step(self) -> None:
        """Sync while the API is in use; when everything is given back, end."""
        while True:
            self._soon.clear()
            try:
                await self._sync()
            except CoordinationError as error:
                # Units lapse by themselves; waiters lose patience by themselves.
                _log.warning("capacity_sync_failed", api=self.pool.name, error_code=error.code)
            if self.pool.idle and not self._soon.is_set():
                return
            await asyncio.sleep(_SYNC_GAP_S)
            if self.pool.waiting and self.pool.retry_in_s > 0:
                # Asking again before anything can have changed would only cost.
                await asyncio.sleep(min(max(self.pool.retry_in_s, 0.02), self._sync_s))
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0 if self.pool.quiet else self._sync_s):
                    await self._soon.wait()


class Spent(NamedTuple):
    """What a call used: what the provider said, or else what was reserved, and how long it took."""

    input_tokens: int
    output_tokens: int
    microusd: int
    run_s: float = 0.0


class _Call:
    """A reserved call, as providers see it (``Permit``)."""

    __slots__ = (
        "_answered_at", "_api", "_arrived_at", "_began", "_microusd", "_settled", "_terms", "_tokens", "_unit", "_used",
        "spent",
    )  # fmt: skip

    def __init__(self, api: _Api, tokens: int, microusd: int, terms: Terms, unit: Unit) -> None:
        self._api = api
        self._tokens = tokens
        self._microusd = microusd
        self._terms = terms
        self._unit: Unit | None = unit
        self._began: float | None = None
        self._answered_at: float | None = None
        self._arrived_at: float | None = None
        self._used: Spent | None = None
        self._settled = False
        #: What it used, once settled; None = it was never sent.
        self.spent: Spent | None = None

    async def begin(self) -> None:
        """See ``Permit.begin``."""
        if self._began is not None or self._settled:
            raise RuntimeError("a reservation is for one call")
        while self._unit is None or self._api.clock() >= self._unit.void_at:
            if self._unit is not None:
                unit, self._unit = self._unit, None
                self._api.pool.end(unit, arrived_at=None, tokens=0, microusd=0, ok=None)
            self._unit = await self._api.take(self._tokens, self._microusd, self._terms)
        self._began = self._api.clock()

    def answered(
        self,
        *,
        processing_ms: float | None = None,
        remaining_requests: int | None = None,
        remaining_tokens: int | None = None,
        reset_ms: int | None = None,
    ) -> None:
        """See ``Permit.answered``."""
        assert self._began is not None
        self._answered_at = self._api.clock()
        self._arrived_at = max(self._answered_at - (processing_ms or 0.0) / 1000, self._began)
        if remaining_requests is not None or remaining_tokens is not None:
            self._api.left(remaining_requests, remaining_tokens, reset_ms)

    def used(self, *, input_tokens: int = 0, output_tokens: int = 0, units: int = 1) -> None:
        """See ``Permit.used``."""
        prices = self._api.prices
        assert prices is not None
        self._used = Spent(input_tokens, output_tokens, price(prices, input_tokens, output_tokens, units))
        self._api.calls.used(input_tokens, output_tokens, self._used.microusd, self._tokens)

    def settle(self, *, ok: bool | None) -> None:
        """End it; what was never sent goes back."""
        self._settled = True
        if self._unit is None:
            return
        used, arrived_at = self._used or Spent(self._tokens, 0, self._microusd), None
        if self._began is not None:
            ended_at = self._api.clock() if self._answered_at is None else self._answered_at
            arrived_at = ended_at if self._arrived_at is None else self._arrived_at
            self._api.calls.ended(ended_at - self._began)
            self.spent = used._replace(run_s=ended_at - self._began)
        tokens = used.input_tokens + used.output_tokens
        sent = arrived_at is not None
        self._api.pool.end(
            self._unit, arrived_at=arrived_at, tokens=tokens, microusd=used.microusd, ok=ok if sent else None
        )
        self._unit = None
