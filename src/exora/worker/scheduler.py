"""Periodic jobs: looks every second or so whether a schedule's tick has come, and enqueues its job.

Every worker does. The database lets one of them move a schedule on, together with the enqueue, so that each tick is
enqueued once, whoever dies when.
"""

from __future__ import annotations

import asyncio
import random
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog

from exora.domain.schedule import Schedule, due
from exora.errors import CoordinationError, ExoraError

_log = structlog.get_logger("exora.worker.scheduler")
_INTERVAL_S = 1.0
_BATCH = 100


class Schedules(Protocol):
    """The verbs the scheduler needs."""

    async def list_schedules(self, *, due: bool = False, limit: int = 1000) -> list[Schedule]: ...

    async def fire_schedule(self, name: str, tick: datetime, next_at: datetime, *, skip: bool) -> UUID | None: ...


class Scheduler:
    """Fires schedules.

    Args:
        coordinator: knows them.
        interval_s: mean pause between looks, jittered by half.
    """

    def __init__(self, coordinator: Schedules, interval_s: float = _INTERVAL_S) -> None:
        self._coordinator = coordinator
        self._interval_s = interval_s
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start looking."""
        self._task = asyncio.create_task(self._run(), name="exora-scheduler")

    async def stop(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def run_once(self) -> int:
        """Fire every schedule whose tick has come; returns how many jobs this worker enqueued."""
        fired = 0
        for schedule in await self._coordinator.list_schedules(due=True, limit=_BATCH):
            try:
                skip, next_at = due(schedule)
                job = await self._coordinator.fire_schedule(schedule.name, schedule.next_at, next_at, skip=skip)
            except ExoraError as error:
                if isinstance(error, CoordinationError):
                    raise
                # One schedule that cannot be fired (its lane is full, its type gone) must not hold up the others.
                _log.error("schedule_failed", schedule=schedule.name, error_code=error.code)
                continue
            if job is not None:
                fired += 1
                _log.info("schedule_fired", schedule=schedule.name, job_id=str(job))
        return fired

    async def _run(self) -> None:
        while True:
            try:
                await self.run_once()
            except CoordinationError as error:
                _log.warning("schedules_unread", error_class=type(error).__name__, error_code=error.code)
            await asyncio.sleep(self._interval_s * random.uniform(0.5, 1.5))  # noqa: S311  not for secrecy
