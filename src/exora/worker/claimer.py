"""Fills free slots: claims as many jobs as there are, in one call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID, uuid4

import structlog

from exora.domain.job import ClaimedJob
from exora.errors import CoordinationError
from exora.observe.tracing import tracing
from exora.worker.config import WorkerConfig
from exora.worker.runner import Runner
from exora.worker.wakeups import Wakeups

_log = structlog.get_logger("exora.worker.claimer")
_BATCH = 1000
#: Jobs claimed beyond the slots, at most.
_MOST_AHEAD = 2000
#: With no room, look again after so many seconds even if no slot says that it is free.
_FULL_S = 1.0


class Claims(Protocol):
    """The verb the claimer needs."""

    async def claim(
        self,
        *,
        worker_id: str,
        claim_token: UUID,
        job_types: Sequence[str],
        lanes: Sequence[str] | None,
        limit: int,
        wait: bool,
    ) -> list[ClaimedJob]: ...


class Claimer:
    """Claims while there is room; pauses, adaptively, while there is nothing to claim.

    Room is what the slots can start soon: one job per free slot, plus, for short jobs, as many as the slots are
    expected to finish within ``prefetch_s``. So a job never waits long in a busy worker while another is idle.
    """

    def __init__(
        self,
        coordinator: Claims,
        runner: Runner,
        wakeups: Wakeups,
        config: WorkerConfig,
        job_types: Sequence[str],
        unwritten: Callable[[], int],
    ) -> None:
        self._coordinator = coordinator
        self._runner = runner
        self._wakeups = wakeups
        self._config = config
        self._job_types = tuple(job_types)
        self._unwritten = unwritten
        self._pause_s = config.poll_min_s
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        # A claim whose answer was lost is asked for again under the same token, also across calls.
        self._token = uuid4()

    def start(self) -> None:
        """Start claiming."""
        self._task = asyncio.create_task(self._run(), name="exora-claimer")

    async def stop(self) -> None:
        """Stop claiming at once; a claim under way is waited for, so that what it brings is not left lying."""
        self._stopping.set()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    def room(self) -> int:
        """How many jobs to claim now; 0 while a larger batch is worth waiting for."""
        mean_s = self._runner.mean_s
        ahead = 0
        if mean_s is not None:
            ahead = min(_MOST_AHEAD, int(self._config.concurrency * self._config.prefetch_s / max(mean_s, 1e-6)))
        if self._unwritten() > _MOST_AHEAD + self._config.concurrency:
            return 0  # the database is slow or away: what is done must be written before more is begun
        room = self._runner.free + ahead
        starving = self._runner.queued == 0 and self._runner.free > 0
        return min(room, _BATCH) if starving or room > ahead // 2 else 0

    async def run_once(self) -> int:
        """Claim as much as there is room for and hand it to the slots; returns how many that were."""
        room = self.room()
        if room <= 0:
            return 0
        asked_ns = time.time_ns()
        jobs = await self._coordinator.claim(
            worker_id=self._config.worker_id,
            claim_token=self._token,
            job_types=self._job_types,
            lanes=self._config.lanes,
            limit=room,
            wait=self._wakeups.listening,
        )
        self._token = uuid4()
        if tracing.active:
            tracing.claimed(jobs, asked_ns)
        self._runner.offer(jobs)
        return len(jobs)

    async def _run(self) -> None:
        while not self._stopping.is_set():
            self._runner.changed.clear()
            self._wakeups.event.clear()
            if self.room() <= 0:
                await self._wait(_FULL_S, self._runner.changed)
                continue
            try:
                claimed = await self.run_once()
            except CoordinationError as error:
                _log.warning("claim_failed", error_class=type(error).__name__, error_code=error.code)
                await self._wait(self._config.poll_max_s / 5)
                continue
            if claimed:
                self._pause_s = self._config.poll_min_s
                continue
            await self._wait(self._pause_s, self._wakeups.event)
            woken = self._wakeups.event.is_set()
            self._pause_s = self._config.poll_min_s if woken else min(self._pause_s * 2, self._config.poll_max_s)

    async def _wait(self, seconds: float, *events: asyncio.Event) -> None:
        waits = [asyncio.create_task(event.wait()) for event in (self._stopping, *events)]
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
