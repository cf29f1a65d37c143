"""What the HTTP side reads of the worker it runs in."""

from __future__ import annotations

from datetime import UTC, datetime

from exora import __version__
from exora.domain.capacity import ApiCapacity
from exora.observe.calls import CallTally
from exora.observe.tally import Tally
from exora.worker.runtime import Worker


class LiveWorker:
    """A worker as /health, /ready and /metrics read it."""

    version = __version__

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    @property
    def worker_id(self) -> str:
        """The process's id."""
        return self._worker.config.worker_id

    @property
    def slots(self) -> int:
        """Jobs it runs at once, at most."""
        return self._worker.config.concurrency

    @property
    def active_jobs(self) -> int:
        """Jobs running now."""
        return self._worker.active_jobs

    @property
    def state(self) -> str:
        """starting, working, draining or stopped."""
        return self._worker.state

    @property
    def listening(self) -> bool:
        """Whether notifications arrive; if not, only polling finds jobs."""
        return self._worker.listening

    @property
    def last_heartbeat(self) -> datetime:
        """When the heartbeat thread last did its round."""
        return self._worker.keeper.last_heartbeat

    @property
    def heartbeat_age_s(self) -> float:
        """Seconds since then."""
        return max((datetime.now(UTC) - self.last_heartbeat).total_seconds(), 0.0)

    @property
    def alive(self) -> bool:
        """Whether that thread lives."""
        return self._worker.keeper.alive

    @property
    def capacity(self) -> list[ApiCapacity]:
        """The last known picture of API capacity."""
        return self._worker.capacity

    @property
    def tally(self) -> Tally:
        """What it did."""
        return self._worker.tally

    @property
    def calls(self) -> CallTally:
        """Its calls to APIs."""
        return self._worker.calls
