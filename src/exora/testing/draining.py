"""Draining: runs everything that can be run now, in this process, by the worker's own runner and settler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from exora.capacity.clients import GatedApis
from exora.capacity.gate import Gate
from exora.coordination.port import Coordinator
from exora.domain.job import ClaimedJob, Fence
from exora.domain.outcome import Completed, Outcome, Retry, SettleAnswer, Settlement
from exora.observe.tally import Tally
from exora.worker.context import JobContext
from exora.worker.registry import Registry
from exora.worker.runner import Runner
from exora.worker.settler import Settler

_WRITE_S = 10.0

Backoff = Callable[[str, int], float]


@dataclass(frozen=True, slots=True)
class Ended:
    """One attempt that was run.

    Attributes:
        job: as it was claimed.
        outcome: what was written of it; None = the claim was lost, and nothing was.
        error: what the handler raised, as it was raised: the database keeps its class and a fingerprint only.
    """

    job: ClaimedJob
    outcome: Outcome | None
    error: Exception | None

    @property
    def job_id(self) -> UUID:
        """The job's id."""
        return self.job.job_id

    @property
    def completed(self) -> bool:
        """Whether the job is done."""
        return isinstance(self.outcome, Completed)


class _Watched(Registry):
    """Handlers, and what they raised."""

    def __init__(self, inner: Registry) -> None:
        super().__init__()
        self._handlers = dict(inner._handlers)
        self.raised: dict[Fence, Exception] = {}

    def call(
        self, job_type: str, context: JobContext, payload: dict[str, Any]
    ) -> Awaitable[Outcome | dict[str, Any] | None]:
        async def run() -> Outcome | dict[str, Any] | None:
            try:
                return await super(_Watched, self).call(job_type, context, payload)
            except Exception as error:
                self.raised[context.job.fence] = error
                raise

        return run()


class _Noted:
    """Settles, and remembers what was settled. A retry waits for the whole of its backoff: how a test goes must not
    hang on a draw, by which the retry may be due before the drain that failed is over."""

    def __init__(self, inner: Coordinator, backoff_s: Backoff) -> None:
        self._inner = inner
        self._backoff_s = backoff_s
        self.claimed: dict[Fence, ClaimedJob] = {}
        self.outcomes: dict[Fence, Outcome] = {}

    def _whole(self, fence: Fence, outcome: Outcome) -> Outcome:
        if not isinstance(outcome, Retry) or outcome.delay_s is not None:
            return outcome
        job = self.claimed[fence]
        return replace(outcome, delay_s=self._backoff_s(job.job_type, job.retry_count))

    async def settle(self, settlements: Sequence[Settlement]) -> list[SettleAnswer]:
        settlements = [Settlement(fence, self._whole(fence, outcome)) for fence, outcome in settlements]
        answers = await self._inner.settle(settlements)
        for (fence, outcome), answer in zip(settlements, answers, strict=True):
            if answer != "lost":
                self.outcomes[fence] = outcome
        return answers


def _ignore(*_: object) -> None:
    """Nobody watches."""


async def run_due(
    coordinator: Coordinator, registry: Registry, backoff_s: Backoff, ended: list[Ended], *, slots: int, most: int
) -> None:
    """Sweep, claim and run until nothing can be claimed; jobs that handlers enqueue are run too.

    Args:
        coordinator: the verbs.
        registry: handlers; only jobs of their types are claimed.
        backoff_s: the pause before a retry, of a job's type and how often it was retried.
        ended: the attempts so far; those that are made are added.
        slots: how many run at once.
        most: attempts, at most.

    Raises:
        RuntimeError: there is no handler, or after ``most`` attempts there still are jobs.
    """
    if not registry.job_types:
        raise RuntimeError("no handler is registered: import the module that registers them, or set sandbox.registry")
    watched, noted = _Watched(registry), _Noted(coordinator, backoff_s)
    gate = Gate(coordinator, f"drain-{uuid4()}")
    try:
        await _run_all(coordinator, watched, noted, gate, ended, slots, most)
    finally:
        await gate.close()


async def _run_all(
    coordinator: Coordinator, watched: _Watched, noted: _Noted, gate: Gate, ended: list[Ended], slots: int, most: int
) -> None:
    while True:
        await coordinator.sweep()
        claimed = await coordinator.claim(
            worker_id="drain", claim_token=uuid4(), job_types=watched.job_types, lanes=None, limit=slots, wait=False
        )
        if not claimed:
            return
        if len(ended) + len(claimed) > most:
            raise RuntimeError(f"more than {most} attempts: a job that retries or snoozes without end?")
        noted.claimed |= {job.fence: job for job in claimed}
        await _run(claimed, watched, coordinator, noted, gate, slots)
        ended += [Ended(job, noted.outcomes.get(job.fence), watched.raised.get(job.fence)) for job in claimed]


async def _run(
    jobs: list[ClaimedJob], registry: Registry, coordinator: Coordinator, noted: _Noted, gate: Gate, slots: int
) -> None:
    """Run claimed jobs to their ends, and write those."""
    settler = Settler(noted, 0.0, lambda fences: runner.settled(fences))
    runner = Runner(
        registry=registry, store=coordinator, settle=settler.put, worker_id="drain", slots=slots,
        on_progress=_ignore, tally=Tally(), apis=GatedApis(gate),
    )  # fmt: skip
    settler.start()
    runner.start()
    runner.offer(jobs)
    while runner.queued or runner.active:
        runner.changed.clear()
        await runner.changed.wait()
    await settler.stop(_WRITE_S)
    await runner.close()
