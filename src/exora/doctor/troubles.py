"""The troubleshooting chapter as checks: a worker that does not claim, rate limits, heartbeats, dead letters."""

from __future__ import annotations

from datetime import UTC, datetime

from exora.coordination.port import Coordinator
from exora.doctor.check import Check, Status, ok, warning
from exora.domain.capacity import ApiCapacity
from exora.domain.job import JobState

_WAITS_S = 60.0
_LATE_BEATS = 2


async def check_troubles(coordinator: Coordinator) -> list[Check]:
    """Every check in order.

    Raises:
        CoordinationError: the database cannot be asked.
    """
    return [
        await check_workers(coordinator),
        await check_claiming(coordinator),
        await check_rate_limits(coordinator),
        await check_heartbeats(coordinator),
        await check_dead_letters(coordinator),
        *unknown(),
    ]


async def check_workers(coordinator: Coordinator) -> Check:
    """Somebody works."""
    live = [worker for worker in await coordinator.list_workers() if worker.live]
    if not live:
        return warning("workers", "no worker has reported within 45 s", "Start one: exora worker; then see its log")
    busy, slots = sum(worker.active for worker in live), sum(worker.slots for worker in live)
    return ok("workers", f"{len(live)} live, {busy} of {slots} slots busy")


async def check_claiming(coordinator: Coordinator) -> Check:
    """No lane has a job that has waited for more than a minute and that somebody could have claimed."""
    lanes = await coordinator.queue_stats()
    paused = [lane.lane for lane in lanes if lane.paused_at is not None and lane.ready]
    stuck = [lane.lane for lane in lanes if lane.paused_at is None and (lane.oldest_ready_s or 0) > _WAITS_S]
    if paused:
        return warning("claiming", f"jobs wait in paused lanes: {', '.join(paused)}", "Run: exora lanes resume LANE")
    if stuck:
        return warning(
            "claiming",
            f"jobs have waited for over a minute in: {', '.join(stuck)}",
            "See why: exora jobs explain JOB. More workers, or one that serves these lanes and job types",
        )
    return ok("claiming", "no job waits for long")


async def check_rate_limits(coordinator: Coordinator) -> Check:
    """No API is at its limit, closed or turned off."""
    tight = [api for api in await coordinator.api_capacity() if api.state != "available"]
    if not tight:
        return ok("rate limits", "every API is available")
    closed = next((api for api in tight if api.state == "closed"), None)
    return warning(
        "rate limits",
        "; ".join(
            f"{api.provider}/{api.endpoint}: {api.state}, {api.reason}"
            + (f" by {api.closed_by}" if api.closed_by else "")
            for api in tight
        ),
        "It opens by itself; if it is often so, ask the provider for more and raise it: exora capacity set"
        if closed is None
        else f"Mend the cause, then: exora capacity open {closed.provider} {closed.endpoint}",
    )


def _why(api: ApiCapacity) -> str:
    return f"{api.reason} by {api.closed_by}" if api.closed_by else f"{api.reason}"


async def check_heartbeats(coordinator: Coordinator) -> Check:
    """Running jobs have been heard of lately."""
    now, running = datetime.now(UTC), await coordinator.list_jobs(state=JobState.PROCESSING, limit=1000)
    late = [job for job in running if job.heartbeat_at and (now - job.heartbeat_at).total_seconds() > _LATE_BEATS * 30]
    if late:
        return warning(
            "heartbeats",
            f"{len(late)} of {len(running)} running jobs were not heard of for a minute",
            "They are given to others when their lease ends. Is a worker frozen, killed or cut off? exora workers",
        )
    return ok("heartbeats", f"{len(running)} running, all heard of")


async def check_dead_letters(coordinator: Coordinator) -> Check:
    """Nothing waits for a person."""
    dead = sum(lane.dead for lane in await coordinator.queue_stats())
    if dead:
        return warning("dead letters", f"{dead} jobs wait for a person", "See them: exora dead list")
    return ok("dead letters", "none")


def unknown() -> list[Check]:
    """What no program can see from here (HIPAA, §164.308 and §164.314: agreements with whoever keeps the data)."""
    asked = {
        "Supabase agreement": "A plan with the HIPAA add-on and a signed BAA; SSL enforced; point-in-time recovery on",
        "Render agreement": "A workspace that offers HIPAA and a signed BAA",
        "provider agreements": "A BAA with each API that sees documents, and no training on them",
    }
    return [Check(name, Status.UNKNOWN, "cannot be seen from here", remedy) for name, remedy in asked.items()]
