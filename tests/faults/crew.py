"""A producer in a process of its own: ``python -m tests.faults.crew DSN SEED JOBS``; it prints acknowledged jobs."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from uuid import UUID

from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.domain.job import EnqueueRequest

from .deeds import TYPE

#: Concurrency keys and how many of each may run at once.
KEYS = {"one": 1, "three": 3}
ROOT = Path(__file__).parents[2]


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


async def produce(dsn: str, draw: random.Random, jobs: int) -> None:
    """Enqueue singly and in batches, at all priorities; print each acknowledged id."""
    transport = PostgresTransport(dsn)
    coordinator = WireCoordinator(transport)
    patients = [UUID(int=draw.getrandbits(128), version=4) for _ in range(5)]
    while jobs > 0:
        requests = [_request(draw, patients) for _ in range(min(draw.choice([1, 1, 1, 20]), jobs))]
        jobs -= len(requests)
        for answer in await coordinator.enqueue(requests):
            print(answer.job_id, flush=True)
    await transport.close()


async def produced(dsn: str, seed: int, jobs: int) -> AsyncIterator[UUID]:
    """Run a producer and yield what it was acknowledged."""
    arguments = ("-W", "error", "-m", "tests.faults.crew", dsn, str(seed), str(jobs))
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    while line := await process.stdout.readline():
        yield UUID(line.decode().strip())
    assert await process.wait() == 0


if __name__ == "__main__":
    asyncio.run(produce(sys.argv[1], random.Random(int(sys.argv[2])), int(sys.argv[3])))
