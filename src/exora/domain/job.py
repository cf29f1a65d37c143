"""Jobs as values: what is enqueued, what is claimed, what is seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, NamedTuple
from uuid import UUID


class JobState(StrEnum):
    """The states of a job; ``failed`` with a dead-letter time is the dead letter queue."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether a job in this state moves only by a person's hand."""
        return self in (JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED)


_NUMBER_BITS = (1 << 62) - 1


def job_number(job_id: UUID) -> int:
    """The number inside a job's public id (its low 62 bits), by which the batch verbs name it."""
    return job_id.int & _NUMBER_BITS


class Fence(NamedTuple):
    """What proves that a claim is the current one; every verb after the claim carries it."""

    job_id: UUID
    attempt: int
    claim_token: UUID


@dataclass(frozen=True, slots=True)
class EnqueueRequest:
    """A job to be enqueued.

    Attributes:
        job_type: one that ``exora.job_types`` knows.
        payload: references only (ids, sizes, checksums, the storage path), at most 8 KiB.
        name: a label; what follows a colon or looks like a file name is dropped.
        category: critical, high_priority, standard, background or maintenance.
        priority: 1 (highest) to 10.
        scheduled_at: not before this time (timezone-aware); None = now.
        lane: one of the type's lanes; None = its default.
        idempotency_key: a second request with it answers ``duplicate``; makes a repeat safe.
        max_retries: None = the type's own.
        concurrency_key: of the jobs with the same key at most ``concurrency_limit`` are ready or running at once.
        concurrency_limit: 1 to 1000, with a key only; None = 1.
    """

    job_type: str
    payload: dict[str, Any]
    name: str | None = None
    category: str = "standard"
    priority: int = 5
    scheduled_at: datetime | None = None
    lane: str | None = None
    idempotency_key: str | None = None
    max_retries: int | None = None
    concurrency_key: str | None = None
    concurrency_limit: int | None = None


class EnqueueAnswer(NamedTuple):
    """What became of a request: accepted, deferred until ``scheduled_at``, or a duplicate of ``job_id``. (A tuple: bulk
    makes one for every job.)"""

    job_id: UUID
    scheduled_at: datetime
    outcome: Literal["accepted", "deferred", "duplicate"]
    reason: str | None


@dataclass(frozen=True, slots=True)
class SubmitAnswer:
    """A submitted document and the job that will process it."""

    document_id: UUID
    job: EnqueueAnswer


class ClaimedJob(NamedTuple):
    """A job this worker holds under a lease. Durations are in seconds. (A tuple: one is made for every job.)"""

    fence: Fence
    job_type: str
    lane: str
    payload: dict[str, Any]
    retry_count: int
    max_retries: int
    priority: int
    correlation_id: UUID
    heartbeat_s: float
    lease_s: float
    timeout_s: float

    @property
    def job_id(self) -> UUID:
        """The public id."""
        return self.fence.job_id

    @property
    def patient_id(self) -> UUID | None:
        """The patient its payload names."""
        named = self.payload.get("patient_id")
        return None if named is None else UUID(named)

    @property
    def created_at(self) -> datetime:
        """When it was enqueued, to the millisecond: a UUIDv7 says so itself."""
        return datetime.fromtimestamp((self.job_id.int >> 80) / 1000, UTC)


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as people see it; no content of documents."""

    job_id: UUID
    job_type: str
    lane: str
    name: str
    state: JobState
    priority: int
    attempt: int
    retry_count: int
    max_retries: int
    crash_count: int
    created_at: datetime
    scheduled_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    heartbeat_at: datetime | None
    dead_letter_at: datetime | None
    dead_letter_cause: str | None
    worker_id: str | None
    patient_id: UUID | None
    shell_file_id: UUID | None
    correlation_id: UUID
    last_error: str | None
    error_details: dict[str, Any] | None
    result: dict[str, Any] | None
    duration: timedelta | None
    payload: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One line of a job's audit trail."""

    at: datetime
    event: str
    attempt: int | None
    worker_id: str | None
    correlation_id: UUID
    detail: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class LaneStats:
    """How many jobs of a lane are where; ``oldest_ready_s`` is None for an empty lane.

    ``held_back`` jobs wait for a place of their concurrency key. A lane with ``paused_at`` is not claimed from;
    ``depth_limit`` (None = unlimited) bounds its ready jobs.
    """

    lane: str
    ready: int
    held_back: int
    scheduled: int
    running: int
    dead: int
    oldest_ready_s: float | None
    paused_at: datetime | None
    depth_limit: int | None


class HeartbeatNews(NamedTuple):
    """What a heartbeat found out: claims that are lost, and running jobs that somebody asked to cancel."""

    lost: list[Fence]
    cancelled: list[Fence]


@dataclass(frozen=True, slots=True)
class PatientView:
    """A registered patient: an opaque id."""

    patient_id: UUID
    created_at: datetime
    documents: int


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record with the ids it belongs to; ``record`` is the public JSON shape."""

    document_id: UUID
    patient_id: UUID
    record: dict[str, Any]
    media_type: str
    stored_at: datetime
