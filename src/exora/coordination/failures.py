"""What both transports make of an error the database reports: the exception for an SQLSTATE."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from exora.errors import (
    SQLSTATE_ERRORS,
    AccessDenied,
    BadInput,
    CoordinationError,
    DatabaseUnavailable,
    ExoraError,
    OutcomeUnknown,
    Rejected,
    SchemaOutdated,
    UnknownPatient,
    UsageLimitReached,
)

#: Worth another try as they are: serialization, deadlock, lock timeout, a racing twin of the same token.
_TRANSIENT = frozenset({"40001", "40P01", "55P03", "23505", "53300", "57P03"})
#: The schema is not what this version needs: no such function, no such table, no such schema.
_MISSING = frozenset({"42883", "42P01", "3F000"})


def from_sqlstate(state: str, message: str, detail: str | None, hint: str | None) -> ExoraError:
    """The exception for an error the database reported. Only what our own functions say is kept: the server's own
    text may quote a row.

    Args:
        state: the SQLSTATE.
        message, detail, hint: as reported; ours hold a sentence, the name of a field and a remedy.
    """
    known = SQLSTATE_ERRORS.get(state)
    if known is Rejected and detail == "patient_id":
        return UsageLimitReached(message, retry_after_s=_until_midnight_s(), remedy=hint)
    if known is Rejected:
        return Rejected(message, retry_after_s=60.0, remedy=hint)
    if known is BadInput and detail == "p_patient_id":
        return UnknownPatient(message, field=detail)
    if known is not None:
        return known(message, remedy=hint, field=detail)
    if state.startswith("22"):
        return BadInput("an argument has the wrong type or range", remedy="Check ids, numbers and times")
    if state in _MISSING:
        return SchemaOutdated(f"this database lacks what this version needs (SQLSTATE {state})")
    if state.startswith("28") or state == "3D000":
        return AccessDenied(
            "the database refused this user, password or database name",
            field="DATABASE_URL",
            remedy="Check user, password and database name in DATABASE_URL",
        )
    if state == "42501":
        return AccessDenied(
            "this role may not do that in the database (SQLSTATE 42501)",
            remedy="Use the service role; if it is, run: exora migrate",
        )
    if state.startswith(("08", "57P")):
        return OutcomeUnknown(f"the database ended the connection (SQLSTATE {state})")
    if state in _TRANSIENT or state.startswith("53"):
        return DatabaseUnavailable(f"the database is busy (SQLSTATE {state})")
    return CoordinationError(f"the database refused a call (SQLSTATE {state})")


def _until_midnight_s() -> float:
    """Until the next day in UTC begins."""
    now = datetime.now(UTC)
    return (datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC) - now).total_seconds()
