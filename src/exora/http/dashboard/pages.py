"""The pages: each asks for what it shows and hands it to its template."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from exora.coordination.port import Coordinator
from exora.domain.job import JobState
from exora.domain.operations import Moment, Usage, quantile
from exora.domain.wording import span, usd
from exora.errors import NotFound
from exora.http.access import Session
from exora.http.dashboard.charts import Chart, chart
from exora.http.dashboard.guard import HEADERS
from exora.http.watch import Watch
from exora.observe.tally import BOUNDS

_PAGE = 50
#: Minutes shown, and minutes to a point.
_RANGES = {"1h": (60, 1), "6h": (360, 5), "24h": (1440, 15), "7d": (10080, 120)}
_DAYS = (7, 30, 90)
Render = Callable[..., Response]


class Pages:
    """What can be looked at.

    Args:
        coordinator: is asked.
        watch: the picture shared with /metrics.
        render: makes a page of a template and its context.
    """

    def __init__(self, coordinator: Coordinator, watch: Watch, render: Render) -> None:
        self._coordinator = coordinator
        self._watch = watch
        self._render = render

    async def overview(self, request: Request, session: Session) -> Response:
        """Throughput, latency and depth; lanes; workers; capacity."""
        chosen = request.query_params.get("range", "1h")
        minutes, step = _RANGES.get(chosen, _RANGES["1h"])
        # Who has just acted wants to see it.
        picture = await self._watch.look(0.0 if "said" in request.query_params else 2.0)
        history = await self._coordinator.lane_history(minutes, step)
        recent = await self._coordinator.lane_history(10, 10)
        return self._render(
            request,
            session,
            "overview.html",
            lanes=[lane for lane in picture.lanes if _used(lane)] or picture.lanes,
            quiet=[lane for lane in picture.lanes if not _used(lane)],
            workers=picture.workers,
            capacity=picture.capacity,
            fault=picture.fault,
            tiles=_tiles(picture.lanes, picture.workers, recent),
            charts=_charts(_whole(history, step), step),
            ranges=list(_RANGES),
            chosen=chosen if chosen in _RANGES else "1h",
        )

    async def jobs(self, request: Request, session: Session) -> Response:
        """Jobs by state, lane or error, a page at a time; an id leads to its job."""
        query = request.query_params
        wanted = query.get("id", "").strip()
        if wanted:
            job_id = _uuid(wanted)
            if job_id is None:
                raise NotFound("this is not a job's id", remedy="Paste the whole id")
            return RedirectResponse(f"/dashboard/jobs/{job_id}", 303, HEADERS)
        state = JobState(query["status"]) if query.get("status") in list(JobState) else None
        lanes = [lane.lane for lane in (await self._watch.look()).lanes]
        lane = query.get("lane") if query.get("lane") in lanes else None
        fingerprint = query.get("fingerprint") or None
        found = await self._coordinator.list_jobs(
            state=state, lane=lane, fingerprint=fingerprint, before=_uuid(query.get("before", "")), limit=_PAGE + 1
        )
        return self._render(
            request,
            session,
            "jobs.html",
            jobs=found[:_PAGE],
            older=found[_PAGE - 1].job_id if len(found) > _PAGE else None,
            first=_uuid(query.get("before", "")) is None,
            states=[state.value for state in JobState],
            state="" if state is None else state.value,
            lanes=lanes,
            lane=lane or "",
            fingerprint=fingerprint or "",
        )

    async def job(self, request: Request, session: Session) -> Response:
        """One job: why it is where it is, its facts, its timeline."""
        job_id = request.path_params["job"]
        found = await self._coordinator.get_jobs([job_id])
        if not found:
            raise NotFound("there is no job of this id", remedy="Look for it in the list of jobs")
        return self._render(
            request,
            session,
            "job.html",
            job=found[0],
            explanation=await self._coordinator.explain_job(job_id),
            timeline=await self._coordinator.timeline(job_id),
            spent=await self._coordinator.usage(
                found[0].created_at.date(), datetime.now(UTC).date(), ("model",), job_id=job_id
            ),
        )

    async def dead(self, request: Request, session: Session) -> Response:
        """Dead letters by the fingerprint of their error."""
        groups = await self._coordinator.dead_groups()
        return self._render(request, session, "dead.html", groups=groups, total=sum(group.jobs for group in groups))

    async def workers(self, request: Request, session: Session) -> Response:
        """Workers and what they report."""
        return self._render(request, session, "workers.html", workers=(await self._watch.look(1.0)).workers)

    async def usage(self, request: Request, session: Session) -> Response:
        """Jobs, pages, tokens and money, day by day, by lane and by model; never by patient."""
        asked = request.query_params.get("days", "")
        days = int(asked) if asked in [str(choice) for choice in _DAYS] else 30
        last = datetime.now(UTC).date()
        first = last - timedelta(days=days - 1)
        ask = self._coordinator.usage
        totals = await ask(first, last, ())
        return self._render(
            request,
            session,
            "usage.html",
            total=totals[0] if totals else None,
            lanes=await ask(first, last, ("lane",)),
            models=[row for row in await ask(first, last, ("model",)) if row.model],
            charts=_usage_charts(await ask(first, last, ("day",)), [first + timedelta(days=n) for n in range(days)]),
            limited=(await self._coordinator.usage_limits()).enforced,
            choices=_DAYS,
            days=days,
        )

    async def audit(self, request: Request, session: Session) -> Response:
        """What of the audit trail is sealed and verified."""
        state = await self._coordinator.audit_state()
        heads = await self._coordinator.audit_heads()
        return self._render(request, session, "audit.html", state=state, heads=heads)


def _used(lane: Any) -> bool:
    return lane.paused_at is not None or any((lane.ready, lane.held_back, lane.scheduled, lane.running, lane.dead))


def _tiles(lanes: list[Any], workers: list[Any], recent: list[Moment]) -> dict[str, Any]:
    live = [worker for worker in workers if worker.live]
    waits = [sum(column) for column in zip(*(moment.waits for moment in recent if moment.waits), strict=False)]
    runs = [sum(column) for column in zip(*(moment.runs for moment in recent if moment.runs), strict=False)]
    return {
        "ready": sum(lane.ready for lane in lanes),
        "later": sum(lane.scheduled + lane.held_back for lane in lanes),
        "running": sum(lane.running for lane in lanes),
        "dead": sum(lane.dead for lane in lanes),
        "oldest": max((lane.oldest_ready_s for lane in lanes if lane.oldest_ready_s is not None), default=None),
        "workers": len(live),
        "lost": len(workers) - len(live),
        "slots": sum(worker.slots for worker in live),
        "active": sum(worker.active for worker in live),
        "per_minute": sum(moment.completed for moment in recent[-1:]) / 10,
        "wait": quantile(waits, BOUNDS, 0.95) if waits else None,
        "run": quantile(runs, BOUNDS, 0.95) if runs else None,
        "paused": sum(lane.paused_at is not None for lane in lanes),
    }


def _whole(history: list[Moment], step: int) -> list[Moment]:
    """Without the step that is not over: it would look like a fall."""
    return (
        history[:-1] if len(history) > 1 and datetime.now(UTC) - history[-1].at < timedelta(minutes=step) else history
    )


def _charts(history: list[Moment], step: int) -> list[Chart]:
    times = [f"{moment.at:%H:%M}" if step < 60 else f"{moment.at:%a %H:%M}" for moment in history]
    per_minute = f"/{step} min" if step > 1 else "/min"
    throughput = chart(
        "Throughput",
        times,
        (
            ("completed", "ok", [float(moment.completed) for moment in history]),
            ("retried", "warn", [float(moment.retried) for moment in history]),
            ("dead", "bad", [float(moment.dead) for moment in history]),
        ),
        unit=per_minute,
    )
    latency = chart(
        "Latency",
        times,
        (
            ("wait p95", "accent", [quantile(moment.waits, BOUNDS, 0.95) for moment in history]),
            ("run p95", "ok", [quantile(moment.runs, BOUNDS, 0.95) for moment in history]),
            ("run median", "quiet", [quantile(moment.runs, BOUNDS, 0.5) for moment in history]),
        ),
        say=span,
    )
    depth = chart(
        "Depth",
        times,
        (
            ("ready", "accent", [None if moment.ready is None else float(moment.ready) for moment in history]),
            ("running", "ok", [None if moment.running is None else float(moment.running) for moment in history]),
        ),
    )
    return [throughput, latency, depth]


def _usage_charts(rows: list[Usage], days: list[date]) -> list[Chart]:
    of_day = {row.day: row for row in rows}

    def values(name: str) -> list[float]:
        return [float(getattr(of_day[day], name)) if day in of_day else 0.0 for day in days]

    times = [f"{day:%-d %b}" for day in days]
    jobs = (
        ("completed", "ok", values("completed")),
        ("pages", "accent", values("pages")),
        ("dead", "bad", values("dead")),
    )
    tokens = (("in", "accent", values("input_tokens")), ("out", "ok", values("output_tokens")))
    return [
        chart("Jobs and pages", times, jobs, unit="/day"),
        chart("Tokens", times, tokens, unit="/day"),
        chart("Money", times, (("spent", "warn", values("usd")),), say=usd),
    ]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None
