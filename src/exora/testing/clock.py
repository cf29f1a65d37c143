"""Simulated time: what is due later becomes due now, in a database that is a test's own.

The functions of the database read its clock themselves, by its full name, so that nothing can come between; no other
clock can be put in its place. So instead of moving the clock to a due time, ``travel`` moves due times to the clock.
"""

from __future__ import annotations

from collections.abc import Callable

import asyncpg

#: Held and awaiting jobs are due in the year 9998 and later: those must stay where they are.
_DUE = "due_at < exora.awaited_until()"
_TRAVEL = (
    f"update exora.scheduled set due_at = due_at - make_interval(secs => $1) where {_DUE}",  # noqa: S608
    "update exora.running set lease_expires_at = lease_expires_at - make_interval(secs => $1),"
    " heartbeat_at = heartbeat_at - make_interval(secs => $1), started_at = started_at - make_interval(secs => $1)",
    "update exora.api_state set closed_until = closed_until - make_interval(secs => $1),"
    " narrowed_until = narrowed_until - make_interval(secs => $1),"
    " pressed_until = pressed_until - make_interval(secs => $1)",
    "update exora.api_reservations set granted_at = granted_at - make_interval(secs => $1),"
    " sent_by = sent_by - make_interval(secs => $1), lease_expires_at = lease_expires_at - make_interval(secs => $1)",
    "update exora.api_holders set synced_at = synced_at - make_interval(secs => $1),"
    " sent_by = sent_by - make_interval(secs => $1), lease_expires_at = lease_expires_at - make_interval(secs => $1)",
    "delete from exora.api_window where $1 >= 60",
)


async def travel(db: asyncpg.Connection, seconds: float) -> None:
    """Let so much time pass for everything that waits for its time: scheduled jobs and retries, leases of claims and of
    API capacity, closings of APIs. Usage counted in an API's window of 60 s is forgotten by 60 s and more.

    When things happened stays as it was (the audit trail, ends, retention), and so do the ticks of schedules:
    ``run_schedule`` enqueues their jobs.

    Args:
        db: a connection of the owner.
        seconds: how much; the database's clock itself goes on as ever.
    """
    async with db.transaction():
        for statement in _TRAVEL:
            await db.execute(statement, float(seconds))


async def next_due_s(db: asyncpg.Connection) -> float | None:
    """Seconds until the next scheduled job is due (0 = it is); None when nothing waits for a time that comes."""
    until = await db.fetchval(
        f"select extract(epoch from min(due_at) - clock_timestamp()) from exora.scheduled where {_DUE}"  # noqa: S608
    )
    return None if until is None else max(float(until), 0.0)


async def whole_backoffs(db: asyncpg.Connection) -> Callable[[str, int], float]:
    """The pauses before retries without jitter, which is a share of them drawn by chance (``exora.backoff_s``).

    Args:
        db: a connection of the owner.

    Returns:
        The pause in seconds of a job type and the number of retries so far.
    """
    rows = await db.fetch("select job_type, backoff_base_s, backoff_factor, backoff_cap_s from exora.job_types")
    policies = {row["job_type"]: (row["backoff_base_s"], row["backoff_factor"], row["backoff_cap_s"]) for row in rows}

    def backoff_s(job_type: str, retries: int) -> float:
        base_s, factor, cap_s = policies[job_type]
        return float(min(cap_s, base_s * factor ** min(retries, 60)))

    return backoff_s


async def hurry(db: asyncpg.Connection, *, lease_s: float, backoff_s: float = 0.1) -> None:
    """Make leases and backoffs of all job types short, so that rescues and retries come within seconds of a fault.

    Args:
        db: a connection of the owner.
        lease_s: seconds until a claim without heartbeats lapses; heartbeats come four times as often.
        backoff_s: the first retry's; each next one twice as long.
    """
    await db.execute(
        "update exora.job_types set heartbeat_s = $1::real / 4, lease_s = $1, backoff_base_s = $2", lease_s, backoff_s
    )
