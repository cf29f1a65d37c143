"""Runs claimed jobs in a fixed number of slots: context, time limit, and what the end of a handler means.

A slot is one long-lived task that takes the next claimed job as soon as it is free. What a job costs here is paid by
every job of every worker, so nothing is made per job that can be shared: deadlines are watched by one ticker, log
fields come from one context variable, outcomes go to the settler's buffer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import structlog

from exora.capacity.clients import GatedApis
from exora.domain.job import ClaimedJob, Fence
from exora.domain.outcome import (
    DONE,
    Cancelled,
    Completed,
    Dead,
    ErrorInfo,
    Outcome,
    Release,
    Retry,
    Settlement,
    Snooze,
)
from exora.domain.phi import describe_error
from exora.errors import BadInput, DocumentError, KeyRefused, LostClaim, NoCapacity, QuotaExhausted, RateLimited
from exora.observe.logs import current_job
from exora.observe.tally import Tally
from exora.observe.tracing import tracing
from exora.worker.context import JobContext, JobStore
from exora.worker.registry import Registry

_log = structlog.get_logger("exora.worker.runner")

_TICK_S = 0.1
#: How long a job waits whose call was refused for a reason that a person must mend.
_UNTIL_MENDED_S = 300.0
#: A handler that never waits would keep the loop to itself: its slot lets others in after so many jobs.
_JOBS_PER_TURN = 16
#: Weight of the newest job in the mean duration that bounds prefetching.
_SMOOTHING = 0.05


class _Run:
    """One running job; ``why`` says what it was stopped for, if it was: lost, cancelled, timeout or shutdown."""

    __slots__ = ("deadline", "job", "why")

    def __init__(self, job: ClaimedJob, deadline: float) -> None:
        self.job = job
        self.deadline = deadline
        self.why: str | None = None


class Runner:
    """Slots and the jobs they run.

    Args:
        registry: handlers by type.
        store: the verbs handlers may use.
        settle: takes an outcome; it is written soon.
        worker_id: this process.
        slots: how many jobs run at once.
        on_progress: called with (job id, done, total) when a handler reports progress.
        tally: counts what ends.
        apis: what handlers may call, behind a gate.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        store: JobStore,
        settle: Callable[[Settlement], None],
        worker_id: str,
        slots: int,
        on_progress: Callable[[UUID, int, int], None],
        tally: Tally,
        apis: GatedApis,
    ) -> None:
        self._registry = registry
        self._apis = apis
        self._store = store
        self._settle = settle
        self._worker_id = worker_id
        self._on_progress = on_progress
        self._tally = tally
        self._queue: deque[ClaimedJob] = deque()
        self._idle: deque[asyncio.Future[None]] = deque()
        self._running: dict[asyncio.Task[None], _Run] = {}
        self._held: dict[Fence, ClaimedJob] = {}
        self._mean_s: float | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._slots = slots
        # Bound once: the lazy logger of the module would look its configuration up for every line of every job.
        self._log = _log.bind()
        #: Set whenever a job ends or a slot runs dry; who waits on it clears it.
        self.changed = asyncio.Event()

    @property
    def active(self) -> int:
        """Jobs running now."""
        return len(self._running)

    @property
    def free(self) -> int:
        """Slots that no claimed job is waiting for."""
        return self._slots - len(self._running) - len(self._queue)

    @property
    def queued(self) -> int:
        """Claimed jobs that wait for a slot."""
        return len(self._queue)

    @property
    def mean_s(self) -> float | None:
        """Smoothed seconds a job takes; None before the first."""
        return self._mean_s

    def held(self) -> list[ClaimedJob]:
        """Every claim not yet settled; the keeper renews them. Safe to call from another thread."""
        return list(self._held.values())

    def start(self) -> None:
        """Open the slots."""
        self._tasks = [asyncio.create_task(self._slot(), name=f"exora-slot-{n}") for n in range(self._slots)]
        self._tasks.append(asyncio.create_task(self._watch_deadlines(), name="exora-deadlines"))

    def offer(self, jobs: Iterable[ClaimedJob]) -> None:
        """Hand over claimed jobs; their claims are held from now on."""
        for job in jobs:
            self._held[job.fence] = job
            self._queue.append(job)
            if self._idle:
                self._idle.popleft().set_result(None)

    def lose(self, fences: Iterable[Fence]) -> None:
        """Claims were lost: stop their jobs; nothing of them will be written."""
        lost = set(fences)
        for run in list(self._running.values()):
            if run.job.fence in lost:
                self._stop(run, "lost")
        self._queue = deque(job for job in self._queue if job.fence not in lost)
        self.settled(lost)

    def cancel(self, fences: Iterable[Fence]) -> None:
        """Somebody asked to give these jobs up: stop them, or do not start them."""
        wanted = set(fences)
        for run in list(self._running.values()):
            if run.job.fence in wanted:
                self._stop(run, "cancelled")
        for job in [job for job in self._queue if job.fence in wanted]:
            self._queue.remove(job)
            self._settle(Settlement(job.fence, Cancelled("requested")))

    def settled(self, fences: Iterable[Fence]) -> None:
        """Claims have ended in the database."""
        if tracing.active:
            tracing.settled(fences)
        for fence in fences:
            self._held.pop(fence, None)

    def release_queued(self) -> None:
        """Give back what has not been started."""
        while self._queue:
            self._settle(Settlement(self._queue.popleft().fence, Release("shutdown")))

    async def finish(self, within_s: float) -> None:
        """Let running jobs finish for so many seconds, then stop the rest: given back, not failed."""
        until = time.monotonic() + within_s
        stopped = False
        while self._running:
            left = until - time.monotonic()
            if left <= 0 and not stopped:
                stopped = True
                for run in list(self._running.values()):
                    self._stop(run, "shutdown")
            elif left < -10:
                break  # a handler that cannot be stopped: its lease lapses, and the job runs elsewhere
            self.changed.clear()
            try:
                async with asyncio.timeout(max(left, 0.05)):
                    await self.changed.wait()
            except TimeoutError:
                continue

    async def close(self) -> None:
        """Close the slots."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _stop(self, run: _Run, why: str) -> None:
        if run.why is None:
            run.why = why
            next(task for task, other in self._running.items() if other is run).cancel()

    async def _slot(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        turn = 0
        while True:
            while not self._queue:
                turn = 0
                waiter = asyncio.get_running_loop().create_future()
                self._idle.append(waiter)
                self.changed.set()
                await waiter
            await self._run(task, self._queue.popleft())
            turn += 1
            if turn % _JOBS_PER_TURN == 0:
                await asyncio.sleep(0)

    async def _run(self, task: asyncio.Task[None], job: ClaimedJob) -> None:
        started = time.monotonic()
        run = _Run(job, started + job.timeout_s)
        self._running[task] = run
        token = current_job.set(job)
        self._log.debug("job_started")
        try:
            outcome = await (self._traced(task, run) if tracing.active else self._outcome(task, run))
            took = time.monotonic() - started
            self._mean_s = took if self._mean_s is None else self._mean_s + _SMOOTHING * (took - self._mean_s)
            if outcome is None:
                self._held.pop(job.fence, None)
                self._tally.lost(job, took)
                self._log.warning("claim_lost", duration_s=round(took, 3))
            else:
                self._settle(Settlement(job.fence, outcome))
                self._tally.ended(job, outcome, took)
                if self._log.is_enabled_for(logging.INFO):
                    self._log.info("job_ended", duration_s=round(took, 3), **_outcome_fields(outcome))
        finally:
            current_job.reset(token)
            del self._running[task]
            self.changed.set()

    async def _traced(self, task: asyncio.Task[None], run: _Run) -> Outcome | None:
        with tracing.attempt(run.job, self._worker_id) as ended:
            outcome = await self._outcome(task, run)
            ended |= {"outcome": "lost"} if outcome is None else _outcome_fields(outcome)
            return outcome

    async def _outcome(self, task: asyncio.Task[None], run: _Run) -> Outcome | None:
        """The outcome of one attempt; None when the claim was lost and nothing may be written."""
        job = run.job
        context = JobContext(job, self._worker_id, run.deadline, self._store, self._on_progress, self._apis)
        try:
            return _as_outcome(await self._registry.call(job.job_type, context, job.payload))
        except asyncio.CancelledError:
            if run.why is None:
                raise
            return _stopped(run)
        except LostClaim:
            return None
        except NoCapacity as error:  # later, without burning an attempt
            return Snooze(error.retry_after_s, error.reason)
        except RateLimited as error:
            return Snooze(error.retry_after_s or 1.0, error.code)
        except (QuotaExhausted, KeyRefused) as error:  # its jobs are not claimed until a person acts
            return Snooze(_UNTIL_MENDED_S, error.code)
        except (DocumentError, BadInput) as error:
            return Dead(describe_error(error))
        except Exception as error:
            return Retry(describe_error(error))
        finally:
            # The stop was for this job; it must not reach the slot's next one, even if the handler swallowed it.
            while run.why is not None and task.cancelling():
                task.uncancel()

    async def _watch_deadlines(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            now = time.monotonic()
            for run in list(self._running.values()):
                if now > run.deadline:
                    self._stop(run, "timeout")


def _as_outcome(answer: Outcome | dict[str, Any] | None) -> Outcome:
    if answer is None:
        return DONE
    return Completed(answer) if isinstance(answer, dict) else answer


def _stopped(run: _Run) -> Outcome | None:
    match run.why:
        case "lost":
            return None
        case "cancelled":
            return Cancelled("requested")
        case "timeout":
            summary = f"the attempt took longer than {run.job.timeout_s:g} s"
            return Retry(ErrorInfo("TimeoutError", "timeout", summary, "timeout"))
        case _:
            return Release("shutdown")


def _outcome_fields(outcome: Outcome) -> dict[str, str]:
    fields = {"outcome": type(outcome).__name__.lower()}
    if isinstance(outcome, Retry | Dead):
        error = outcome.error
        fields |= {"error_class": error.error_class, "error_code": error.code, "fingerprint": error.fingerprint}
    return fields
