"""How an attempt at a job can end, and what is kept of an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from exora.domain.job import Fence


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """What is stored of an error: never its raw text.

    Attributes:
        error_class: class name of the exception.
        code: stable, short, for machines.
        summary: a sentence of our own, free of content.
        fingerprint: equal for equal failures, so that dead letters can be grouped.
    """

    error_class: str
    code: str
    summary: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Completed:
    """Done. ``result`` holds ids, counts and codes only."""

    result: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Failed this time; burns one retry. ``delay_s`` None = exponential backoff with full jitter."""

    error: ErrorInfo
    delay_s: float | None = None


@dataclass(frozen=True, slots=True)
class Snooze:
    """Not now: come back in ``delay_s`` seconds; burns nothing. ``reason`` is a code."""

    delay_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class Release:
    """Given back unfinished (shutdown); burns nothing. ``reason`` is a code."""

    reason: str


@dataclass(frozen=True, slots=True)
class Dead:
    """Can never succeed: to the dead letters at once."""

    error: ErrorInfo


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Given up on purpose. ``reason`` is a code."""

    reason: str


#: The commonest outcome, made once.
DONE = Completed()

Outcome = Completed | Retry | Snooze | Release | Dead | Cancelled


class Settlement(NamedTuple):
    """An outcome with the fence of the attempt it ends."""

    fence: Fence
    outcome: Outcome


#: Whether a settlement was written now, had been before by the same call, or is stale.
SettleAnswer = Literal["settled", "already", "lost"]
