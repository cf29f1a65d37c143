"""A worker that kills itself at a named point: ``python -m tests.faults.failpoints DSN POINT`` (``none``: never)."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import uuid4

from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.errors import CoordinationError
from exora.observe.logs import configure_logs
from exora.testing.crew import die_with_parent
from exora.worker.config import WorkerConfig, new_worker_id
from exora.worker.context import JobContext
from exora.worker.keeper import Heartbeats
from exora.worker.registry import Registry
from exora.worker.runtime import Worker

from .deeds import TYPE

RESERVATION_S = 1.5


@dataclass(frozen=True, slots=True)
class Point:
    """Before or after a call of a function, or when it fails; ``draining``: and the worker has been asked to stop."""

    function: str
    when: Literal["before", "after", "error"]
    draining: bool = False


POINTS = {
    "before_claim": Point("claim_jobs_v3", "before"),
    "after_claim": Point("claim_jobs_v3", "after"),
    "after_side_effect": Point("put_step_v3", "after"),
    "before_complete": Point("settle_jobs_v3", "before"),
    "after_complete": Point("settle_jobs_v3", "after"),
    "mid_audit": Point("settle_jobs_v3", "error"),
    "holding_reservation": Point("reserve_api_capacity_v3", "after"),
    "mid_drain": Point("settle_jobs_v3", "before", draining=True),
}


class FailingTransport:
    """A transport that ends the process at its point, without a goodbye."""

    def __init__(self, inner: PostgresTransport, point: Point | None) -> None:
        self._inner = inner
        self._point = point
        self.draining = False

    async def call(
        self, function: str, arguments: Mapping[str, Any], *, repeatable: bool
    ) -> Sequence[Mapping[str, Any]]:
        """See ``Transport.call``."""
        self._die_at(function, "before")
        try:
            rows = await self._inner.call(function, arguments, repeatable=repeatable)
        except CoordinationError:
            self._die_at(function, "error")
            raise
        if rows or function == "settle_jobs_v3":  # an empty claim is none
            self._die_at(function, "after")
        return rows

    async def listen(self, on_wake: Callable[[], None], on_lost: Callable[[], None]) -> None:
        """See ``Transport.listen``."""
        await self._inner.listen(on_wake, on_lost)

    async def close(self) -> None:
        """See ``Transport.close``."""
        await self._inner.close()

    def _die_at(self, function: str, when: str) -> None:
        point = self._point
        if point and (point.function, point.when) == (function, when) and (self.draining or not point.draining):
            os.kill(os.getpid(), signal.SIGKILL)


async def work(dsn: str, point: Point | None) -> None:
    """Work until the point is reached."""
    transport = FailingTransport(PostgresTransport(dsn), point)
    coordinator = WireCoordinator(transport)
    registry = Registry()

    @registry.handler(TYPE)
    async def handle(context: JobContext, _: dict[str, Any]) -> None:
        """A step that must not be paid twice, a call under a reservation, and a while more where it matters."""
        await context.step(str(context.job.job_id), compute=_compute)
        reservation_id = uuid4()
        await coordinator.reserve_api_capacity(
            reservation_id=reservation_id, holder=context.worker_id, provider="openai", endpoint="gpt-4o-mini",
            tokens=10, lease_s=RESERVATION_S,
        )  # fmt: skip
        await coordinator.settle_api_capacity(reservation_id, 10)
        if point and point.draining:
            asyncio.get_running_loop().call_later(0.1, ask_to_stop)
            await asyncio.sleep(60)

    def ask_to_stop() -> None:
        transport.draining = True
        worker.stop()

    async def connect_keeper() -> Heartbeats:
        return WireCoordinator(PostgresTransport(dsn, max_connections=1))

    config = WorkerConfig(
        new_worker_id("failing"), concurrency=4, sweep_interval_s=0.2, poll_max_s=0.2, prefetch_s=0, drain_s=0.2
    )
    worker = Worker(coordinator, connect_keeper, registry, config)
    await worker.run()
    await transport.close()


async def _compute() -> dict[str, Any]:
    return {"answer": 42}


if __name__ == "__main__":
    die_with_parent()
    configure_logs("info")
    asyncio.run(work(sys.argv[1], POINTS.get(sys.argv[2])))
