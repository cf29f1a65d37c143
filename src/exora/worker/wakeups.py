"""Wake-ups: a latency hint over polling. Listens, and listens again when the connection drops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from exora.errors import CoordinationError

_log = structlog.get_logger("exora.worker.wakeups")
_RETRY_FIRST_S = 1.0
_RETRY_MAX_S = 60.0


class Listens(Protocol):
    """The verb the wake-ups need."""

    async def listen(self, on_wake: Callable[[], None], on_lost: Callable[[], None]) -> None: ...


class Wakeups:
    """An event that is set when jobs may have become ready.

    Attributes:
        event: set on a wake-up; who waits on it clears it.
        listening: whether notifications arrive; if not, only polling finds jobs.
    """

    def __init__(self, coordinator: Listens) -> None:
        self._coordinator = coordinator
        self._task: asyncio.Task[None] | None = None
        self._lost = asyncio.Event()
        self.event = asyncio.Event()
        self.listening = False

    def start(self) -> None:
        """Start listening in the background."""
        self._task = asyncio.create_task(self._run(), name="exora-wakeups")

    async def stop(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def run_once(self) -> None:
        """Listen until the connection drops.

        Raises:
            CoordinationError: this transport cannot listen now.
        """
        self._lost.clear()
        await self._coordinator.listen(self.event.set, self._lost.set)
        self.listening = True
        self.event.set()  # whatever came while nobody listened
        try:
            await self._lost.wait()
        finally:
            self.listening = False

    async def _run(self) -> None:
        pause, said = _RETRY_FIRST_S, False
        while True:
            try:
                await self.run_once()
                pause, said = _RETRY_FIRST_S, False
            except CoordinationError as error:
                if not said:
                    _log.warning("polling_only", error_code=error.code)
                    said = True
            await asyncio.sleep(pause)
            pause = min(pause * 2, _RETRY_MAX_S)
