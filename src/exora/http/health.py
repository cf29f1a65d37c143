"""/health: liveness in the seed's shape, whatever the database or an API does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from exora.domain.capacity import ApiCapacity

_NAMES = {"google": "google_vision"}
_ORDER = ("available", "rate_limited", "down", "closed")


class Live(Protocol):
    """What /health reads of a worker."""

    @property
    def worker_id(self) -> str: ...

    @property
    def active_jobs(self) -> int: ...

    @property
    def last_heartbeat(self) -> datetime: ...

    @property
    def alive(self) -> bool: ...

    @property
    def capacity(self) -> Sequence[ApiCapacity]: ...


def health(worker: Live) -> dict[str, Any]:
    """The body of /health: ``status, worker_id, active_jobs, last_heartbeat, api_capacity``.

    A provider is available, rate_limited, down or closed; with several endpoints, the worst of them counts.
    """
    states: dict[str, str] = {}
    for api in worker.capacity:
        name = _NAMES.get(api.provider, api.provider)
        states[name] = max(states.get(name, "available"), api.state, key=_ORDER.index)
    return {
        "status": "healthy" if worker.alive else "unhealthy",
        "worker_id": worker.worker_id,
        "active_jobs": worker.active_jobs,
        "last_heartbeat": worker.last_heartbeat.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "api_capacity": states,
    }
