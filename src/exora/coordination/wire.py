"""The verbs over any transport: domain values to function arguments, rows to domain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from exora.coordination.calls import signed
from exora.coordination.port import Transport
from exora.coordination.wire_capacity import WireCapacity
from exora.coordination.wire_operations import WireOperations
from exora.domain.audit import AuditFinding, AuditHead, AuditWindow
from exora.domain.job import (
    AuditEvent,
    ClaimedJob,
    EnqueueAnswer,
    EnqueueRequest,
    Fence,
    HeartbeatNews,
    JobState,
    JobView,
    LaneStats,
    PatientView,
    StoredRecord,
    SubmitAnswer,
    job_number,
)
from exora.domain.operations import UNSIGNED, Act
from exora.domain.outcome import (
    DONE,
    Cancelled,
    Completed,
    Dead,
    ErrorInfo,
    Outcome,
    Release,
    Retry,
    SettleAnswer,
    Settlement,
    Snooze,
)

Row = Mapping[str, Any]

_NAMES: dict[type[Outcome], str] = {
    Completed: "completed",
    Retry: "retry",
    Snooze: "snooze",
    Release: "release",
    Dead: "dead",
    Cancelled: "cancelled",
}


class WireCoordinator(WireOperations, WireCapacity):
    """``Coordinator`` over a ``Transport``. The behavior lives in the database; this only translates."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def enqueue(self, requests: Sequence[EnqueueRequest]) -> list[EnqueueAnswer]:
        if not requests:
            return []
        if len(requests) == 1:
            [request] = requests
            repeatable = request.idempotency_key is not None
            rows = await self._transport.call("enqueue_job_v3", _single(request), repeatable=repeatable)
            return [_answer(rows[0])]
        repeatable = all(request.idempotency_key is not None for request in requests)
        rows = await self._transport.call("enqueue_jobs_v3", _columns(requests), repeatable=repeatable)
        return [_answer(row) for row in rows]

    async def claim(
        self,
        *,
        worker_id: str,
        claim_token: UUID,
        job_types: Sequence[str],
        lanes: Sequence[str] | None,
        limit: int,
        wait: bool,
    ) -> list[ClaimedJob]:
        rows = await self._transport.call(
            "claim_jobs_v3",
            {
                "p_worker_id": worker_id,
                "p_claim_token": claim_token,
                "p_job_types": list(job_types),
                "p_job_lanes": None if lanes is None else list(lanes),
                "p_limit": limit,
                "p_wait": wait,
                "p_flush": False,  # a claim undone by a crash is a job ready again, and its holder is fenced off
            },
            repeatable=True,
        )
        return [_claimed(row, claim_token) for row in rows]

    async def heartbeat(self, fences: Sequence[Fence]) -> HeartbeatNews:
        if not fences:
            return HeartbeatNews([], [])
        by_number = {job_number(fence.job_id): fence for fence in fences}
        rows = await self._transport.call(
            "heartbeat_jobs_v3",
            {
                "p_jobs": list(by_number),
                "p_attempts": [fence.attempt for fence in by_number.values()],
                "p_claim_tokens": [fence.claim_token for fence in by_number.values()],
            },
            repeatable=True,
        )
        lost = [by_number[row["job"]] for row in rows if row["news"] == "lost"]
        return HeartbeatNews(lost, [by_number[row["job"]] for row in rows if row["news"] == "cancel"])

    async def settle(self, settlements: Sequence[Settlement]) -> list[SettleAnswer]:
        if not settlements:
            return []
        rows = await self._transport.call("settle_jobs_v3", _outcomes(settlements), repeatable=True)
        answers: list[SettleAnswer] = ["settled"] * len(settlements)
        for row in rows:
            answers[row["place"] - 1] = row["answer"]
        return answers

    async def sweep(self, limit: int = 500) -> dict[str, Any]:
        return dict(await self._scalar("sweep_v3", {"p_limit": limit}))

    async def redrive(self, job_ids: Sequence[UUID], act: Act = UNSIGNED) -> int:
        return int(await self._scalar("redrive_jobs_v3", {"p_job_ids": list(job_ids), **signed(act)}))

    async def cancel(self, job_id: UUID, act: Act = UNSIGNED) -> str:
        return str(await self._scalar("cancel_job_v3", {"p_job_id": job_id, **signed(act)}))

    async def pause_lane(self, lane: str, paused: bool, act: Act = UNSIGNED) -> bool:
        return bool(await self._scalar("pause_lane_v3", {"p_lane": lane, "p_paused": paused, **signed(act)}))

    async def list_jobs(
        self,
        *,
        state: JobState | None = None,
        patient_id: UUID | None = None,
        limit: int = 50,
        before: UUID | None = None,
        lane: str | None = None,
        fingerprint: str | None = None,
    ) -> list[JobView]:
        arguments = {
            "p_status": None if state is None else state.value,
            "p_patient_id": patient_id,
            "p_limit": limit,
            "p_before": before,
            "p_lane": lane,
            "p_fingerprint": fingerprint,
        }
        rows = await self._transport.call("list_jobs_v3", arguments, repeatable=True)
        return [_view(row) for row in rows]

    async def get_jobs(self, job_ids: Sequence[UUID]) -> list[JobView]:
        arguments = {"p_job_ids": list(job_ids), "p_limit": len(job_ids)}
        rows = await self._transport.call("list_jobs_v3", arguments, repeatable=True)
        wanted = set(job_ids)
        return [_view(row) for row in rows if row["id"] in wanted]

    async def timeline(self, job_id: UUID) -> list[AuditEvent]:
        rows = await self._transport.call("job_timeline_v3", {"p_job_id": job_id}, repeatable=True)
        return [AuditEvent(**row) for row in rows]

    async def queue_stats(self) -> list[LaneStats]:
        return [LaneStats(**row) for row in await self._transport.call("queue_stats_v3", {}, repeatable=True)]

    async def register_patient(self, patient_id: UUID) -> bool:
        return bool(await self._scalar("register_patient_v3", {"p_patient_id": patient_id}))

    async def set_access(self, user_id: UUID, patient_id: UUID, allowed: bool) -> bool:
        function = "grant_access_v3" if allowed else "revoke_access_v3"
        return bool(await self._scalar(function, {"p_user_id": user_id, "p_patient_id": patient_id}))

    async def list_patients(self, limit: int = 100) -> list[PatientView]:
        rows = await self._transport.call("list_patients_v3", {"p_limit": limit}, repeatable=True)
        return [PatientView(**row) for row in rows]

    async def submit_document(
        self,
        *,
        patient_id: UUID,
        storage_path: str,
        sha256: str,
        size_bytes: int,
        media_type: str,
        priority: int = 5,
        lane: str | None = None,
        scheduled_at: datetime | None = None,
    ) -> SubmitAnswer:
        rows = await self._transport.call(
            "submit_document_v3",
            {
                "p_patient_id": patient_id,
                "p_storage_path": storage_path,
                "p_sha256": sha256,
                "p_size_bytes": size_bytes,
                "p_media_type": media_type,
                "p_priority": priority,
                "p_job_lane": lane,
                "p_scheduled_at": scheduled_at,
            },
            repeatable=True,
        )
        return SubmitAnswer(rows[0]["document_id"], _answer(rows[0]))

    async def store_record(
        self, fence: Fence, record: Mapping[str, Any], *, sha256: str, size_bytes: int, media_type: str
    ) -> UUID:
        arguments = {
            "p_job_id": fence.job_id,
            "p_attempt": fence.attempt,
            "p_claim_token": fence.claim_token,
            "p_record": record,
            "p_sha256": sha256,
            "p_size_bytes": size_bytes,
            "p_media_type": media_type,
        }
        document_id: UUID = await self._scalar("store_record_v3", arguments)
        return document_id

    async def get_record(self, job_id: UUID) -> StoredRecord:
        return StoredRecord(**(await self._transport.call("get_record_v3", {"p_job_id": job_id}, repeatable=True))[0])

    async def get_step(self, patient_id: UUID, step_key: str) -> dict[str, Any] | None:
        found = await self._scalar("get_step_v3", {"p_patient_id": patient_id, "p_step_key": step_key})
        return None if found is None else dict(found)

    async def put_step(self, patient_id: UUID, step_key: str, result: Mapping[str, Any]) -> None:
        await self._scalar(
            "put_step_v3", {"p_patient_id": patient_id, "p_step_key": step_key, "p_result": dict(result)}
        )

    async def log_audit_event(
        self,
        event: str,
        *,
        correlation_id: UUID,
        job_id: UUID | None = None,
        document_id: UUID | None = None,
        patient_id: UUID | None = None,
        worker_id: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        arguments = {
            "p_event": event,
            "p_correlation_id": correlation_id,
            "p_job_id": job_id,
            "p_document_id": document_id,
            "p_patient_id": patient_id,
            "p_worker_id": worker_id,
            "p_detail": None if detail is None else dict(detail),
        }
        # A second row after a lost answer is a lesser evil than an access without any.
        await self._scalar("log_audit_event", arguments)

    async def listen(self, on_wake: Callable[[], None], on_lost: Callable[[], None]) -> None:
        await self._transport.listen(on_wake, on_lost)

    async def close(self) -> None:
        await self._transport.close()

    async def seal_audit(self, limit: int = 10000) -> int:
        return int(await self._scalar("seal_audit_v3", {"p_limit": limit}))

    async def audit_heads(self) -> list[AuditHead]:
        return [AuditHead(**row) for row in await self._transport.call("audit_anchor_v3", {}, repeatable=True)]

    async def audit_window(self, after_run: int = 0, events: int = 50000) -> AuditWindow:
        arguments = {"p_after_run": after_run, "p_events": events}
        return AuditWindow(**(await self._transport.call("audit_window_v3", arguments, repeatable=True))[0])

    async def verify_audit(self, window: AuditWindow, heads: Sequence[AuditHead] | None = None) -> list[AuditFinding]:
        anchored = None if heads is None else [{"chain": h.chain, "seq": h.seq, "hash": h.hash} for h in heads]
        arguments = {"p_from_run": window.from_run, "p_to_run": window.to_run, "p_heads": anchored}
        rows = await self._transport.call("verify_audit_v3", arguments, repeatable=True)
        return [AuditFinding(**row) for row in rows]


def _single(request: EnqueueRequest) -> dict[str, Any]:
    """One request by the argument names of the single call; what is not given is not sent."""
    arguments: dict[str, Any] = {
        "job_type": request.job_type,
        "job_name": request.name,
        "job_payload": request.payload,
        "job_category": request.category,
        "priority": request.priority,
    }
    optional = {
        "p_scheduled_at": request.scheduled_at,
        "p_job_lane": request.lane,
        "p_idempotency_key": request.idempotency_key,
        "p_max_retries": request.max_retries,
        "p_concurrency_key": request.concurrency_key,
        "p_concurrency_limit": request.concurrency_limit,
    }
    return arguments | {name: value for name, value in optional.items() if value is not None}


def _columns(requests: Sequence[EnqueueRequest]) -> dict[str, Any]:
    """Requests column by column; a column of defaults is not sent."""
    columns: dict[str, Any] = {
        "p_job_types": [request.job_type for request in requests],
        "p_payloads": [request.payload for request in requests],
    }
    optional: dict[str, tuple[list[Any], Any]] = {
        "p_names": ([request.name for request in requests], None),
        "p_categories": ([request.category for request in requests], "standard"),
        "p_priorities": ([request.priority for request in requests], 5),
        "p_scheduled_at": ([request.scheduled_at for request in requests], None),
        "p_lanes": ([request.lane for request in requests], None),
        "p_idempotency_keys": ([request.idempotency_key for request in requests], None),
        "p_max_retries": ([request.max_retries for request in requests], None),
        "p_concurrency_keys": ([request.concurrency_key for request in requests], None),
        "p_concurrency_limits": ([request.concurrency_limit for request in requests], None),
    }
    for name, (values, default) in optional.items():
        if values.count(default) != len(values):
            columns[name] = values
    return columns


def _answer(row: Row) -> EnqueueAnswer:
    return EnqueueAnswer(row["job_id"], row["scheduled_at"], row["outcome"], row["reason"])


def _claimed(row: Row, claim_token: UUID) -> ClaimedJob:
    return ClaimedJob(
        Fence(row["job_id"], row["attempt"], claim_token),
        row["job_type"],
        row["job_lane"],
        row["job_payload"],
        row["retry_count"],
        row["max_retries"],
        row["priority"],
        row["correlation_id"],
        row["heartbeat_s"],
        row["lease_s"],
        row["timeout_s"],
    )


def _outcomes(settlements: Sequence[Settlement]) -> dict[str, Any]:
    """Settlements column by column; a column that none of them uses is not sent."""
    columns: dict[str, Any] = {
        "p_jobs": [job_number(item.fence.job_id) for item in settlements],
        "p_attempts": [item.fence.attempt for item in settlements],
        "p_claim_tokens": [item.fence.claim_token for item in settlements],
    }
    if all(item.outcome is DONE for item in settlements):
        return columns
    columns["p_outcomes"] = [_NAMES[type(item.outcome)] for item in settlements]
    for name, attribute in (("p_results", "result"), ("p_delays_s", "delay_s"), ("p_reasons", "reason")):
        values = [getattr(item.outcome, attribute, None) for item in settlements]
        if values.count(None) != len(values):
            columns[name] = values
    errors = [getattr(item.outcome, "error", None) for item in settlements]
    if errors.count(None) != len(errors):
        columns["p_errors"] = [None if error is None else _error(error) for error in errors]
    return columns


def _error(error: ErrorInfo) -> dict[str, Any]:
    return {
        "class": error.error_class,
        "code": error.code,
        "summary": error.summary,
        "fingerprint": error.fingerprint,
    }


def _view(row: Row) -> JobView:
    return JobView(
        job_id=row["id"],
        job_type=row["job_type"],
        lane=row["job_lane"],
        name=row["job_name"],
        state=JobState(row["status"]),
        priority=row["priority"],
        attempt=row["attempt"],
        retry_count=row["retry_count"],
        max_retries=row["max_retries"],
        crash_count=row["crash_count"],
        created_at=row["created_at"],
        scheduled_at=row["scheduled_at"],
        started_at=row["started_at"],
        completed_at=row["completed_at"],
        heartbeat_at=row["heartbeat_at"],
        dead_letter_at=row["dead_letter_at"],
        dead_letter_cause=row["dead_letter_cause"],
        worker_id=row["worker_id"],
        patient_id=row["patient_id"],
        shell_file_id=row["shell_file_id"],
        correlation_id=row["correlation_id"],
        last_error=row["last_error"],
        error_details=row["error_details"],
        result=row["job_result"],
        duration=row["actual_duration"],
        payload=row["job_payload"],
    )
