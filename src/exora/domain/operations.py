"""What people need to know and do about a running system, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
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
