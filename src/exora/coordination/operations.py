"""The verbs of people and of monitoring: explain, hold, retry, workers and what they report."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from exora.domain.operations import UNSIGNED, Act, Explanation, WorkerReport, WorkerView


class Operations(Protocol):
    """Part of ``Coordinator``; all raise what ``Transport.call`` raises."""

    async def explain_job(self, job_id: UUID) -> Explanation:
        """Why a job is where it is.

        Raises:
            NotFound: there is no job of that id.
        """
        ...

    async def hold_job(self, job_id: UUID, act: Act = UNSIGNED) -> str:
        """Keep a waiting job from running; ``held``, or the state of one that does not wait."""
        ...

    async def retry_job(self, job_id: UUID, act: Act = UNSIGNED) -> str:
        """Let a job run now: ``ready`` (it waited for its time or was held), ``redriven`` (it was dead), or the
        state of one for which there is nothing to do."""
        ...

    async def list_workers(self) -> list[WorkerView]:
        """Workers that have reported within the hour, those alive first."""
        ...

    async def report_worker(self, report: WorkerReport) -> None:
        """A worker says that it lives and what it has done."""
        ...
