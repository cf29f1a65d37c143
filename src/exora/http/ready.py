"""/ready: whether this worker should be given work, and which of what it depends on is not well.

Draining and degraded are said here and never in /health: a platform restarts what is not healthy, and a restart mends
neither a database that is away nor a provider that is closed.
"""

from __future__ import annotations

from typing import Any

from exora.domain.capacity import ApiCapacity
from exora.http.live import LiveWorker
from exora.http.watch import Picture


def ready(live: LiveWorker, picture: Picture) -> dict[str, Any]:
    """The body of /ready: ``status`` (ready, degraded, draining, starting or unready) and ``dependencies``."""
    dependencies = {
        "database": _database(picture),
        "heartbeats": _state("ok" if live.alive else "down", age_s=round(live.heartbeat_age_s, 1)),
        "wakeups": _state("ok") if live.listening else _state("degraded", reason="polling_only"),
        "lanes": _lanes(picture),
        **{f"api:{api.provider}/{api.endpoint}": _api(api) for api in picture.capacity},
    }
    states = {dependency["state"] for dependency in dependencies.values()}
    status = "ready"
    if "down" in states:
        status = "unready"
    elif live.state != "working":
        status = live.state
    elif "degraded" in states:
        status = "degraded"
    return {
        "status": status,
        "worker_id": live.worker_id,
        "active_jobs": live.active_jobs,
        "dependencies": dependencies,
    }


def accepts_work(status: str) -> bool:
    """Whether a status means that this worker takes jobs: HTTP 200, else 503."""
    return status in ("ready", "degraded")


def _database(picture: Picture) -> dict[str, Any]:
    if picture.fault is not None:
        return _state("down", reason=picture.fault)
    return _state("ok", look_ms=round(picture.took_s * 1000, 1))


def _lanes(picture: Picture) -> dict[str, Any]:
    paused = [lane.lane for lane in picture.lanes if lane.paused_at is not None]
    return _state("degraded", reason="paused", paused=paused) if paused else _state("ok")


def _api(api: ApiCapacity) -> dict[str, Any]:
    if api.state == "available":
        return _state("ok")
    said = {"why": api.reason, "closed_by": api.closed_by, "closed_why": api.closed_why}
    return _state("degraded", reason=api.state, **{name: value for name, value in said.items() if value is not None})


def _state(state: str, **detail: Any) -> dict[str, Any]:
    return {"state": state, **detail}
