"""The workloads: each measures one system once, on a fresh database."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from statistics import median, quantiles

import asyncpg

from bench.backlog import make_history, make_pending
from bench.processes import NotOffered
from bench.stage import Place

_IO_S = 0.05
_IO_SLOTS = 50
_RUNNING = 5_000
_BEATS = 10
_PACE_S = 0.02
_WARM_UP = 10
#: Rounds whose median stands for the end of a series; one round lasts a fraction of a second.
_LAST_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement: the figure, and others that explain it."""

    value: float
    detail: dict[str, float | list[float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Workload:
    """One workload.

    Attributes:
        measure: does it once.
        unit: of its figure.
        more_is_better: which way it is good.
        heavy: takes long, so the limit is measured at every third system only.
        costly: takes so long that a quick run does it for a few systems only.
        says: what it is, in a line.
    """

    measure: Callable[[Place], Awaitable[Sample]]
    unit: str
    more_is_better: bool
    heavy: bool
    says: str
    costly: bool = False


async def _singles(place: Place, *, coalesced: bool) -> Sample:
    sizes = place.stage.sizes
    count = sizes.jobs(place.entry.singles)
    if coalesced and place.entry.name != "limit":
        count *= 6
    async with place.producer() as producer:
        answer = await producer.ask("enqueue", count=count, callers=sizes.callers, coalesced=coalesced)
    return Sample(count / answer["seconds"])


async def enqueue_one(place: Place) -> Sample:
    """Single enqueues, a transaction each."""
    return await _singles(place, coalesced=False)


async def enqueue_coalesced(place: Place) -> Sample:
    """Single enqueues that the client gathers."""
    return await _singles(place, coalesced=True)


async def enqueue_bulk(place: Place) -> Sample:
    """Bulk enqueue."""
    count = place.stage.sizes.jobs(place.entry.bulk, cap=400_000)
    async with place.producer() as producer:
        answer = await producer.ask("bulk", count=count)
    return Sample(count / answer["seconds"])


async def _drain(place: Place, workers: int) -> Sample:
    count = place.stage.sizes.jobs(place.entry.drain)
    await place.fill(count)
    drained = await place.drain(count, workers)
    return Sample(drained.rate, {"jobs": count})


async def drain_1(place: Place) -> Sample:
    """One worker process drains no-op jobs."""
    return await _drain(place, 1)


async def drain_2(place: Place) -> Sample:
    """Two worker processes do."""
    return await _drain(place, 2)


async def pickup(place: Place) -> Sample:
    """Latency of an idle worker."""
    count = place.stage.sizes.paced + _WARM_UP
    async with contextlib.AsyncExitStack() as stack:
        agents = await place.workers(stack, 1)
        producer = await stack.enter_async_context(place.producer())
        await place.start(agents, "latency", keep_starts=True)
        await asyncio.sleep(1.5)  # until it is connected, listening and idle
        paced = await producer.ask("pace", count=count, interval_s=_PACE_S)
        await place.until(agents, "count", count)
        starts = (await agents[0].ask("starts"))["starts"]
    calls = [(start - call) / 1e6 for start, call in zip(starts, paced["calls"], strict=True)][_WARM_UP:]
    returns = [(start - end) / 1e6 for start, end in zip(starts, paced["returns"], strict=True)][_WARM_UP:]
    percentiles = quantiles(calls, n=100, method="inclusive")
    detail = {"p95": percentiles[94], "p99": percentiles[98], "p50_after_commit": median(returns)}
    return Sample(median(calls), {key: round(value, 3) for key, value in detail.items()})


async def drain_1m_pending(place: Place) -> Sample:
    """The first jobs of a long queue, beside the same number of jobs alone."""
    backlog = place.stage.sizes.backlog
    count = min(backlog // 2, place.stage.sizes.jobs(place.entry.drain))
    await place.fill(count)
    small = await place.drain_part(count - count // 20)
    async with place.stage.database(place.entry) as large:
        await make_pending(large, backlog)
        rate = await large.drain_part(count - count // 20)
    return Sample(rate, {"small": round(small), "ratio_to_small": round(rate / small, 3)})


async def drain_1m_finished(place: Place) -> Sample:
    """A short queue beside a long history."""
    if place.entry.name != "limit" and not place.description["keeps_history"]:
        raise NotOffered("it deletes finished jobs")
    count = place.stage.sizes.jobs(place.entry.drain)
    await place.fill(count)
    small = await place.drain(count)
    if not place.description["keeps_history"]:
        return Sample(small.rate)
    async with place.stage.database(place.entry) as large:
        await make_history(large, place.stage.sizes.backlog)
        await large.fill(count)
        drained = await large.drain(count)
    return Sample(drained.rate, {"small": round(small.rate), "ratio_to_small": round(drained.rate / small.rate, 3)})


@contextlib.asynccontextmanager
async def _snapshot(place: Place) -> AsyncIterator[None]:
    """Another connection's REPEATABLE READ snapshot: it writes nothing, hence has no transaction id."""
    connection = await asyncpg.connect(place.url)
    try:
        await connection.execute("begin isolation level repeatable read read only")
        await connection.fetchval("select count(*) from pg_class")
        yield
    finally:
        connection.terminate()


async def drain_xmin_held(place: Place) -> Sample:
    """Rounds of filling and draining while a snapshot is held, each beside one without."""
    sizes = place.stage.sizes
    count = min(sizes.round_jobs, sizes.jobs(place.entry.drain))
    held: list[float] = []
    free: list[float] = []
    # The horizon is one database's own: the other, without a snapshot, is vacuumed as ever.
    async with place.stage.database(place.entry) as behind, _snapshot(behind):
        for _ in range(sizes.rounds):
            for where, rates in ((behind, held), (place, free)):
                await where.fill(count)
                rates.append((await where.drain(count)).rate)
    end, free_end = median(held[-_LAST_ROUNDS:]), median(free[-_LAST_ROUNDS:])
    detail: dict[str, float | list[float]] = {
        "held_to_free": round(end / free_end, 3),
        "last_to_first": round(end / median(held[:_LAST_ROUNDS]), 3),
        "jobs": sizes.rounds * count,
        "held": [round(rate) for rate in held],
        "free": [round(rate) for rate in free],
    }
    return Sample(end, detail)


async def io_bound(place: Place) -> Sample:
    """Jobs of 50 ms, 50 at once."""
    count = min(place.stage.sizes.io_jobs, place.stage.sizes.jobs(place.entry.drain))
    await place.fill(count)
    async with contextlib.AsyncExitStack() as stack:
        agents = await place.workers(stack, 1)
        await place.start(agents, "io", sleep_s=_IO_S)
        (progress,) = await place.until(agents, "count", count)
    seconds = (progress["last_ns"] - progress["first_ns"]) / 1e9
    return Sample(count * _IO_S / _IO_SLOTS / seconds, {"most_at_once": progress["most"]})


async def heartbeat(place: Place) -> Sample:
    """Server time to renew 5,000 running jobs once."""
    server, name = place.stage.server, place.name
    async with place.producer() as producer:
        await producer.ask("bulk", count=_RUNNING)
        await producer.ask("hold", count=_RUNNING)
        spent = []
        for times in (0, 0, _BEATS):  # the second tells what connecting costs
            await producer.ask("beat", times=times)
            await server.leave(name)
            spent.append(await server.active_ms(name))
    return Sample(((spent[2] - spent[1]) - (spent[1] - spent[0])) / _BEATS)


async def worker_rss(place: Place) -> Sample:
    """Memory of a worker after a drain."""
    count = min(20_000, place.stage.sizes.jobs(place.entry.drain))
    await place.fill(count)
    drained = await place.drain(count)
    return Sample(drained.rss_mib, {"peak": round(drained.peak_rss_mib, 1)})


WORKLOADS = {
    "enqueue_one": Workload(enqueue_one, "jobs/s", True, False, "single enqueues, a transaction each"),
    "enqueue_coalesced": Workload(
        enqueue_coalesced, "jobs/s", True, False, "single enqueues gathered by the client (limit: a transaction each)"
    ),
    "enqueue_bulk": Workload(enqueue_bulk, "jobs/s", True, False, "bulk enqueue, the fastest call offered"),
    "drain_1": Workload(drain_1, "jobs/s", True, False, "no-op jobs, 1 worker process, first start to last done"),
    "drain_2": Workload(drain_2, "jobs/s", True, False, "the same with 2 worker processes"),
    "pickup": Workload(pickup, "ms", False, True, "idle worker, p50 from the enqueue call to the job's start"),
    "io_bound": Workload(io_bound, "of ideal", True, True, "jobs of 50 ms, 50 at once"),
    "heartbeat": Workload(heartbeat, "ms", False, True, "server time to renew 5,000 running jobs"),
    "worker_rss": Workload(worker_rss, "MiB", False, True, "memory of a worker after a drain"),
    # The costly ones last: a quick run whose time is over lacks these.
    "drain_1m_pending": Workload(drain_1m_pending, "jobs/s", True, True, "first jobs of a long queue", costly=True),
    "drain_1m_finished": Workload(
        drain_1m_finished, "jobs/s", True, True, "short queue beside a long history", costly=True
    ),
    "drain_xmin_held": Workload(
        drain_xmin_held, "jobs/s", True, True, "last rounds of a series while a snapshot is held open", costly=True
    ),
}
