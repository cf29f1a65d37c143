"""Schedules: cron expressions in time zones, and what becomes of ticks at which no worker lived."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from exora.errors import BadInput

Missed = Literal["skip", "one", "all"]
#: A tick found so much later was missed: no worker lived when it came.
GRACE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job that is enqueued again and again.

    Attributes:
        cron: five fields as in Debian's cron; a tick that daylight saving skips comes right after the gap, one that it
            repeats comes once.
        time_zone: an IANA name, such as Australia/Sydney.
        missed: of ticks at which no worker lived: skip them, enqueue one job for all of them, or all.
        next_at: the tick to come; last_at: the last that was enqueued, as job_id.
        asked_at: the database's time when it was asked.
    """

    name: str
    cron: str
    time_zone: str
    job_type: str
    lane: str | None
    priority: int
    payload: dict[str, Any]
    missed: Missed
    next_at: datetime
    last_at: datetime | None
    job_id: UUID | None
    asked_at: datetime


class Firing(NamedTuple):
    """What to do about a tick that has come: skip it or not, and which tick is next."""

    skip: bool
    next_at: datetime


def next_tick(cron: str, time_zone: str, after: datetime) -> datetime:
    """The first tick after a moment, in UTC.

    Args:
        cron: the expression.
        time_zone: an IANA name.
        after: timezone-aware.

    Raises:
        BadInput: the expression or the time zone is none, or there is no tick within fifty years.
    """
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput(
            "this is not the name of a time zone", field="time_zone", remedy="Use an IANA name: Australia/Sydney, UTC"
        ) from None
    try:
        return next(CronSim(cron, after.astimezone(zone))).astimezone(UTC)
    except (CronSimError, StopIteration):
        raise BadInput(
            "this is not a cron expression that comes true",
            field="cron",
            remedy="Use five fields: minute hour day month weekday, such as '30 2 * * 1-5'",
        ) from None


def due(schedule: Schedule) -> Firing:
    """What to do about a schedule whose tick has come, by its policy for missed ticks."""
    tick, now = schedule.next_at, schedule.asked_at
    if schedule.missed == "all" or now - tick <= GRACE:
        return Firing(False, next_tick(schedule.cron, schedule.time_zone, tick))
    return Firing(schedule.missed == "skip", next_tick(schedule.cron, schedule.time_zone, now))
