"""The verbs of people and of monitoring: explain, hold, retry, workers and what they report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from exora.domain.audit import AuditWindow
from exora.domain.job import EnqueueAnswer, EnqueueRequest
from exora.domain.operations import (
    UNSIGNED,
    Act,
    AuditState,
    DeadGroup,
    Explanation,
    Moment,
    TrailEvent,
    Usage,
    WorkerReport,
    WorkerView,
)
from exora.domain.schedule import Missed, Schedule


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
        self, fingerprint: str | None, until: datetime | None = None, limit: int = 1000, act: Act = UNSIGNED
    ) -> tuple[int, datetime]:
        """Redrive dead letters of one fingerprint, or of all, that had died by then (None: now); how many were, and
        that time. Called again with it until it answers less than the limit, it leaves alone what dies again."""
        ...

    async def audit_state(self) -> AuditState:
        """How much of the audit trail is sealed and verified."""
        ...

    async def note_audit_check(self, events: int, findings: int, *, anchored: bool, act: Act = UNSIGNED) -> None:
        """Note that the audit trail was verified."""
        ...

    async def list_audit(self, limit: int = 50, event: str | None = None) -> list[TrailEvent]:
        """The newest audit events, newest first, of one kind or of all."""
        ...

    async def export_audit(self, window: AuditWindow) -> list[TrailEvent]:
        """The events sealed in a window, in the order of sealing."""
        ...

    async def list_schedules(self, *, due: bool = False, limit: int = 1000) -> list[Schedule]:
        """All schedules, or those whose tick has come; the next first."""
        ...

    async def put_schedule(
        self,
        name: str,
        *,
        cron: str,
        time_zone: str,
        next_at: datetime,
        job_type: str,
        payload: dict[str, Any],
        lane: str | None = None,
        priority: int = 5,
        missed: Missed = "one",
        act: Act = UNSIGNED,
    ) -> bool:
        """Make or change a schedule; True when it is new."""
        ...

    async def drop_schedule(self, name: str, act: Act = UNSIGNED) -> bool:
        """End a schedule; False when there is none of that name."""
        ...

    async def fire_schedule(self, name: str, tick: datetime, next_at: datetime, *, skip: bool) -> UUID | None:
        """Move a schedule on and enqueue the tick's job unless it is skipped; None: skipped, or another did."""
        ...

    async def run_schedule(self, name: str, act: Act = UNSIGNED) -> UUID:
        """Enqueue a schedule's job now, besides its ticks.

        Raises:
            NotFound: there is no schedule of that name.
        """
        ...

    async def usage(self, first: date, last: date) -> list[Usage]:
        """What was done and spent on each day, from one to another."""
        ...

    async def enqueue_after(
        self, request: EnqueueRequest, needs: Sequence[UUID], *, any_end: bool = False
    ) -> EnqueueAnswer:
        """Enqueue a job that waits until other jobs (1 to 1000) are completed, or with ``any_end`` have ended however.

        ``scheduled_at`` and the concurrency key of the request are not taken.
        """
        ...
