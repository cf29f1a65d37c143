"""Heartbeats: renews the leases of all claims from a thread of its own.

Neither a busy event loop nor a handler that holds it can starve this thread; it has its own loop
and its own connection.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol

import structlog

from exora.domain.job import ClaimedJob, Fence, HeartbeatNews
from exora.domain.phi import describe_error
from exora.errors import CoordinationError, OutcomeUnknown

_log = structlog.get_logger("exora.worker.keeper")
_TICK_S = 0.25
_RETRY_S = 1.0
#: A tick this late means that the thread hangs.
_DEAD_S = 60.0


class Heartbeats(Protocol):
    """The keeper's own connection."""

    async def heartbeat(self, fences: Sequence[Fence]) -> HeartbeatNews: ...

    async def close(self) -> None: ...


class Keeper:
    """Keeps claims alive.

    Args:
        connect: opens the keeper's own coordinator, inside its thread's loop.
        held: every claim to be kept; called from the keeper's thread.
        on_news: called from the keeper's thread with the claims that are lost or to be cancelled.
        heartbeat_s: seconds between heartbeats; None = the smallest of the held jobs' own.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Heartbeats]],
        held: Callable[[], list[ClaimedJob]],
        on_news: Callable[[HeartbeatNews], None],
        heartbeat_s: float | None,
    ) -> None:
        self._connect = connect
        self._held = held
        self._on_news = on_news
        self._heartbeat_s = heartbeat_s
        self._renewed: dict[Fence, float] = {}
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._last_beat = datetime.now(UTC)

    @property
    def last_heartbeat(self) -> datetime:
        """When the thread last did its round, with or without claims to renew."""
        return self._last_beat

    @property
    def alive(self) -> bool:
        """Whether the thread lives and has done a round lately."""
        late = (datetime.now(UTC) - self._last_beat).total_seconds() > _DEAD_S
        return self._thread is not None and self._thread.is_alive() and not late

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="exora-keeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and close its connection."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    async def run_once(self, heartbeats: Heartbeats) -> None:
        """Renew everything held, once, if anything is due. A claim that could not be renewed within its lease
        counts as lost: somebody else may have it by now.

        Raises:
            CoordinationError: the database could not be asked.
        """
        jobs = self._held()
        now = time.monotonic()
        self._renewed = {job.fence: self._renewed.get(job.fence, now) for job in jobs}
        if not any(now - self._renewed[job.fence] >= (self._heartbeat_s or job.heartbeat_s) for job in jobs):
            return
        left = min(self._renewed[job.fence] + job.lease_s for job in jobs) - now
        try:
            async with asyncio.timeout(max(left, _RETRY_S)):
                news = await heartbeats.heartbeat(list(self._renewed))
        except (CoordinationError, TimeoutError) as error:
            late = time.monotonic()
            lost = [job.fence for job in jobs if late - self._renewed[job.fence] >= job.lease_s]
            if lost:
                self._on_news(HeartbeatNews(lost, []))
            if isinstance(error, TimeoutError):
                raise OutcomeUnknown("a heartbeat was not answered within the lease") from error
            raise
        self._renewed = dict.fromkeys(self._renewed, now)
        if news.lost or news.cancelled:
            self._on_news(news)

    async def _run(self) -> None:
        heartbeats: Heartbeats | None = None
        tick = min(_TICK_S, self._heartbeat_s or _TICK_S)
        while not self._stopping.is_set():
            pause = tick
            try:
                heartbeats = heartbeats or await self._connect()
                await self.run_once(heartbeats)
            except CoordinationError as error:
                info = describe_error(error)
                _log.warning("heartbeat_failed", error_class=info.error_class, error_code=info.code)
                pause = _RETRY_S
            self._last_beat = datetime.now(UTC)
            await asyncio.sleep(pause)
        if heartbeats is not None:
            await heartbeats.close()
