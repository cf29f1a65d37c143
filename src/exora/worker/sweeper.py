"""Periodic work: asks the database to sweep, and keeps the picture of API capacity that /health shows."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any, Protocol

import structlog

from exora.domain.capacity import ApiCapacity
from exora.errors import CoordinationError
from exora.observe.tally import Tally

_log = structlog.get_logger("exora.worker.sweeper")
_CAPACITY_S = 10.0


class Sweeps(Protocol):
    """The verbs the sweeper needs."""

    async def sweep(self, limit: int = 500) -> dict[str, Any]: ...

    async def api_capacity(self) -> list[ApiCapacity]: ...


class Sweeper:
    """Sweeps every so often, jittered, so that many workers do not sweep in step.

    Attributes:
        capacity: the last picture of API capacity; empty until there is one.
    """

    def __init__(self, coordinator: Sweeps, interval_s: float, tally: Tally) -> None:
        self._coordinator = coordinator
        self._tally = tally
        self._interval_s = interval_s
        self._capacity_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self.capacity: list[ApiCapacity] = []

    def start(self) -> None:
        """Start sweeping."""
        self._task = asyncio.create_task(self._run(), name="exora-sweeper")

    async def stop(self) -> None:
        """Stop sweeping."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def run_once(self) -> None:
        """Sweep once; refresh the picture of capacity when it is old."""
        swept = await self._coordinator.sweep()
        if swept.get("rescued"):
            self._tally.rescued += swept["rescued"]
            _log.warning("jobs_rescued", count=swept["rescued"])
        if swept.get("mended"):
            _log.error("floors_mended", count=swept["mended"])
        if time.monotonic() - self._capacity_at > _CAPACITY_S:
            self.capacity = await self._coordinator.api_capacity()
            self._capacity_at = time.monotonic()

    async def _run(self) -> None:
        while True:
            try:
                await self.run_once()
            except CoordinationError as error:
                _log.warning("sweep_failed", error_class=type(error).__name__, error_code=error.code)
            await asyncio.sleep(self._interval_s * random.uniform(0.5, 1.5))  # noqa: S311  not for secrecy
