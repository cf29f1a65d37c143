"""Presence: a worker says every few seconds that it lives, what it serves and what it has done."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

import structlog

from exora.domain.operations import WorkerReport
from exora.errors import CoordinationError
from exora.observe.process import memory_bytes
from exora.observe.tally import Tally
from exora.worker.config import WorkerConfig

_log = structlog.get_logger("exora.worker.presence")
#: Whoever reads takes a worker for gone after 45 s (exora.live_workers).
_INTERVAL_S = 10.0
_LAST_WORDS_S = 2.0


class Reports(Protocol):
    """The verb presence needs."""

    async def report_worker(self, report: WorkerReport) -> None: ...


class Presence:
    """Reports at once, then every ten seconds or so, and a last time on stopping.

    Args:
        coordinator: takes the reports.
        config: the worker's numbers.
        job_types: those it has handlers for.
        active: how many jobs run now.
        tally: what was done.
    """

    def __init__(
        self,
        coordinator: Reports,
        config: WorkerConfig,
        job_types: tuple[str, ...],
        active: Callable[[], int],
        tally: Tally,
    ) -> None:
        self._coordinator = coordinator
        self._config = config
        self._job_types = job_types
        self._active = active
        self._tally = tally
        self._started_at = datetime.now(UTC)
        self._number = 0
        self._unsent: WorkerReport | None = None
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.state = "working"

    def start(self) -> None:
        """Start reporting."""
        self._task = asyncio.create_task(self._run(), name="exora-presence")

    def drain(self) -> None:
        """Say soon that no more jobs are taken."""
        self.state = "draining"
        self._changed.set()

    async def stop(self) -> None:
        """Stop reporting, and say goodbye if the database answers soon."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.state = "stopped"
        try:
            async with asyncio.timeout(_LAST_WORDS_S):
                await self.run_once()
        except (CoordinationError, TimeoutError):
            _log.warning("goodbye_unheard", worker_id=self._config.worker_id)

    async def run_once(self) -> None:
        """Report once. What could not be sent is sent again under its own number before anything newer."""
        if self._unsent is not None:
            await self._coordinator.report_worker(self._unsent)
        self._number += 1
        self._unsent = WorkerReport(
            worker_id=self._config.worker_id,
            report=self._number,
            started_at=self._started_at,
            state=self.state,
            job_types=list(self._job_types),
            lanes=None if self._config.lanes is None else list(self._config.lanes),
            slots=self._config.concurrency,
            active=min(self._active(), self._config.concurrency),
            memory_bytes=memory_bytes(),
            version=self._config.version,
            work=self._tally.news(),
            used=self._tally.usage.take(),
        )
        await self._coordinator.report_worker(self._unsent)
        self._unsent = None

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            try:
                await self.run_once()
            except CoordinationError as error:
                _log.warning("report_failed", error_class=type(error).__name__, error_code=error.code)
            try:
                async with asyncio.timeout(_INTERVAL_S * random.uniform(0.8, 1.2)):  # noqa: S311  not for secrecy
                    await self._changed.wait()
            except TimeoutError:
                continue
