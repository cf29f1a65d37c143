"""The picture of the whole system that metrics, readiness and the dashboard share: looked up when asked for and old."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Protocol

from exora.domain.capacity import ApiCapacity
from exora.domain.job import LaneStats
from exora.domain.operations import WorkerView
from exora.errors import ExoraError

#: Seconds after which the picture is looked up anew, unless told otherwise.
OLD_S = 5.0
_PATIENCE_S = 3.0


class Looks(Protocol):
    """The verbs that make the picture."""

    async def queue_stats(self) -> list[LaneStats]: ...

    async def list_workers(self) -> list[WorkerView]: ...

    async def api_capacity(self) -> list[ApiCapacity]: ...


@dataclass(frozen=True, slots=True)
class Picture:
    """What the database said last.

    Attributes:
        at: ``time.monotonic()`` of the look.
        took_s: how long the database took to answer.
        fault: code of the error of the last look; None = it went well. The rest is then of the last good look.
    """

    at: float = 0.0
    took_s: float = 0.0
    fault: str | None = "not_looked_yet"
    lanes: list[LaneStats] = field(default_factory=list)
    workers: list[WorkerView] = field(default_factory=list)
    capacity: list[ApiCapacity] = field(default_factory=list)


class Watch:
    """Looks at most every few seconds, however many ask; they share one look.

    Args:
        coordinator: is asked.
        old_s: age in seconds at which the picture is looked up anew.
    """

    def __init__(self, coordinator: Looks, old_s: float = OLD_S) -> None:
        self._coordinator = coordinator
        self._old_s = old_s
        self._picture = Picture()
        self._looking = asyncio.Lock()

    async def look(self, old_s: float | None = None) -> Picture:
        """The picture, at most ``old_s`` old, unless the database does not answer in time."""
        age = self._old_s if old_s is None else old_s
        async with self._looking:
            if time.monotonic() - self._picture.at >= age:
                self._picture = await self._look()
            return self._picture

    async def _look(self) -> Picture:
        started = time.monotonic()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                lanes = await self._coordinator.queue_stats()
                workers = await self._coordinator.list_workers()
                capacity = await self._coordinator.api_capacity()
        except (ExoraError, TimeoutError) as error:
            code = error.code if isinstance(error, ExoraError) else "timeout"
            old = self._picture
            now = time.monotonic()
            return Picture(now, now - started, code, old.lanes, old.workers, old.capacity)
        now = time.monotonic()
        return Picture(now, now - started, None, lanes, workers, capacity)
