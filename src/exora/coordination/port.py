"""The contract between Exora and its database: every verb, whatever carries it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from exora.coordination.capacity import Capacity
from exora.coordination.operations import Operations
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
)
from exora.domain.operations import UNSIGNED, Act
from exora.domain.outcome import SettleAnswer, Settlement


class Transport(Protocol):
    """Carries one call to a function and its rows back; knows nothing of jobs."""

    async def call(
        self, function: str, arguments: Mapping[str, Any], *, repeatable: bool
    ) -> Sequence[Mapping[str, Any]]:
        """Call ``public.function`` with named arguments.

        Args:
            function: its name.
            arguments: by name; uuids, timestamps, numbers, text, lists of them, and JSON objects.
            repeatable: the call may be repeated when its answer was lost, since its arguments
                carry a token or it changes nothing. Then broken connections are retried here.

        Returns:
            The rows; a scalar result is one row with one column named like the function.

        Raises:
            BadInput, NotFound, Conflict, Rejected, LostClaim: as the function says.
            DatabaseUnavailable: no connection.
            OutcomeUnknown: the connection broke and the call is not repeatable.
        """
        ...

    async def listen(self, on_wake: Callable[[], None], on_lost: Callable[[], None]) -> None:
        """Call ``on_wake`` whenever jobs may have become ready, ``on_lost`` once when that stops working.

        Raises:
            DatabaseUnavailable: this transport cannot listen (a transaction-mode pooler, REST).
        """
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class Coordinator(Operations, Capacity, Protocol):
    """The verbs. All raise what ``Transport.call`` raises."""

    async def enqueue(self, requests: Sequence[EnqueueRequest]) -> list[EnqueueAnswer]:
        """Enqueue jobs, all or none; answers in order."""
        ...

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
        """Claim up to ``limit`` (1–1000) jobs in order; the same token answers the same jobs."""
        ...

    async def heartbeat(self, fences: Sequence[Fence]) -> HeartbeatNews:
        """Renew leases; returns the fences that are lost or whose jobs are to be cancelled."""
        ...

    async def settle(self, settlements: Sequence[Settlement]) -> list[SettleAnswer]:
        """End attempts; answers in order. Safe to repeat."""
        ...

    async def sweep(self, limit: int = 500) -> dict[str, Any]:
        """Do the periodic work once, unless another does it now; returns counts."""
        ...

    async def redrive(self, job_ids: Sequence[UUID], act: Act = UNSIGNED) -> int:
        """Bring dead letters back; returns how many were."""
        ...

    async def cancel(self, job_id: UUID, act: Act = UNSIGNED) -> str:
        """Give a job up: ``cancelled``, ``requested`` (it runs; its worker will stop it), or the state it ended in."""
        ...

    async def pause_lane(self, lane: str, paused: bool, act: Act = UNSIGNED) -> bool:
        """Stop or resume claiming from a lane; False when it was so already."""
        ...

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
        """The newest jobs, or those older than the job ``before``; ``fingerprint``: dead letters of that error."""
        ...

    async def get_jobs(self, job_ids: Sequence[UUID]) -> list[JobView]:
        """Jobs by id, newest first; unknown ids are passed over."""
        ...

    async def timeline(self, job_id: UUID) -> list[AuditEvent]:
        """The audit trail of one job, oldest first."""
        ...

    async def queue_stats(self) -> list[LaneStats]:
        """Counts per lane."""
        ...

    async def register_patient(self, patient_id: UUID) -> bool:
        """Make a patient known; False when it was."""
        ...

    async def set_access(self, user_id: UUID, patient_id: UUID, allowed: bool) -> bool:
        """Let a signed-in user see a patient, or no longer; False when it was so already."""
        ...

    async def list_patients(self, limit: int = 100) -> list[PatientView]:
        """Registered patients, newest first."""
        ...

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
        """Note an uploaded document and enqueue its job, in one transaction."""
        ...

    async def store_record(
        self, fence: Fence, record: Mapping[str, Any], *, sha256: str, size_bytes: int, media_type: str
    ) -> UUID:
        """Store the record of a job's document, fenced; returns the document's id."""
        ...

    async def get_record(self, job_id: UUID) -> StoredRecord:
        """The record a job made; the reading is audited."""
        ...

    async def get_step(self, patient_id: UUID, step_key: str) -> dict[str, Any] | None:
        """The stored result of a step, or None."""
        ...

    async def put_step(self, patient_id: UUID, step_key: str, result: Mapping[str, Any]) -> None:
        """Keep the result of a step."""
        ...

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
        """Record an access or an operator's action; ids, counts and codes only."""
        ...

    async def listen(self, on_wake: Callable[[], None], on_lost: Callable[[], None]) -> None:
        """As ``Transport.listen``."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...

    async def seal_audit(self, limit: int = 10000) -> int:
        """Seal audit events that can be sealed now, at most ``limit`` (1–50000); returns how many were."""
        ...

    async def audit_heads(self) -> list[AuditHead]:
        """The head of every chain of seals."""
        ...

    async def audit_window(self, after_run: int = 0, events: int = 50000) -> AuditWindow:
        """The next part of the audit trail after a run, of about so many events; the last is open to the end."""
        ...

    async def verify_audit(self, window: AuditWindow, heads: Sequence[AuditHead] | None = None) -> list[AuditFinding]:
        """What is wrong with the audit trail in a window, compared with ``heads`` kept outside if they are given."""
        ...
