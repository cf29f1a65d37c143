"""``Operations`` over any transport: domain values to function arguments, rows to domain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from exora.coordination.calls import Calls, signed
from exora.domain.audit import AuditWindow
from exora.domain.job import EnqueueAnswer, EnqueueRequest
from exora.domain.operations import (
    UNSIGNED,
    Act,
    AuditState,
    DeadGroup,
    Explanation,
    Fact,
    Moment,
    TrailEvent,
    Usage,
    UsageKey,
    UsageLimit,
    UsageLimits,
    WorkerReport,
    WorkerView,
)
from exora.domain.schedule import Missed, Schedule


class WireOperations(Calls):
    """The part of ``WireCoordinator`` for people and monitoring."""

    async def explain_job(self, job_id: UUID) -> Explanation:
        found = await self._scalar("explain_job_v3", {"p_job_id": job_id})
        facts = tuple(Fact(fact["cause"], fact["fact"], fact["remedy"]) for fact in found["facts"])
        return Explanation(job_id, found["status"], found["cause"], found["sentence"], facts)

    async def hold_job(self, job_id: UUID, act: Act = UNSIGNED) -> str:
        return str(await self._scalar("hold_job_v3", {"p_job_id": job_id, **signed(act)}))

    async def retry_job(self, job_id: UUID, act: Act = UNSIGNED) -> str:
        return str(await self._scalar("retry_job_v3", {"p_job_id": job_id, **signed(act)}))

    async def list_workers(self) -> list[WorkerView]:
        return [WorkerView(**row) for row in await self._transport.call("workers_v3", {}, repeatable=True)]

    async def report_worker(self, report: WorkerReport) -> None:
        arguments = {
            "p_worker_id": report.worker_id,
            "p_report": report.report,
            "p_started_at": report.started_at,
            "p_state": report.state,
            "p_job_types": report.job_types,
            "p_lanes": report.lanes,
            "p_slots": report.slots,
            "p_active": report.active,
            "p_memory_bytes": report.memory_bytes,
            "p_version": report.version,
            "p_work": report.work,
            "p_used": report.used,
        }
        await self._transport.call("report_worker_v3", arguments, repeatable=True)

    async def lane_history(self, minutes: int = 60, step: int = 1, lane: str | None = None) -> list[Moment]:
        arguments = {"p_minutes": minutes, "p_step": step, "p_lane": lane}
        rows = await self._transport.call("lane_history_v3", arguments, repeatable=True)
        return [Moment(**row) for row in rows]

    async def dead_groups(self, limit: int = 50) -> list[DeadGroup]:
        rows = await self._transport.call("dead_groups_v3", {"p_limit": limit}, repeatable=True)
        return [DeadGroup(**row) for row in rows]

    async def redrive_group(
        self, fingerprint: str | None, until: datetime | None = None, limit: int = 1000, act: Act = UNSIGNED
    ) -> tuple[int, datetime]:
        arguments = {"p_fingerprint": fingerprint, "p_until": until, "p_limit": limit, **signed(act)}
        [row] = await self._transport.call("redrive_group_v3", arguments, repeatable=True)
        return row["redriven"], row["dead_until"]

    async def audit_state(self) -> AuditState:
        return AuditState(**(await self._transport.call("audit_state_v3", {}, repeatable=True))[0])

    async def note_audit_check(self, events: int, findings: int, *, anchored: bool, act: Act = UNSIGNED) -> None:
        arguments = {"p_events": events, "p_findings": findings, "p_anchored": anchored}
        who = {} if act.by is None else {"p_by": act.by}
        await self._transport.call("note_audit_check_v3", arguments | who, repeatable=True)

    async def list_audit(self, limit: int = 50, event: str | None = None) -> list[TrailEvent]:
        arguments = {"p_limit": limit, "p_event": event}
        return [TrailEvent(**row) for row in await self._transport.call("list_audit_v3", arguments, repeatable=True)]

    async def export_audit(self, window: AuditWindow) -> list[TrailEvent]:
        arguments = {"p_from_run": window.from_run, "p_to_run": window.to_run}
        return [TrailEvent(**row) for row in await self._transport.call("export_audit_v3", arguments, repeatable=True)]

    async def list_schedules(self, *, due: bool = False, limit: int = 1000) -> list[Schedule]:
        arguments = {"p_due": due, "p_limit": limit}
        return [Schedule(**row) for row in await self._transport.call("schedules_v3", arguments, repeatable=True)]

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
        arguments = {
            "p_name": name,
            "p_cron": cron,
            "p_time_zone": time_zone,
            "p_next_at": next_at,
            "p_job_type": job_type,
            "p_payload": payload,
            "p_lane": lane,
            "p_priority": priority,
            "p_missed": missed,
        }
        return bool(await self._scalar("put_schedule_v3", arguments | signed(act)))

    async def drop_schedule(self, name: str, act: Act = UNSIGNED) -> bool:
        return bool(await self._scalar("drop_schedule_v3", {"p_name": name, **signed(act)}))

    async def fire_schedule(self, name: str, tick: datetime, next_at: datetime, *, skip: bool) -> UUID | None:
        arguments = {"p_name": name, "p_tick": tick, "p_next_at": next_at, "p_skip": skip}
        job_id: UUID | None = await self._scalar("fire_schedule_v3", arguments)
        return job_id

    async def run_schedule(self, name: str, act: Act = UNSIGNED) -> UUID:
        rows = await self._transport.call("run_schedule_v3", {"p_name": name, **signed(act)}, repeatable=False)
        job_id: UUID = rows[0]["run_schedule_v3"]
        return job_id

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
        arguments: dict[str, Any] = {"p_from": first, "p_to": last, "p_by": list(by), "p_limit": limit}
        arguments |= {"p_patient_id": patient_id, "p_job_id": job_id}
        rows = await self._transport.call("usage_v3", arguments, repeatable=True)
        return [Usage(**{**row, "day": _day(row["day"])}) for row in rows]

    async def usage_limits(self) -> UsageLimits:
        found = await self._scalar("usage_limits_v3", {})
        limits = [
            UsageLimit(**{**limit, "patient_id": None if limit["patient_id"] is None else UUID(limit["patient_id"])})
            for limit in found["limits"]
        ]
        return UsageLimits(found["enforced"], limits)

    async def set_usage_limits(
        self, patient_id: UUID | None, limits: Mapping[str, float | None], act: Act = UNSIGNED
    ) -> None:
        arguments = {"p_patient_id": patient_id, "p_limits": dict(limits), **signed(act)}
        await self._transport.call("set_usage_limits_v3", arguments, repeatable=True)

    async def enforce_usage_limits(self, enforced: bool, act: Act = UNSIGNED) -> bool:
        return bool(await self._scalar("enforce_usage_limits_v3", {"p_enforced": enforced, **signed(act)}))

    async def enqueue_after(
        self, request: EnqueueRequest, needs: Sequence[UUID], *, any_end: bool = False
    ) -> EnqueueAnswer:
        arguments: dict[str, Any] = {
            "job_type": request.job_type,
            "job_name": request.name,
            "job_payload": request.payload,
            "p_needs": list(needs),
            "p_any_end": any_end,
            "job_category": request.category,
            "priority": request.priority,
        }
        optional = {
            "p_job_lane": request.lane,
            "p_idempotency_key": request.idempotency_key,
            "p_max_retries": request.max_retries,
        }
        arguments |= {name: value for name, value in optional.items() if value is not None}
        repeatable = request.idempotency_key is not None
        [row] = await self._transport.call("enqueue_after_v3", arguments, repeatable=repeatable)
        return EnqueueAnswer(row["job_id"], row["scheduled_at"], row["outcome"], row["reason"])


def _day(value: date | str | None) -> date | None:
    """A day as either transport carries it."""
    return date.fromisoformat(value) if isinstance(value, str) else value
