"""What the answers of the functions look like as JSON, and how they become the values the direct transport returns.

PostgREST sends the rows of a table function as an array, those of a function with OUT arguments as one object, and a
scalar as it is. A scalar that is JSON itself looks like either, so the functions that return one are listed; and JSON
knows no ids and times, so the columns that hold them are known by their names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

#: Functions that return one value of these types; others that do not return rows return text, numbers or nothing.
SCALARS: Mapping[str, str] = {
    "explain_job_v3": "jsonb",
    "fire_schedule_v3": "uuid",
    "get_step_v3": "jsonb",
    "run_schedule_v3": "uuid",
    "schema_state_v3": "jsonb",
    "store_record_v3": "uuid",
    "sweep_v3": "jsonb",
    "usage_limits_v3": "jsonb",
}
_UUIDS = frozenset(
    {"id", "job_id", "newest", "claim_token", "document_id", "patient_id", "shell_file_id", "correlation_id"}
)


def kind_of(column: str) -> str | None:
    """The type of a column, if JSON has no word for it; names tell, since a name has one type everywhere."""
    if column in _UUIDS:
        return "uuid"
    if column == "at" or column.endswith(("_at", "_until")):
        return "timestamptz"
    return "interval" if column == "actual_duration" else None


_INTERVAL = re.compile(r"(?:(-?\d+) days? ?)?(?:(-?)(\d+):(\d\d):(\d\d(?:\.\d+)?))?")


def _interval(text: str) -> timedelta:
    match = _INTERVAL.fullmatch(text)
    if match is None:
        raise ValueError("not an interval in PostgreSQL's style of days and time")
    days, sign, hours, minutes, seconds = match.groups(default="0")
    time = timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds))
    return timedelta(days=int(days)) + (-time if sign == "-" else time)


_READ: Mapping[str, Callable[[Any], Any]] = {
    "uuid": UUID,
    "timestamptz": datetime.fromisoformat,
    "interval": _interval,
    "jsonb": lambda value: value,
}


def rows_of(function: str, answer: Any) -> Sequence[Mapping[str, Any]]:
    """The rows of a function's answer, as ``Transport.call`` returns them.

    Args:
        function: its name.
        answer: the parsed JSON; None also for no body.
    """
    if function in SCALARS:
        return [{function: None if answer is None else _READ[SCALARS[function]](answer)}]
    if isinstance(answer, list):
        return [_row(item) for item in answer]
    if isinstance(answer, dict):
        return [_row(answer)]
    return [{function: answer}]


def _row(values: dict[str, Any]) -> dict[str, Any]:
    for name, value in values.items():
        kind = kind_of(name)
        if kind is not None and value is not None:
            values[name] = _READ[kind](value)
    return values
