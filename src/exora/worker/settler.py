"""Writes outcomes: groups those of a few milliseconds and settles them in one call."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from exora.domain.outcome import Dead, SettleAnswer, Settlement
from exora.domain.phi import describe_error
from exora.errors import BadInput, CoordinationError

_log = structlog.get_logger("exora.worker.settler")
_BATCH = 500
_RETRY_S = 1.0


class Settles(Protocol):
    """The verb the settler needs."""

    async def settle(self, settlements: Sequence[Settlement]) -> list[SettleAnswer]: ...


class Settler:
    """A queue of outcomes with one writer.

    Args:
        coordinator: writes them.
        window_s: how long the first outcome of a batch waits for others.
    """

    def __init__(self, coordinator: Settles, window_s: float) -> None:
        self._coordinator = coordinator
        self._window_s = window_s
        self._queue: asyncio.Queue[tuple[Settlement, asyncio.Future[str]]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the writer."""
        self._task = asyncio.create_task(self._run(), name="exora-settler")

    async def stop(self) -> None:
        """Stop the writer. Outcomes still queued stay unwritten: their leases lapse and the jobs run again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def settle(self, settlement: Settlement) -> str:
        """Write one outcome; returns ``settled``, ``already`` or ``lost`` once it is durable."""
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        await self._queue.put((settlement, future))
        return await future

    async def run_once(self) -> None:
        """Wait for an outcome, gather what comes within the window, write it."""
        batch = [await self._queue.get()]
        await asyncio.sleep(self._window_s)
        while not self._queue.empty() and len(batch) < _BATCH:
            batch.append(self._queue.get_nowait())
        await self._write(batch)

    async def _run(self) -> None:
        while True:
            await self.run_once()

    async def _write(self, batch: list[tuple[Settlement, asyncio.Future[str]]]) -> None:
        while True:
            try:
                answers = await self._coordinator.settle([settlement for settlement, _ in batch])
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
                for (_, future), answer in zip(batch, answers, strict=True):
                    if not future.done():
                        future.set_result(answer.status)
                return

    async def _write_apart(self, batch: list[tuple[Settlement, asyncio.Future[str]]], error: BadInput) -> None:
        """One result breaks the rules (it may hold content): only its own job pays for it."""
        if len(batch) == 1:
            settlement, future = batch[0]
            await self._write([(Settlement(settlement.fence, Dead(describe_error(error))), future)])
            return
        for item in batch:
            await self._write([item])
