"""A day of traffic in minutes: fifty workers over the real functions and the real gate; only the API is simulated.

An hour of the day takes ``HOUR_S``; the limits of the API and the order of jobs keep real time.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import time
from typing import Any
from uuid import UUID

import asyncpg

from bench.scale.judge import Seen, judged
from bench.server import Server, load
from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.domain.capacity import Need
from exora.domain.job import EnqueueRequest
from exora.errors import NoCapacity
from exora.observe.logs import configure_logs
from exora.sql.migrate import migrate
from exora.worker.config import WorkerConfig
from exora.worker.context import JobContext
from exora.worker.keeper import Heartbeats
from exora.worker.registry import Registry
from exora.worker.runtime import Worker

WORKERS = 50
SLOTS = 4
RPM = 240
CONCURRENT = 50
HOUR_S = 20.0
_API = ("openai", "gpt-4o-mini")
_LATENCY_S = 1.5
_TYPE, _LANE = "report_generation", "report_generation"
#: Share of the limit that arrives in each hour: a quiet night, a morning above the limit, an afternoon at it.
CURVE = (
    *(0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.4, 0.8, 1.4, 1.8, 1.6, 1.2),
    *(0.8, 0.9, 1.1, 1.0, 0.9, 0.7, 0.5, 0.4, 0.3, 0.2, 0.1, 0.1),
)
_LIGHT = 40
HEAVY = UUID(int=1)
#: What the heavy patient uploads at once, when the morning begins; and at which hour that is.
_UPLOAD, _MORNING = 300, 8
_PRIORITIES = (1, 3, 5, 5, 5, 7, 10)


class Day:
    """One run.

    Args:
        dsn: a migrated database.
        seconds: how long there is work after the last arrival, at most.
    """

    def __init__(self, dsn: str, seconds: float = 180.0) -> None:
        self._dsn = dsn
        # Producers wait; else a machine that is too busy for a moment would end the day.
        self._transport = PostgresTransport(dsn, command_timeout_s=60)
        self._coordinator = WireCoordinator(self._transport)
        self._patience_s = seconds
        self._dice = random.Random(8)  # noqa: S311
        self._began = time.monotonic()
        self._under_way = 0
        self.seen = Seen()

    async def run(self) -> None:
        """Live through the day."""
        limits = {"requests_per_minute": RPM, "tokens_per_minute": None, "concurrent_requests": CONCURRENT}
        await self._coordinator.set_api_limits(*_API, limits)
        await self._coordinator.declare_needs([_TYPE], [Need(*_API)])
        async with contextlib.AsyncExitStack() as stack:
            for number in range(WORKERS):
                await stack.enter_async_context(self._worker(number))
            looking = asyncio.create_task(self._look())
            self._began = time.monotonic()
            await self._arrivals()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._patience_s):
                    while len(self.seen.done) < len(self.seen.asked):  # noqa: ASYNC110  what is done sends no signal
                        await asyncio.sleep(0.2)
            looking.cancel()
        await self._transport.close()

    def _now(self) -> float:
        return time.monotonic() - self._began

    async def _arrivals(self) -> None:
        patients = [UUID(int=100 + number) for number in range(_LIGHT)]
        uploaded = False
        while (now := self._now()) < HOUR_S * 24:
            rate = RPM / 60 * CURVE[int(now / HOUR_S)]
            asked = [
                (self._dice.choice(patients), self._dice.choice(_PRIORITIES)) for _ in range(_poisson(self._dice, rate))
            ]
            if not uploaded and now >= HOUR_S * _MORNING:
                asked, uploaded = asked + [(HEAVY, 5)] * _UPLOAD, True
            if asked:
                requests = [
                    EnqueueRequest(_TYPE, {"patient_id": str(patient)}, priority=priority)
                    for patient, priority in asked
                ]
                for answer, (patient, priority) in zip(await self._coordinator.enqueue(requests), asked, strict=True):
                    self.seen.asked[answer.job_id] = (now, patient, priority)
            await asyncio.sleep(max(0.0, now + 1.0 - self._now()))

    @contextlib.asynccontextmanager
    async def _worker(self, number: int) -> Any:
        """A worker with connections of its own, as a process of its own would have."""

        async def connect_keeper() -> Heartbeats:
            return WireCoordinator(PostgresTransport(self._dsn, max_connections=1))

        registry, transport = Registry(), PostgresTransport(self._dsn, max_connections=2)
        registry.add(_TYPE, self._job, needs=[Need(*_API)])
        config = WorkerConfig(worker_id=f"worker-{number}", concurrency=SLOTS)
        worker = Worker(WireCoordinator(transport), connect_keeper, registry, config)
        working = asyncio.create_task(worker.run(handle_signals=False))
        try:
            yield
        finally:
            worker.stop()
            await working
            await transport.close()

    async def _job(self, context: JobContext, _: Any) -> None:
        """What a handler does: ask for capacity, call, be done. Whoever gets none is put off by its worker."""
        self.seen.started.setdefault(context.job.job_id, self._now())
        try:
            async with context.reserve(*_API) as permit:
                await permit.begin()
                self.seen.granted.append((self._now(), context.job.job_id))
                self._under_way += 1
                self.seen.most_under_way = max(self.seen.most_under_way, self._under_way)
                await asyncio.sleep(self._dice.uniform(0.5, 1.5) * _LATENCY_S)
                self._under_way -= 1
                permit.answered()
        except NoCapacity:
            self.seen.put_off += 1
            raise
        self.seen.done.append((self._now(), context.job.job_id))

    async def _look(self) -> None:
        while True:
            [lane] = [lane for lane in await self._coordinator.queue_stats() if lane.lane == _LANE]
            self.seen.depth.append((self._now(), lane.ready + lane.scheduled, lane.running))
            await asyncio.sleep(1.0)


async def day(server: Server, defer_s: int) -> dict[str, Any]:
    """Simulate a day, in which enqueues are deferred for so long while the API is used up; its figures."""
    configure_logs("error")
    dsn = await server.create("day")
    db = await asyncpg.connect(dsn)
    await migrate(db)
    await db.execute(
        "update exora.api_rate_limits set backpressure_threshold = 1, backpressure_delay_seconds = $1", defer_s
    )
    await db.close()
    run = Day(dsn)
    await run.run()
    about = {"workers": WORKERS, "slots": SLOTS, "hour_s": HOUR_S, "latency_s": _LATENCY_S, "defer_s": defer_s}
    limits = {"requests_per_minute": RPM, "concurrent_requests": CONCURRENT}
    found = {"load": load()} | about | limits | judged(run.seen, HEAVY, RPM, (HOUR_S * _MORNING, HOUR_S * 12))
    print({name: value for name, value in found.items() if name not in ("granted", "depth")}, flush=True)
    return found


def _poisson(dice: random.Random, mean: float) -> int:
    """How many arrive in a second (Knuth's algorithm)."""
    limit, count, product = math.exp(-mean), 0, dice.random()
    while product > limit:
        count += 1
        product *= dice.random()
    return count
