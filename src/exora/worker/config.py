"""The numbers a worker runs by."""

from __future__ import annotations

import secrets
import socket
from dataclasses import dataclass, field

from exora.version import __version__


def new_worker_id(prefix: str | None = None) -> str:
    """An id no other process has: prefix (default: host name) and a boot nonce.

    The same WORKER_ID on two instances, or on the old and the new one of a deploy, must not make
    two workers one.
    """
    return f"{prefix or socket.gethostname()}-{secrets.token_hex(6)}"


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """How a worker behaves; durations in seconds.

    Attributes:
        worker_id: unique per process.
        concurrency: slots, that is jobs running at once.
        lanes: only these lanes; None = all lanes of the job types that have a handler.
        poll_min_s, poll_max_s: pause between empty claims, doubling from one to the other.
        prefetch_s: claim ahead what the slots are expected to finish within this time.
        settle_window_s: how long a small batch of outcomes waits for others.
        sweep_interval_s: mean pause between sweeps, jittered by half.
        heartbeat_s: pause between heartbeats; None = the smallest of the claimed jobs' own.
        drain_s: how long running jobs may finish after SIGTERM.
        version: of this software, as the worker reports it.
    """

    worker_id: str = field(default_factory=new_worker_id)
    concurrency: int = 50
    lanes: tuple[str, ...] | None = None
    poll_min_s: float = 0.1
    poll_max_s: float = 5.0
    prefetch_s: float = 0.1
    settle_window_s: float = 0.005
    sweep_interval_s: float = 1.0
    heartbeat_s: float | None = None
    drain_s: float = 25.0
    version: str = __version__
