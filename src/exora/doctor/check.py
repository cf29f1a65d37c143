"""What a check says, and how errors of the project become one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from exora.errors import ExoraError


class Status(Enum):
    """``unknown``: nobody can tell from here; a person must."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what.
        status: how it is.
        detail: what was found; no secret.
        remedy: what to do about it.
    """

    name: str
    status: Status
    detail: str
    remedy: str = ""


def ok(name: str, detail: str) -> Check:
    """All is well."""
    return Check(name, Status.OK, detail)


def warning(name: str, detail: str, remedy: str) -> Check:
    """It works, but not as it could."""
    return Check(name, Status.WARNING, detail, remedy)


def failed(name: str, detail: str, remedy: str) -> Check:
    """It does not work."""
    return Check(name, Status.FAILED, detail, remedy)


def from_error(name: str, error: ExoraError) -> Check:
    """What an error says, with its own remedy."""
    where = f"{error.field}: " if error.field else ""
    return failed(name, f"{where}{error.message}", error.remedy)


def passed(checks: Sequence[Check]) -> bool:
    """Whether none failed."""
    return not any(check.status is Status.FAILED for check in checks)
