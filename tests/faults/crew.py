"""A process of a fleet: ``python -m tests.faults.crew DSN produce|work SEED``. Producers print the jobs they made."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.domain.job import EnqueueRequest
from exora.observe.logs import configure_logs
from exora.worker.config import WorkerConfig, new_worker_id
from exora.worker.context import JobContext
from exora.worker.keeper import Heartbeats
from exora.worker.registry import Registry
from exora.worker.runtime import Worker

TYPE = "report_generation"
#: Concurrency keys and how many of each may run at once.
KEYS = {"one": 1, "three": 3}
CALLS = 60


def _request(draw: random.Random, patients: Sequence[UUID]) -> EnqueueRequest:
    key = draw.choice([None, None, None, *KEYS])
    patient = draw.choice([None, *patients])
    return EnqueueRequest(
        TYPE,
        {} if patient is None else {"patient_id": str(patient)},
        priority=draw.randint(1, 10),
        max_retries=100,
        concurrency_key=key,
        concurrency_limit=KEYS.get(key or ""),
    )


async def produce(dsn: str, draw: random.Random) -> None:
    """Enqueue singly and in batches, at all priorities; print each acknowledged id."""
    transport = PostgresTransport(dsn)
    coordinator = WireCoordinator(transport)
    patients = [UUID(int=draw.getrandbits(128), version=4) for _ in range(5)]
    for _ in range(CALLS):
        requests = [_request(draw, patients) for _ in range(draw.choice([1, 1, 1, 20]))]
        for answer in await coordinator.enqueue(requests):
            print(answer.job_id, flush=True)
    await transport.close()


async def work(dsn: str, draw: random.Random) -> None:
    """Work until killed; one attempt in ten fails."""
    registry = Registry()

    @registry.handler(TYPE)
    async def handle(_context: JobContext, _payload: dict[str, Any]) -> None:
        await asyncio.sleep(draw.choice([0, 0, 0.001, 0.01]))
        if draw.random() < 0.1:
            raise ValueError

    async def connect_keeper() -> Heartbeats:
        return WireCoordinator(PostgresTransport(dsn, max_connections=1))

    config = WorkerConfig(new_worker_id("crew"), concurrency=10, sweep_interval_s=0.2, poll_max_s=0.5)
    transport = PostgresTransport(dsn)
    await Worker(WireCoordinator(transport), connect_keeper, registry, config).run()
    await transport.close()


if __name__ == "__main__":
    configure_logs("error")
    _, dsn, role, seed = sys.argv
    asyncio.run({"produce": produce, "work": work}[role](dsn, random.Random(int(seed))))
