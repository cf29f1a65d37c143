"""Exora through its public parts, with everything on: audit, fence, lease, archive, fair order."""

from __future__ import annotations

import random
import uuid
from typing import Any

from bench.systems.protocol import Description, Job, Profile, System
from exora.coordination.bulk import enqueue_bulk
from exora.coordination.coalesce import CoalescingEnqueuer
from exora.coordination.postgres import PostgresTransport, connect
from exora.coordination.wire import WireCoordinator
from exora.domain.job import EnqueueRequest, Fence
from exora.observe.logs import configure_logs
from exora.sql.migrate import migrate
from exora.worker.config import WorkerConfig
from exora.worker.keeper import Heartbeats
from exora.worker.registry import Registry
from exora.worker.runtime import Worker

_JOB_TYPE = "report_generation"
_PATIENTS = 1_000


class Exora(System):
    """``WireCoordinator`` over ``PostgresTransport``, and a ``Worker``."""

    description = Description(
        configuration="50 slots, defaults of WorkerConfig, bulk in calls of 5,000, two at a time, 1,000 patients; "
        "audit row per change, fenced leases, archive, patient-fair order",
        remaining="select exists (select from exora.ready) or exists (select from exora.running)",
        keeps_history=True,
    )

    def __init__(self, dsn: str, payload: dict[str, Any], connections: int) -> None:
        super().__init__(dsn, payload, connections)
        configure_logs("warning")
        self._coordinator: WireCoordinator | None = None
        self._coalescing: CoalescingEnqueuer | None = None
        self._fences: list[Fence] = []
        chance = random.Random(1)  # noqa: S311  not for secrecy
        self._patients = [str(uuid.UUID(int=chance.getrandbits(128), version=4)) for _ in range(_PATIENTS)]

    async def setup(self) -> None:
        connection = await connect(self.dsn)
        await migrate(connection)
        await connection.close()

    async def open(self) -> None:
        self._coordinator = WireCoordinator(PostgresTransport(self.dsn, max_connections=self.connections))
        self._coalescing = CoalescingEnqueuer(self._coordinator)
        await self._coordinator.queue_stats()

    async def close(self) -> None:
        if self._coordinator is not None:
            await self._coordinator.close()
            self._coordinator = None

    async def enqueue_one(self) -> None:
        await self._opened.enqueue([self._request()])

    async def enqueue_coalesced(self) -> None:
        assert self._coalescing is not None
        await self._coalescing.enqueue(self._request())

    async def enqueue_bulk(self, count: int) -> None:
        await enqueue_bulk(self._opened, (self._request() for _ in range(count)))

    async def work(self, profile: Profile, job: Job) -> None:
        async def handler(_context: object, _payload: dict[str, Any]) -> None:
            await job()

        async def connect_keeper() -> Heartbeats:
            return WireCoordinator(PostgresTransport(self.dsn, max_connections=1))

        registry = Registry()
        registry.add(_JOB_TYPE, handler)
        coordinator = WireCoordinator(PostgresTransport(self.dsn))
        await Worker(coordinator, connect_keeper, registry, WorkerConfig(concurrency=50)).run(handle_signals=False)

    async def hold(self, count: int) -> None:
        while len(self._fences) < count:
            claimed = await self._opened.claim(
                worker_id="bench",
                claim_token=uuid.uuid4(),
                job_types=[_JOB_TYPE],
                lanes=None,
                limit=min(1_000, count - len(self._fences)),
                wait=False,
            )
            self._fences += [item.fence for item in claimed]

    async def beat(self) -> None:
        news = await self._opened.heartbeat(self._fences)
        if news.lost:
            raise RuntimeError(f"{len(news.lost)} claims were lost")

    @property
    def _opened(self) -> WireCoordinator:
        assert self._coordinator is not None
        return self._coordinator

    def _request(self) -> EnqueueRequest:
        patient = random.choice(self._patients)  # noqa: S311  not for secrecy
        return EnqueueRequest(job_type=_JOB_TYPE, payload={**self.payload, "patient_id": patient})


SYSTEM = Exora
