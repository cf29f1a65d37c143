"""The verbs of people and of monitoring: explain, hold, retry, workers and what they report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    UsageKey,
    UsageLimits,
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

    async def usage(
        self,
        first: date,
        last: date,
        by: Sequence[UsageKey] = ("day", "lane"),
        *,
        patient_id: UUID | None = None,
        job_id: UUID | None = None,
        limit: int = 10000,
    ) -> list[Usage]:
        """What was done and spent from one day to another, summed by any of day, lane, patient, model and job (by none:
        in all), of one patient, of one job, or of all; the first day first, then the dearest and longest."""
        ...

    async def usage_limits(self) -> UsageLimits:
        """What patients may use on a day."""
        ...

    async def set_usage_limits(
        self, patient_id: UUID | None, limits: Mapping[str, float | None], act: Act = UNSIGNED
    ) -> None:
        """Change what a patient, or each one without limits of their own, may use on a day: ``jobs_per_day``,
        ``pages_per_day``, ``usd_per_day`` (None = unlimited). Enqueues beyond raise ``UsageLimitReached``, once they
        are enforced."""
        ...

    async def enforce_usage_limits(self, enforced: bool, act: Act = UNSIGNED) -> bool:
        """Turn the limits of usage on or off; False when it was so already."""
        ...

    async def enqueue_after(
        self, request: EnqueueRequest, needs: Sequence[UUID], *, any_end: bool = False
    ) -> EnqueueAnswer:
        """Enqueue a job that waits until other jobs (1 to 1000) are completed, or with ``any_end`` have ended however.

        ``scheduled_at`` and the concurrency key of the request are not taken.
        """
        ...
