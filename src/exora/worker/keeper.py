"""Heartbeats: renews the leases of all claims from a thread of its own.

Neither a busy event loop nor a handler that holds it can starve this thread; it has its own loop
and its own connection.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import structlog

from exora.domain.job import ClaimedJob, Fence
from exora.domain.phi import describe_error
from exora.errors import CoordinationError

_log = structlog.get_logger("exora.worker.keeper")
_RETRY_S = 1.0
_IDLE_TICK_S = 5.0


class Heartbeats(Protocol):
    """The keeper's own connection."""

    async def heartbeat(self, fences: Sequence[Fence]) -> list[Fence]: ...

    async def close(self) -> None: ...


@dataclass(slots=True)
class _Held:
    lease_s: float
    renewed_at: float
    on_lost: Callable[[], None]


class Keeper:
    """Holds claims for the runner.

    Args:
        connect: opens the keeper's own coordinator, inside its thread's loop.
        heartbeat_s: seconds between heartbeats; None = the smallest of the held jobs' own.
    """

    def __init__(self, connect: Callable[[], Awaitable[Heartbeats]], heartbeat_s: float | None) -> None:
        self._connect = connect
        self._heartbeat_s = heartbeat_s
        self._held: dict[Fence, _Held] = {}
        self._intervals: dict[Fence, float] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed: asyncio.Event | None = None
        self._stopping = False
        self._last_beat = datetime.now(UTC)

    @property
    def last_heartbeat(self) -> datetime:
        """When the thread last did its round, with or without claims to renew."""
        return self._last_beat

    @property
    def alive(self) -> bool:
        """Whether the thread lives and has done a round lately."""
        interval = self._interval()
        late = (datetime.now(UTC) - self._last_beat).total_seconds() > 3 * interval + 30
        return self._thread is not None and self._thread.is_alive() and not late

    def start(self) -> None:
        """Start the thread; returns once its loop runs."""
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(ready)), name="exora-keeper", daemon=True)
        self._thread.start()
        ready.wait()

    def stop(self) -> None:
        """Stop the thread and close its connection."""
        self._stopping = True
        self._wake()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def hold(self, job: ClaimedJob, on_lost: Callable[[], None]) -> None:
        """Renew a claim until ``drop``; ``on_lost`` is called from the keeper's thread when it is lost."""
        with self._lock:
            self._held[job.fence] = _Held(job.lease_s, time.monotonic(), on_lost)
            self._intervals[job.fence] = job.heartbeat_s
        self._wake()

    def drop(self, fence: Fence) -> None:
        """Stop renewing a claim."""
        with self._lock:
            self._held.pop(fence, None)
            self._intervals.pop(fence, None)

    async def run_once(self, heartbeats: Heartbeats) -> None:
        """Renew everything held, once. A claim that could not be renewed within its lease counts as
        lost: somebody else may have it by now."""
        with self._lock:
            fences = list(self._held)
        asked_at = time.monotonic()
        lost: list[Fence] = []
        try:
            lost = await heartbeats.heartbeat(fences)
            renewed = True
        except CoordinationError as error:
            renewed = False
            _log.warning("heartbeat_failed", claims=len(fences), **_code(error))
        with self._lock:
            for fence in fences:
                held = self._held.get(fence)
                if held is None:
                    continue
                if renewed and fence not in lost:
                    held.renewed_at = asked_at
                elif fence in lost or asked_at - held.renewed_at > held.lease_s:
                    lost.append(fence)
            calls = [self._held[fence].on_lost for fence in dict.fromkeys(lost) if fence in self._held]
            for fence in lost:
                self._held.pop(fence, None)
                self._intervals.pop(fence, None)
        for call in calls:
            call()
        if not renewed:
            raise _NotRenewed

    async def _run(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        heartbeats: Heartbeats | None = None
        ready.set()
        due = time.monotonic()
        while not self._stopping:
            if time.monotonic() >= due:
                try:
                    if self._held:
                        heartbeats = heartbeats or await self._connect()
                        await self.run_once(heartbeats)
                    self._last_beat = datetime.now(UTC)
                    due = time.monotonic() + self._interval()
                except (_NotRenewed, CoordinationError):
                    due = time.monotonic() + _RETRY_S
            await self._pause(due - time.monotonic())
            due = min(due, time.monotonic() + self._interval())
        if heartbeats is not None:
            await heartbeats.close()

    async def _pause(self, seconds: float) -> None:
        assert self._changed is not None
        try:
            async with asyncio.timeout(max(seconds, 0.01)):
                await self._changed.wait()
        except TimeoutError:
            pass
        self._changed.clear()

    def _interval(self) -> float:
        with self._lock:
            smallest = min(self._intervals.values(), default=_IDLE_TICK_S)
        return smallest if self._heartbeat_s is None else self._heartbeat_s

    def _wake(self) -> None:
        loop, changed = self._loop, self._changed
        if loop is not None and changed is not None and not loop.is_closed():
            loop.call_soon_threadsafe(changed.set)


class _NotRenewed(Exception):
    """This round failed; try again soon."""


def _code(error: BaseException) -> dict[str, str]:
    info = describe_error(error)
    return {"error_class": info.error_class, "error_code": info.code}
