"""A process that calls a provider through the gate, too often: ``python -m tests.faults.holder DSN PER_SECOND``.

Prints ``+`` and ``-`` with the time as each call begins and ends; the monotonic clock is the same in all processes.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import time
from uuid import uuid4

from exora.capacity.gate import Gate, Terms
from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.domain.capacity import Permit
from exora.errors import ExoraError
from exora.observe.logs import configure_logs
from exora.testing.crew import die_with_parent

API = ("openai", "gpt-4o-mini")
LEASE_S = 2.0


async def hold(dsn: str, per_second: float) -> None:
    """Offer calls until killed."""
    gate = Gate(WireCoordinator(PostgresTransport(dsn)), f"holder-{uuid4().hex[:8]}", lease_s=LEASE_S)
    tasks: set[asyncio.Task[None]] = set()

    async def make(permit: Permit) -> None:
        await permit.begin()
        print("+", time.monotonic(), flush=True)
        await asyncio.sleep(random.uniform(0.1, 0.4))
        permit.answered()
        permit.used(input_tokens=50, output_tokens=50)
        print("-", time.monotonic(), flush=True)

    async def one() -> None:
        with contextlib.suppress(ExoraError):
            await gate.call(*API, make, tokens=100, terms=Terms(patience_s=2))

    while True:
        task = asyncio.create_task(one())
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        await asyncio.sleep(random.uniform(0.5, 1.5) / per_second)


if __name__ == "__main__":
    die_with_parent()
    configure_logs("error")
    asyncio.run(hold(sys.argv[1], float(sys.argv[2])))
