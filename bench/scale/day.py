"""A day of traffic in minutes: fifty claim loops over the real functions, one limited API whose latency is simulated.

The loops claim, reserve, wait as long as the API would take, and settle, as a worker does; pages are not read. An hour
of the day takes ``_HOUR_S``; the limits of the API and the order of jobs keep real time.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import statistics
import time
from bisect import bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from bench.server import Server, load
from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.domain.capacity import Need
from exora.domain.job import EnqueueRequest
from exora.domain.outcome import DONE, Settlement
from exora.sql.migrate import migrate

WORKERS = 50
SLOTS = 4
RPM = 240
_HOUR_S = 20.0
_API = ("openai", "gpt-4o-mini")
_LATENCY_S = 1.5
_TYPE, _LANE = "report_generation", "report_generation"
#: Share of the limit that arrives in each hour: a quiet night, a morning above the limit, an afternoon at it.
CURVE = (
    0.1,
    0.1,
    0.1,
    0.1,
    0.1,
    0.2,
    0.4,
    0.8,
    1.4,
    1.8,
    1.6,
    1.2,
    0.8,
    0.9,
    1.1,
    1.0,
    0.9,
    0.7,
    0.5,
    0.4,
    0.3,
    0.2,
    0.1,
    0.1,
)
_LIGHT = 40
_HEAVY = UUID(int=1)
#: What the heavy patient uploads at once, when the morning begins.
_UPLOAD = 300
#: So many waiting jobs are no queue.
_FEW = 5
_PRIORITIES = (1, 3, 5, 5, 5, 7, 10)


@dataclass
class Seen:
    """What happened: when each job was asked for and whose it was, how long it waited, calls granted, jobs done."""

    asked: dict[UUID, tuple[float, UUID, int]] = field(default_factory=dict)
    waits: dict[UUID, float] = field(default_factory=dict)  # until its call was granted
    granted: list[float] = field(default_factory=list)
    denied: int = 0
    done: list[tuple[float, UUID]] = field(default_factory=list)
    depth: list[tuple[float, int, int]] = field(default_factory=list)


class Day:
    """One run.

    Args:
        dsn: a migrated database.
        seconds: how long there is work after the last arrival, at most.
    """

    def __init__(self, dsn: str, seconds: float = 120.0) -> None:
        self._transport = PostgresTransport(dsn, max_connections=20)
        self._coordinator = WireCoordinator(self._transport)
        self._patience_s = seconds
        self._dice = random.Random(8)  # noqa: S311
        self._began = time.monotonic()
        self.seen = Seen()

    async def run(self) -> None:
        """Live through the day."""
        limits = {"requests_per_minute": RPM, "tokens_per_minute": None, "concurrent_requests": 50}
        await self._coordinator.set_api_limits(*_API, limits)
        await self._coordinator.declare_needs([_TYPE], [Need(*_API)])
        loops = [asyncio.create_task(self._worker(f"worker-{number}")) for number in range(WORKERS)]
        loops.append(asyncio.create_task(self._look()))
        await self._arrivals()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience_s):
                while len(self.seen.done) < len(self.seen.asked):  # noqa: ASYNC110  what is done sends no signal
                    await asyncio.sleep(0.2)
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await self._transport.close()

    def _now(self) -> float:
        return time.monotonic() - self._began

    async def _arrivals(self) -> None:
        patients = [UUID(int=100 + number) for number in range(_LIGHT)]
        uploaded = False
        while (now := self._now()) < _HOUR_S * 24:
            rate = RPM / 60 * CURVE[int(now / _HOUR_S)]
            asked = [
                (self._dice.choice(patients), self._dice.choice(_PRIORITIES)) for _ in range(_poisson(self._dice, rate))
            ]
            if not uploaded and now >= _HOUR_S * 8:
                asked, uploaded = asked + [(_HEAVY, 5)] * _UPLOAD, True
            if asked:
                requests = [
                    EnqueueRequest(_TYPE, {"patient_id": str(patient)}, priority=priority)
                    for patient, priority in asked
                ]
                for answer, (patient, priority) in zip(await self._coordinator.enqueue(requests), asked, strict=True):
                    self.seen.asked[answer.job_id] = (now, patient, priority)
            await asyncio.sleep(max(0.0, now + 1.0 - self._now()))

    async def _worker(self, name: str) -> None:
        running: set[asyncio.Task[None]] = set()
        while True:
            free = SLOTS - len(running)
            jobs = (
                await self._coordinator.claim(
                    worker_id=name, claim_token=uuid4(), job_types=[_TYPE], lanes=[_LANE], limit=1, wait=False
                )
                if free
                else []
            )
            for job in jobs:
                task = asyncio.create_task(self._job(name, job))
                running.add(task)
                task.add_done_callback(running.discard)
            await asyncio.sleep(0.05 if jobs else self._dice.uniform(1.0, 2.0))

    async def _job(self, worker: str, job: Any) -> None:
        job_id = job.fence.job_id
        reservation = uuid4()
        while True:
            answer = await self._coordinator.reserve_api_capacity(
                reservation_id=reservation, holder=worker, provider=_API[0], endpoint=_API[1], tokens=1000, lease_s=60.0
            )
            if answer.granted:
                break
            self.seen.denied += 1
            await asyncio.sleep(max(answer.retry_after_ms / 1000, 0.2) + self._dice.uniform(0, 1.0))
        self.seen.granted.append(self._now())
        self.seen.waits[job_id] = self.seen.granted[-1] - self.seen.asked[job_id][0]
        await asyncio.sleep(self._dice.uniform(0.5, 1.5) * _LATENCY_S)
        await self._coordinator.settle_api_capacity(reservation, 1000)
        assert await self._coordinator.settle([Settlement(job.fence, DONE)]) == ["settled"]
        self.seen.done.append((self._now(), self.seen.asked[job_id][1]))

    async def _look(self) -> None:
        while True:
            await self._coordinator.sweep()
            [lane] = [lane for lane in await self._coordinator.queue_stats() if lane.lane == _LANE]
            self.seen.depth.append((self._now(), lane.ready, lane.running))
            await asyncio.sleep(1.0)


async def day(server: Server) -> dict[str, Any]:
    """Simulate a day; its figures."""
    dsn = await server.create("day")
    db = await asyncpg.connect(dsn)
    await migrate(db)
    # Deferring an enqueue by a minute would be seven hours of this day.
    await db.execute("update exora.api_rate_limits set backpressure_threshold = 1")
    await db.close()
    run = Day(dsn)
    await run.run()
    found = judged(run.seen)
    print({name: value for name, value in found.items() if name not in ("granted", "depth")}, flush=True)
    return found


def judged(seen: Seen) -> dict[str, Any]:
    """The figures of a run."""
    seen.granted.sort()
    begin, end = _busy(seen)
    windows = [sum(at - 60 < moment <= at for moment in seen.granted) for at in seen.granted]
    in_busy = sum(begin <= at < end for at in seen.granted)
    shares = Counter(patient for at, patient in seen.done if begin <= at < end)
    light = [count for patient, count in shares.items() if patient != _HEAVY]
    by_patient = defaultdict(list)
    waits = defaultdict(list)
    of_heavy, of_light = [], []
    for job, (_, patient, priority) in seen.asked.items():
        if job in seen.waits:
            wait = seen.waits[job]
            (of_heavy if patient == _HEAVY else of_light).append(wait)
            if patient != _HEAVY:
                waits[priority].append(wait)
                by_patient[patient].append(wait)
    return {
        "workers": WORKERS,
        "slots": SLOTS,
        "requests_per_minute": RPM,
        "hour_s": _HOUR_S,
        "latency_s": _LATENCY_S,
        "jobs": len(seen.asked),
        "done": len(seen.done),
        "denied": seen.denied,
        "busy_s": [begin, end],
        "most_in_60_s": max(windows),
        "utilisation": in_busy / max(RPM / 60 * (end - begin), 1),
        "jain_of_light_waits": jain([statistics.mean(values) for values in by_patient.values()]),
        "heavy_done_in_busy": shares[_HEAVY],
        "light_mean_in_busy": statistics.mean(light) if light else 0.0,
        "wait_s": {"heavy": spread(of_heavy), "light": spread(of_light)},
        "wait_by_priority_s": {str(priority): spread(values) for priority, values in sorted(waits.items())},
        "granted": seen.granted,
        "depth": seen.depth,
        "load": load(),
    }


def _busy(seen: Seen) -> tuple[float, float]:
    """The longest span in which more than a few jobs waited for a call, its first minute left out: a full window of the
    limit may go at once."""
    asked = sorted(at for at, _, _ in seen.asked.values())
    spans, start = [(0.0, 0.0)], None
    for second in range(int(seen.granted[-1]) + 2):
        waiting = bisect_right(asked, second) - bisect_right(seen.granted, second)
        if waiting > _FEW and start is None:
            start = float(second)
        elif waiting <= _FEW and start is not None:
            spans.append((start + 60.0, float(second)))
            start = None
    return max(spans, key=lambda span: span[1] - span[0])


def jain(counts: list[float]) -> float:
    """Jain's index: 1 = all equal, 1/n = one has everything."""
    return sum(counts) ** 2 / (len(counts) * sum(count * count for count in counts)) if counts else 0.0


def spread(values: list[float]) -> dict[str, float]:
    """p50 and p95."""
    ordered = sorted(values)
    return (
        {"p50": statistics.median(ordered), "p95": ordered[min(int(len(ordered) * 0.95), len(ordered) - 1)]}
        if ordered
        else {}
    )


def _poisson(dice: random.Random, mean: float) -> int:
    """How many arrive in a second (Knuth's algorithm)."""
    limit, count, product = math.exp(-mean), 0, dice.random()
    while product > limit:
        count += 1
        product *= dice.random()
    return count
