"""The verbs of people and of monitoring: explain, hold, retry, workers and what they report."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from exora.domain.operations import UNSIGNED, Act, AuditState, DeadGroup, Explanation, Moment, WorkerReport, WorkerView


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

    async def lane_history(self, minutes: int = 60, step: int = 1, lane: str | None = None) -> list[Moment]:
        """What was done over the last minutes, in steps of so many minutes, in one lane or in all."""
        ...

    async def dead_groups(self, limit: int = 50) -> list[DeadGroup]:
        """Dead letters by the fingerprint of their error, the largest groups first."""
        ...

    async def redrive_group(
        self, fingerprint: str | None, until: datetime, limit: int = 1000, act: Act = UNSIGNED
    ) -> int:
        """Redrive dead letters of one fingerprint, or of all, that had died by then; how many of them were.
        Called with the same time until it answers less than the limit, it leaves alone what dies again."""
        ...

    async def audit_state(self) -> AuditState:
        """How much of the audit trail is sealed and verified."""
        ...

    async def note_audit_check(self, events: int, findings: int, *, anchored: bool, act: Act = UNSIGNED) -> None:
        """Note that the audit trail was verified."""
        ...
