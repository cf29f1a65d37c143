"""Runs one job: context, time limit, and what the end of its handler means."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import structlog

from exora.domain.job import ClaimedJob
from exora.domain.outcome import Completed, Dead, ErrorInfo, Outcome, Release, Retry, Settlement
from exora.domain.phi import describe_error
from exora.errors import BadInput, DocumentError, LostClaim
from exora.worker.context import JobContext, JobStore
from exora.worker.keeper import Keeper
from exora.worker.registry import Registry
from exora.worker.settler import Settler

_log = structlog.get_logger("exora.worker.runner")


class Runner:
    """Runs claimed jobs as tasks.

    Args:
        registry: handlers by type.
        store: the verbs handlers may use.
        keeper: renews the claims.
        settler: writes the outcomes.
        worker_id: this process.
        on_progress: called with (job id, done, total) when a handler reports progress.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        store: JobStore,
        keeper: Keeper,
        settler: Settler,
        worker_id: str,
        on_progress: Callable[[UUID, int, int], None],
    ) -> None:
        self._registry = registry
        self._store = store
        self._keeper = keeper
        self._settler = settler
        self._worker_id = worker_id
        self._on_progress = on_progress
        self._tasks: dict[asyncio.Task[None], ClaimedJob] = {}
        self._lost: set[asyncio.Task[None]] = set()
        self._freed = asyncio.Event()

    @property
    def active(self) -> int:
        """Jobs running now."""
        return len(self._tasks)

    @property
    def freed(self) -> asyncio.Event:
        """Set whenever a job ends; who waits on it clears it."""
        return self._freed

    def start(self, job: ClaimedJob) -> None:
        """Run a job as a task of its own, its claim held from now on."""
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._run(job), name=f"exora-job-{job.job_id}")
        self._tasks[task] = job
        task.add_done_callback(self._ended)

        def lost() -> None:
            loop.call_soon_threadsafe(self._lose, task)

        self._keeper.hold(job, lost)

    async def finish(self, within_s: float) -> None:
        """Let running jobs finish for so many seconds, then release the rest: given back, not failed."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within_s)
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=10)

    def _lose(self, task: asyncio.Task[None]) -> None:
        if task in self._tasks:
            self._lost.add(task)
            task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._keeper.drop(self._tasks.pop(task).fence)
        self._lost.discard(task)
        self._freed.set()
        if not task.cancelled() and task.exception() is not None:
            _log.error("runner_failed", error_class=type(task.exception()).__name__)

    async def _run(self, job: ClaimedJob) -> None:
        with structlog.contextvars.bound_contextvars(
            job_id=str(job.job_id),
            correlation_id=str(job.correlation_id),
            job_type=job.job_type,
            attempt=job.fence.attempt,
        ):
            started = time.monotonic()
            _log.info("job_started")
            outcome = await self._outcome(job)
            if outcome is None:
                _log.warning("claim_lost", duration_s=round(time.monotonic() - started, 3))
                return
            status = await self._settle(Settlement(job.fence, outcome))
            _log.info(
                "job_ended",
                outcome=type(outcome).__name__.lower(),
                status=status,
                duration_s=round(time.monotonic() - started, 3),
                **_error_fields(outcome),
            )

    async def _settle(self, settlement: Settlement) -> str:
        """Settle even while being cancelled: the outcome is known, and writing it is what frees the job."""
        writing = asyncio.ensure_future(self._settler.settle(settlement))
        while True:
            try:
                return await asyncio.shield(writing)
            except asyncio.CancelledError:
                if writing.cancelled():
                    raise
                task = asyncio.current_task()
                if task is not None:
                    task.uncancel()

    async def _outcome(self, job: ClaimedJob) -> Outcome | None:
        """The outcome of one attempt; None when the claim was lost and nothing may be written."""
        context = JobContext(job, self._worker_id, time.monotonic() + job.timeout_s, self._store, self._on_progress)
        try:
            async with asyncio.timeout(job.timeout_s):
                return _as_outcome(await self._registry.run(job.job_type, context, job.payload))
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
                if task in self._lost:
                    return None
            return Release("shutdown")
        except LostClaim:
            return None
        except TimeoutError:
            return Retry(
                ErrorInfo("TimeoutError", "timeout", f"the attempt took longer than {job.timeout_s:g} s", "timeout")
            )
        except (DocumentError, BadInput) as error:
            return Dead(describe_error(error))
        except Exception as error:
            return Retry(describe_error(error))


def _as_outcome(answer: Outcome | dict[str, Any] | None) -> Outcome:
    return Completed(answer) if answer is None or isinstance(answer, dict) else answer


def _error_fields(outcome: Outcome) -> dict[str, str]:
    if not isinstance(outcome, Retry | Dead):
        return {}
    error = outcome.error
    return {"error_class": error.error_class, "error_code": error.code, "fingerprint": error.fingerprint}
