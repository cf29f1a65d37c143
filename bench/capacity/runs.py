"""The benchmark's runs: a fleet at three times a provider's limits, workers killed, a 429 in the middle."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from bench.capacity.agent import API
from bench.capacity.fleet import CountingServer, Fleet
from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.sql.migrate import migrate
from exora.testing.providers.limits import Limits
from exora.testing.providers.scripted import throttled

LIMITS = Limits(requests_per_minute=600, tokens_per_minute=None, concurrent=20)
#: Offered in multiples of the limit.
OVERLOAD = 3
LATENCY_S = 0.4
LEASE_S = 15.0
WORKERS = 4
STORM_S = 20.0
#: The first window is filled evenly and not judged.
_WINDOW_S = 60.0
#: A worker that has just started catches up within ten seconds; shares over less than twenty say little.
_CATCH_UP_S, _LEAST_SPAN_S = 10.0, 20.0


@dataclass
class Run:
    """What a run was like, by the provider's own count; times in seconds since its start.

    Attributes:
        arrivals: when each call arrived, and whether the provider was within its limits then.
        violations: calls that were not.
        utilisation: of the limit, after the first window.
        fairness: Jain's index over the workers, the least between two kills.
    """

    seconds: float
    arrivals: list[tuple[float, bool]] = field(default_factory=list)
    killed_at: list[float] = field(default_factory=list)
    throttled_at: float = 0.0
    violations: int = 0
    violations_by_limit: dict[str, int] = field(default_factory=dict)
    most_at_once: int = 0
    fairness: float = 0.0

    @property
    def utilisation(self) -> float:
        """Calls within the limit, as a share of what it allows."""
        assert LIMITS.requests_per_minute is not None
        steady = sum(admitted for at, admitted in self.arrivals if _WINDOW_S <= at < self.seconds)
        return steady / (LIMITS.requests_per_minute * (self.seconds - _WINDOW_S) / 60)

    @property
    def server_429_share(self) -> float:
        """Calls that the provider refused since they were over its limits."""
        return sum(not admitted for _, admitted in self.arrivals) / max(len(self.arrivals), 1)

    def calls_within(self, start: float, end: float) -> int:
        """How many calls arrived in a span."""
        return sum(start < at < end for at, _ in self.arrivals)

    def summary(self) -> dict[str, Any]:
        """The figures without the arrivals."""
        return {
            "seconds": self.seconds,
            "calls": len(self.arrivals),
            "violations": self.violations,
            "violations_by_limit": self.violations_by_limit,
            "most_at_once": self.most_at_once,
            "utilisation": self.utilisation,
            "server_429_share": self.server_429_share,
            "fairness": self.fairness,
            "killed_at": self.killed_at,
            "throttled_at": self.throttled_at,
        }


async def fresh(server: Any, name: str, limits: Limits) -> tuple[str, WireCoordinator, PostgresTransport]:
    """A migrated database with the limits set."""
    dsn = await server.create(name)
    connection = await asyncpg.connect(dsn)
    await migrate(connection)
    await connection.close()
    transport = PostgresTransport(dsn)
    coordinator = WireCoordinator(transport)
    await coordinator.set_api_limits(
        *API,
        {
            "requests_per_minute": limits.requests_per_minute,
            "tokens_per_minute": limits.tokens_per_minute,
            "concurrent_requests": limits.concurrent,
        },
    )
    return dsn, coordinator, transport


async def overloaded(
    server: Any, name: str, seconds: float, *, kill_at: Sequence[float], storm_at: float | None = None
) -> Run:
    """One run at three times the limits.

    Args:
        server: makes the database.
        name: of the database.
        seconds: how long.
        kill_at: when a worker is killed and another started.
        storm_at: when every call is answered 429 with Retry-After for ``STORM_S``.
    """
    dsn, coordinator, transport = await fresh(server, name, LIMITS)
    provider = CountingServer(LIMITS, latency_s=LATENCY_S)
    assert LIMITS.requests_per_minute is not None
    rate = LIMITS.requests_per_minute / 60 * OVERLOAD
    run = Run(seconds)
    sweeper = asyncio.create_task(_sweeping(coordinator))
    async with provider.serve() as url:
        fleet = Fleet(dsn, url, rate=rate, size=WORKERS, seconds=seconds, lease_s=LEASE_S, overload=OVERLOAD)
        began = time.monotonic()
        try:
            await fleet.start()
            events = [(moment, False) for moment in kill_at] + ([(storm_at, True)] if storm_at is not None else [])
            for moment, stormy in sorted(events):
                await asyncio.sleep(max(began + moment - time.monotonic(), 0))
                if stormy:
                    run.throttled_at = await _storm(provider) - began
                else:
                    run.killed_at.append(time.monotonic() - began)
                    await fleet.kill()
            await fleet.end()
        finally:
            fleet.stop()
            sweeper.cancel()
    await transport.close()
    _judge(run, provider, began)
    return run


async def recovery(server: Any) -> float:
    """Seconds from a worker's death with every slot in its hands until others have all of them."""
    limits = Limits(concurrent=8)
    dsn, _, transport = await fresh(server, "capacity_recovery", limits)
    provider = CountingServer(limits, latency_s=3600)
    async with provider.serve() as url:
        holder = Fleet(dsn, url, rate=20, size=1, seconds=600, lease_s=LEASE_S, patience_s=300)
        heir = Fleet(dsn, url, rate=20, size=1, seconds=600, lease_s=LEASE_S, patience_s=300)
        try:
            await holder.start()
            await _until(lambda: provider.meter.at_once == limits.concurrent)
            holder.stop()
            died = time.monotonic()
            await heir.start()
            await _until(lambda: provider.meter.at_once == 0)
            await _until(lambda: provider.meter.at_once == limits.concurrent)
            took = time.monotonic() - died
        finally:
            holder.stop()
            heir.stop()
    assert provider.meter.violations["concurrent"] == 0
    await transport.close()
    return took


async def _until(true: Callable[[], bool]) -> None:
    """Wait, but not for ever."""
    async with asyncio.timeout(120):
        while not true():  # noqa: ASYNC110  the provider's counts send no signals
            await asyncio.sleep(0.01)


async def _sweeping(coordinator: WireCoordinator) -> None:
    """Sweep as workers do."""
    while True:
        await coordinator.sweep()
        await asyncio.sleep(1)


async def _storm(provider: CountingServer) -> float:
    """A 429 with Retry-After, after which nobody may call; answers when the first call met it."""
    before = len(provider.meter.arrivals)
    provider.storm = throttled(STORM_S)
    await _until(lambda: len(provider.meter.arrivals) > before)
    at = provider.meter.arrivals[before][0]
    await asyncio.sleep(STORM_S - 0.5)
    provider.storm = None
    return at


def _judge(run: Run, provider: CountingServer, began: float) -> None:
    """The figures of a run, by the provider's own count."""
    meter = provider.meter
    run.arrivals = [(at - began, admitted) for at, admitted in meter.arrivals]
    run.violations_by_limit = dict(meter.violations)
    run.violations = sum(meter.violations.values())
    run.most_at_once = meter.most_at_once
    marks = [_WINDOW_S, *(at for at in run.killed_at if at > _WINDOW_S), run.seconds]
    run.fairness = min(
        provider.fairness(began + start + _CATCH_UP_S, began + end)
        for start, end in itertools.pairwise(marks)
        if end - start > _LEAST_SPAN_S
    )
