"""What people need to know and do about a running system, as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID


class Act(NamedTuple):
    """Who acts and why, for the audit trail: codes, never sentences, since a sentence could name a patient.

    Attributes:
        by: a user name: letters, digits and ``_ . @ : + -``, at most 64.
        why: a ticket number or a few words joined by hyphens: letters, digits and ``_ . : / + -``, at most 100.
    """

    by: str | None = None
    why: str | None = None


#: An act of nobody in particular; the trail still holds the database user.
UNSIGNED = Act()


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that explains a job's place, and what can be done about it."""

    cause: str
    fact: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a job is where it is: one sentence, and the facts with the decisive one first."""

    job_id: UUID
    status: str
    cause: str
    sentence: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A worker as it last reported; ``live`` = within 45 s. ``lanes`` None: all lanes of its job types."""

    worker_id: str
    live: bool
    state: str
    started_at: datetime
    seen_at: datetime
    job_types: list[str]
    lanes: list[str] | None
    slots: int
    active: int
    memory_bytes: int | None
    version: str


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """What a worker says of itself every few seconds.

    Attributes:
        report: its number; one that arrives twice counts once.
        state: working, draining, or stopped, the last one.
        work: what was done since the report before, lane by lane (see ``exora.observe.tally``).
        used: what jobs used since then, job by job (see ``exora.observe.usage``).
    """

    worker_id: str
    report: int
    started_at: datetime
    state: str
    job_types: list[str]
    lanes: list[str] | None
    slots: int
    active: int
    memory_bytes: int | None
    version: str
    work: list[dict[str, object]]
    used: list[dict[str, object]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Moment:
    """What was done in one step of time, and how deep the queue was (None: nobody noted it).

    ``runs`` and ``waits`` are histograms over ``exora.observe.tally.BOUNDS``.
    """

    at: datetime
    completed: int
    retried: int
    dead: int
    cancelled: int
    ready: int | None
    running: int | None
    runs: list[int]
    waits: list[int]


def quantile(counts: Sequence[int], bounds: Sequence[float], share: float) -> float | None:
    """A quantile of a histogram, interpolated within its bucket as Prometheus does; None when it is empty.

    Args:
        counts: how many in each bucket; the last is above the last bound, which is then the answer.
        bounds: upper bounds of all buckets but the last.
        share: 0 to 1.
    """
    wanted, below = sum(counts) * share, 0
    if not wanted:
        return None
    for place, bound in enumerate(bounds):
        if below + counts[place] >= wanted:
            low = bounds[place - 1] if place else 0.0
            return low + (bound - low) * (wanted - below) / counts[place]
        below += counts[place]
    return bounds[-1]


@dataclass(frozen=True, slots=True)
class DeadGroup:
    """Dead letters of one fingerprint; what is said of the error is of the newest of them."""

    fingerprint: str
    jobs: int
    cause: str
    code: str | None
    error_class: str | None
    summary: str | None
    lanes: list[str] | None
    first_at: datetime
    last_at: datetime
    job_id: UUID


@dataclass(frozen=True, slots=True)
class AuditState:
    """How much of the trail is sealed, and how its last verification ended (None: there was none)."""

    events: int
    seals: int
    looked_at: datetime | None
    behind: bool
    checked_at: datetime | None
    checked_events: int | None
    findings: int | None
    anchored: bool | None
    checked_by: str | None


@dataclass(frozen=True, slots=True)
class TrailEvent:
    """One event of the audit trail with everything it holds: ids, codes and counts."""

    event_id: int
    at: datetime
    event: str
    actor: str
    worker_id: str | None
    job_id: UUID | None
    attempt: int | None
    document_id: UUID | None
    patient_id: UUID | None
    correlation_id: UUID
    detail: dict[str, Any] | None


#: What usage can be summed by.
UsageKey = Literal["day", "lane", "patient", "model", "job"]
USAGE_KEYS: tuple[UsageKey, ...] = ("day", "lane", "patient", "model", "job")


@dataclass(frozen=True, slots=True)
class Usage:
    """What was done and spent; what it is not summed by is None.

    Attributes:
        day: in UTC.
        model: provider/endpoint; empty for attempts that called no API.
        completed, retried, dead: attempts by how they ended.
        calls: of APIs.
        pages, run_s: of attempts; by model, of its calls.
        usd: US dollars.
    """

    day: date | None
    lane: str | None
    patient_id: UUID | None
    model: str | None
    job_id: UUID | None
    completed: int
    retried: int
    dead: int
    calls: int
    input_tokens: int
    output_tokens: int
    pages: int
    run_s: float
    usd: float


@dataclass(frozen=True, slots=True)
class UsageLimit:
    """What a patient (None: each one without limits of their own) may use on a day in UTC; None = unlimited."""

    patient_id: UUID | None
    jobs_per_day: int | None
    pages_per_day: int | None
    usd_per_day: float | None


@dataclass(frozen=True, slots=True)
class UsageLimits:
    """All limits of usage, and whether they are enforced."""

    enforced: bool
    limits: list[UsageLimit]
