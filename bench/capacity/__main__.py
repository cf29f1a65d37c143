"""``python -m bench.capacity [--full]``: writes build/capacity.json and prints the table."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

from bench.capacity.agent import API
from bench.capacity.fleet import CountingServer, Fleet, figures
from bench.server import running
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


async def until(true: Callable[[], bool]) -> None:
    """Wait."""
    while not true():  # noqa: ASYNC110  the provider's counts send no signals
        await asyncio.sleep(0.01)


async def sweeping(coordinator: WireCoordinator) -> None:
    """Sweep as workers do."""
    while True:
        await coordinator.sweep()
        await asyncio.sleep(1)


async def overloaded(server: Any, name: str, seconds: float, *, storm: bool, kills: int) -> dict[str, Any]:
    """One run at three times the limits, with workers killed, and a storm of 429s in the middle if wanted."""
    dsn, coordinator, transport = await fresh(server, name, LIMITS)
    provider = CountingServer(LIMITS, latency_s=LATENCY_S)
    sweeper = asyncio.create_task(sweeping(coordinator))
    assert LIMITS.requests_per_minute is not None
    rate = LIMITS.requests_per_minute / 60 * OVERLOAD
    found: dict[str, Any] = {}
    async with provider.serve() as url:
        fleet = Fleet(dsn, url, rate=rate, size=WORKERS, seconds=seconds, lease_s=LEASE_S, overload=OVERLOAD)
        began = time.monotonic()
        try:
            await fleet.start()
            moments = [began + seconds * (place + 1) / (kills + 1) for place in range(kills)]
            storm_at = began + seconds / 2 if storm else None
            while time.monotonic() < began + seconds:
                now = time.monotonic()
                if moments and now >= moments[0]:
                    moments.pop(0)
                    found.setdefault("killed_at", []).append(now - began)
                    await fleet.kill()
                if storm_at is not None and now >= storm_at:
                    found["storm_at"], storm_at = now - began, None
                    await _storm(provider, found, began)
                await asyncio.sleep(0.05)
            await fleet.end()
        finally:
            fleet.stop()
            sweeper.cancel()
    await transport.close()
    return found | _judge(provider, began, seconds, found.get("killed_at", []))


async def _storm(provider: CountingServer, found: dict[str, Any], began: float) -> None:
    """One 429 with Retry-After, after which nobody may call; what comes nevertheless is counted by the caller."""
    before = len(provider.meter.arrivals)
    provider.storm = throttled(STORM_S)
    await until(lambda: len(provider.meter.arrivals) > before)
    found["throttled_at"] = provider.meter.arrivals[before][0] - began
    await asyncio.sleep(STORM_S - 0.5)
    provider.storm = None


def _judge(provider: CountingServer, began: float, seconds: float, killed_at: list[float]) -> dict[str, Any]:
    """The figures of a run, by the provider's own count."""
    assert LIMITS.requests_per_minute is not None
    arrivals = [(at - began, admitted) for at, admitted in provider.meter.arrivals]
    steady = [at for at, admitted in arrivals if admitted and 60 <= at < seconds]
    # A worker that has just started catches up within ten seconds.
    spans = itertools.pairwise([60.0, *(at for at in killed_at if at > 60), seconds])
    shares = [provider.fairness(began + start + 10, began + end) for start, end in spans if end - start > 20]
    return {
        "calls": len(arrivals),
        "violations": sum(provider.meter.violations.values()),
        "violations_by_limit": provider.meter.violations,
        "most_at_once": provider.meter.most_at_once,
        "utilisation": len(steady) / (LIMITS.requests_per_minute * (seconds - 60) / 60),
        "server_429_share": sum(not admitted for _, admitted in arrivals) / max(len(arrivals), 1),
        "fairness": min(shares),
        "arrivals": arrivals,
    }


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
            await until(lambda: provider.meter.at_once == 8)
            holder.stop()
            died = time.monotonic()
            await heir.start()
            await until(lambda: provider.meter.at_once == 0)
            await until(lambda: provider.meter.at_once == 8)
            took = time.monotonic() - died
        finally:
            holder.stop()
            heir.stop()
    assert provider.meter.violations["concurrent"] == 0
    await transport.close()
    return took


async def main(full: bool, folder: Path) -> None:
    """Measure, and write what was found into a folder."""
    with running("embedded") as server:
        free = Limits()
        dsn, _, transport = await fresh(server, "capacity_free", free)
        seconds = 20 if full else 5
        overhead = (await figures("overhead", dsn, 1, seconds))[0]
        blocks = sum(found["done"] for found in await figures("block", dsn, 4, seconds)) / seconds
        singles = sum(found["done"] for found in await figures("single", dsn, 2, seconds)) / seconds
        await transport.close()
        print(
            f"reservations/s: {blocks:,.0f} in blocks, {singles:,.0f} singly; gate p50 {overhead['p50_ms']:.4f} ms",
            flush=True,
        )
        recovered = await recovery(server)
        print(f"recovery: {recovered:.1f} s with a lease of {LEASE_S:g} s", flush=True)
        runs = []
        for number in range(3 if full else 1):
            run = await overloaded(
                server, f"capacity_{number}", 300 if full else 150, storm=False, kills=3 if full else 1
            )
            runs.append(run)
            print({name: value for name, value in run.items() if name != "arrivals"}, flush=True)
        stormy = await overloaded(server, "capacity_storm", 600 if full else 180, storm=True, kills=1)
        print({name: value for name, value in stormy.items() if name != "arrivals"}, flush=True)
    inside = [at for at, _ in stormy["arrivals"] if stormy["throttled_at"] + 1 < at < stormy["throttled_at"] + STORM_S]
    result = {
        "violations": sum(run["violations"] for run in runs),
        "utilisation": min(run["utilisation"] for run in runs),
        "server_429_share": max(run["server_429_share"] for run in runs),
        "reservations_per_s_block": blocks,
        "reservations_per_s_single": singles,
        "gate_overhead_p50_ms": overhead["p50_ms"],
        "gate_overhead_p99_ms": overhead["p99_ms"],
        "fairness": min(run["fairness"] for run in runs),
        "recovery_s": recovered,
        "lease_s": LEASE_S,
        "calls_after_throttle": len(inside),
        "full": full,
        "limits": {
            "requests_per_minute": LIMITS.requests_per_minute,
            "concurrent": LIMITS.concurrent,
            "offered": OVERLOAD,
        },
        "plot": {
            "admitted_per_s": [
                sum(admitted and second <= at < second + 1 for at, admitted in stormy["arrivals"])
                for second in range(int(stormy["arrivals"][-1][0]))
            ],
            "throttled_at": stormy["throttled_at"],
            "storm_s": STORM_S,
            "killed_at": stormy["killed_at"],
        },
        "runs": [{name: value for name, value in run.items() if name != "arrivals"} for run in [*runs, stormy]],
    }
    (folder / "capacity.json").write_text(json.dumps(result, indent=2))
    for name, value in result.items():
        if isinstance(value, int | float):
            print(f"{name:28} {value:,.4g}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true", help="three runs of five minutes and one of ten")
    build = Path("build")
    build.mkdir(exist_ok=True)
    uvloop.run(main(parser.parse_args().full, build))
