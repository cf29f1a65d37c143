"""Writes outcomes: what gathers while one batch is being written is the next batch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from exora.domain.job import Fence
from exora.domain.outcome import Dead, SettleAnswer, Settlement
from exora.domain.phi import describe_error
from exora.errors import BadInput, CoordinationError

_log = structlog.get_logger("exora.worker.settler")
_BATCH = 1000
#: With so many outcomes at hand there is no point in waiting for more.
_ENOUGH = 100
_WRITERS = 2
_RETRY_S = 1.0


class Settles(Protocol):
    """The verb the settler needs."""

    async def settle(self, settlements: Sequence[Settlement]) -> list[SettleAnswer]: ...


class Settler:
    """A buffer of outcomes with two writers, so that one batch gathers while another is written.

    Args:
        coordinator: writes them.
        window_s: how long a small batch waits for others.
        on_settled: called with the fences that have ended in the database, whichever way.
    """

    def __init__(self, coordinator: Settles, window_s: float, on_settled: Callable[[Sequence[Fence]], None]) -> None:
        self._coordinator = coordinator
        self._window_s = window_s
        self._on_settled = on_settled
        self._buffer: list[Settlement] = []
        self._writing = 0
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def unwritten(self) -> int:
        """Outcomes not yet in the database."""
        return len(self._buffer) + self._writing

    def put(self, settlement: Settlement) -> None:
        """Take an outcome; it is written soon."""
        self._buffer.append(settlement)
        self._filled.set()

    def start(self) -> None:
        """Start the writers."""
        self._tasks = [asyncio.create_task(self._run(), name=f"exora-settler-{n}") for n in range(_WRITERS)]

    async def stop(self, within_s: float) -> None:
        """Write what is left for at most so many seconds, then stop. What stays unwritten is not lost: its leases
        lapse, and the jobs run again."""
        try:
            async with asyncio.timeout(within_s):
                while self.unwritten:
                    self._emptied.clear()
                    await self._emptied.wait()
        except TimeoutError:
            _log.error("outcomes_unwritten", count=self.unwritten)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def run_once(self) -> None:
        """Wait for outcomes and write one batch."""
        while not self._buffer:
            self._filled.clear()
            await self._filled.wait()
        if len(self._buffer) < _ENOUGH:
            await asyncio.sleep(self._window_s)
        batch, self._buffer = self._buffer[:_BATCH], self._buffer[_BATCH:]
        self._writing += len(batch)
        try:
            await self._write(batch)
        finally:
            self._writing -= len(batch)
            self._emptied.set()

    async def _run(self) -> None:
        while True:
            await self.run_once()

    async def _write(self, batch: list[Settlement]) -> None:
        while batch:
            try:
                answers = await self._coordinator.settle(batch)
            except CoordinationError as error:
                # The database is away: the outcome is known, so keep it and try until it is written
                # or the worker stops. Settling is idempotent by fence.
                info = describe_error(error)
                _log.warning("settle_failed", claims=len(batch), error_class=info.error_class, error_code=info.code)
                await asyncio.sleep(_RETRY_S)
            except BadInput as error:
                await self._write_apart(batch, error)
                return
            else:
                self._on_settled([item.fence for item in batch])
                for (fence, _), answer in zip(batch, answers, strict=True):
                    if answer == "lost":
                        _log.warning("claim_lost", job_id=str(fence.job_id), attempt=fence.attempt)
                return

    async def _write_apart(self, batch: list[Settlement], error: BadInput) -> None:
        """One result breaks the rules (it may hold content): only its own job pays for it."""
        if len(batch) == 1:
            [(fence, _)] = batch  # whoever ran it has said "completed" of it
            _log.warning("result_refused", job_id=str(fence.job_id), attempt=fence.attempt, error_code=error.code)
            await self._write([Settlement(fence, Dead(describe_error(error)))])
            return
        for settlement in batch:
            await self._write([settlement])
