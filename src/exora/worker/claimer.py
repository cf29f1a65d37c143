"""Fills free slots: claims as many jobs as there are, in one call."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID, uuid4

import structlog

from exora.domain.job import ClaimedJob
from exora.errors import CoordinationError
from exora.worker.config import WorkerConfig
from exora.worker.runner import Runner
from exora.worker.wakeups import Wakeups

_log = structlog.get_logger("exora.worker.claimer")


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
    """Claims while there are free slots; pauses, adaptively, while there is nothing to claim."""

    def __init__(
        self,
        coordinator: Claims,
        runner: Runner,
        wakeups: Wakeups,
        config: WorkerConfig,
        job_types: Sequence[str],
    ) -> None:
        self._coordinator = coordinator
        self._runner = runner
        self._wakeups = wakeups
        self._config = config
        self._job_types = tuple(job_types)
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
            await self._task

    async def run_once(self) -> int:
        """Claim for all free slots and start what comes; returns how many that were."""
        free = self._config.concurrency - self._runner.active
        if free <= 0:
            return 0
        jobs = await self._coordinator.claim(
            worker_id=self._config.worker_id,
            claim_token=self._token,
            job_types=self._job_types,
            lanes=self._config.lanes,
            limit=min(free, 1000),
            wait=self._wakeups.listening,
        )
        self._token = uuid4()
        for job in jobs:
            self._runner.start(job)
        return len(jobs)

    async def _run(self) -> None:
        while not self._stopping.is_set():
            self._runner.freed.clear()
            self._wakeups.event.clear()
            try:
                claimed = await self.run_once()
            except CoordinationError as error:
                _log.warning("claim_failed", error_class=type(error).__name__, error_code=error.code)
                await self._wait(self._config.poll_max_s / 5)
                continue
            if claimed:
                self._pause_s = self._config.poll_min_s
                continue
            if self._runner.active >= self._config.concurrency:
                await self._wait(None, self._runner.freed)
                continue
            await self._wait(self._pause_s, self._wakeups.event)
            woken = self._wakeups.event.is_set()
            self._pause_s = self._config.poll_min_s if woken else min(self._pause_s * 2, self._config.poll_max_s)

    async def _wait(self, seconds: float | None, *events: asyncio.Event) -> None:
        waits = [asyncio.create_task(event.wait()) for event in (self._stopping, *events)]
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
