"""A worker: starts the loops, drains on a signal, stops them in order."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import structlog

from exora.capacity.clients import GatedApis
from exora.capacity.gate import Gate
from exora.coordination.port import Coordinator
from exora.domain.capacity import ApiCapacity
from exora.domain.job import Fence, HeartbeatNews
from exora.domain.phi import describe_error
from exora.observe.tally import Tally
from exora.worker.claimer import Claimer
from exora.worker.config import WorkerConfig
from exora.worker.keeper import Heartbeats, Keeper
from exora.worker.presence import Presence
from exora.worker.registry import Registry
from exora.worker.runner import Runner
from exora.worker.scheduler import Scheduler
from exora.worker.settler import Settler
from exora.worker.sweeper import Sweeper
from exora.worker.wakeups import Wakeups

_log = structlog.get_logger("exora.worker")
#: Seconds after the drain in which outcomes may still be written.
_LAST_WORDS_S = 5.0


def _ignore(*_: object) -> None:
    """Nobody watches."""


class Worker:
    """One worker process's loops.

    Args:
        coordinator: the verbs, for everything but heartbeats.
        connect_keeper: opens a second coordinator in the keeper's own thread.
        registry: handlers; the worker serves the types they are registered for.
        config: the numbers.
        on_progress: called with (job id, done, total) when a handler reports progress.
        tally: counts what it does; None = one of its own.
        apis: what handlers may call, behind one gate; None = what they call themselves, behind a gate of its own.
    """

    def __init__(
        self,
        coordinator: Coordinator,
        connect_keeper: Callable[[], Awaitable[Heartbeats]],
        registry: Registry,
        config: WorkerConfig,
        on_progress: Callable[[UUID, int, int], None] = _ignore,
        tally: Tally | None = None,
        apis: GatedApis | None = None,
    ) -> None:
        self.config = config
        self.tally = tally or Tally()
        self._own_gate: Gate | None = None
        if apis is None:
            self._own_gate = Gate(coordinator, config.worker_id, usage=self.tally.usage)
            apis = GatedApis(self._own_gate)
        self.calls = apis.gate.calls
        self._settler = Settler(coordinator, config.settle_window_s, self._settled)
        self._runner = Runner(
            registry=registry,
            store=coordinator,
            settle=self._settler.put,
            worker_id=config.worker_id,
            slots=config.concurrency,
            on_progress=on_progress,
            tally=self.tally,
            apis=apis,
        )
        self._keeper = Keeper(connect_keeper, self._runner.held, self._news, config.heartbeat_s)
        self._wakeups = Wakeups(coordinator)
        self._claimer = Claimer(
            coordinator, self._runner, self._wakeups, config, registry.job_types, lambda: self._settler.unwritten
        )
        self._sweeper = Sweeper(coordinator, config.sweep_interval_s, self.tally)
        self._scheduler = Scheduler(coordinator)
        self._presence = Presence(coordinator, config, registry.job_types, lambda: self.active_jobs, self.tally)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._now = asyncio.Event()
        #: One of its loops died: it stopped by itself, and whoever started it should start it again.
        self.failed = False

    @property
    def active_jobs(self) -> int:
        """Jobs running now."""
        return self._runner.active

    @property
    def state(self) -> str:
        """starting, working, draining or stopped."""
        return "starting" if self._loop is None else self._presence.state

    @property
    def listening(self) -> bool:
        """Whether notifications arrive; if not, only polling finds jobs."""
        return self._wakeups.listening

    @property
    def keeper(self) -> Keeper:
        """The heartbeat thread, for /health."""
        return self._keeper

    @property
    def capacity(self) -> list[ApiCapacity]:
        """The last known picture of API capacity."""
        return self._sweeper.capacity

    def stop(self) -> None:
        """Ask for a drain; asked twice, running jobs are released at once."""
        if self._stop.is_set():
            self._now.set()
        self._stop.set()

    async def run(self, *, handle_signals: bool = True) -> None:
        """Work until asked to stop (``stop``, SIGTERM or SIGINT), then drain and return."""
        if handle_signals:
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, self.stop)
        self._loop = asyncio.get_running_loop()
        before = asyncio.all_tasks()
        self._keeper.start()
        self._settler.start()
        self._runner.start()
        self._wakeups.start()
        self._sweeper.start()
        self._presence.start()
        self._scheduler.start()
        self._claimer.start()
        for task in asyncio.all_tasks() - before:
            task.add_done_callback(self._loop_ended)
        _log.info("worker_started", worker_id=self.config.worker_id, concurrency=self.config.concurrency)
        try:
            await self._stop.wait()
        finally:
            await self._drain()

    def _loop_ended(self, task: asyncio.Task[Any]) -> None:
        """A loop that fails takes the worker with it: without it the worker would look well and do nothing."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            info = describe_error(error)
            _log.error(
                "loop_died",
                loop=task.get_name(),
                error_class=info.error_class,
                error_code=info.code,
                fingerprint=info.fingerprint,
            )
            self.failed = True
            self.stop()

    def _settled(self, fences: Sequence[Fence]) -> None:
        self._runner.settled(fences)

    def _news(self, news: HeartbeatNews) -> None:
        """Called from the keeper's thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._runner.lose, news.lost)
            self._loop.call_soon_threadsafe(self._runner.cancel, news.cancelled)

    async def _drain(self) -> None:
        _log.info("worker_draining", active_jobs=self.active_jobs, drain_s=self.config.drain_s)
        self._presence.drain()
        await self._claimer.stop()
        self._runner.release_queued()
        finishing = asyncio.create_task(self._runner.finish(self.config.drain_s))
        hurrying = asyncio.create_task(self._now.wait())
        await asyncio.wait({finishing, hurrying}, return_when=asyncio.FIRST_COMPLETED)
        for task in (finishing, hurrying):
            task.cancel()
        await asyncio.gather(finishing, hurrying, return_exceptions=True)
        await self._runner.finish(0)
        await asyncio.gather(self._sweeper.stop(), self._scheduler.stop(), self._wakeups.stop())
        if self._own_gate is not None:
            await self._own_gate.close()
        await self._settler.stop(_LAST_WORDS_S)
        await self._presence.stop()
        await self._runner.close()
        await asyncio.to_thread(self._keeper.stop)
        _log.info("worker_stopped", worker_id=self.config.worker_id)
