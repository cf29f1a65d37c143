"""What a Python system offers the benchmark; ``agent`` drives it inside the system's own process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

#: drain: no-op jobs as fast as they go. latency: an idle worker. io: 50 jobs of 50 ms at once.
Profile = Literal["drain", "latency", "io"]
#: What a worker calls for each job.
Job = Callable[[], Awaitable[None]]


class NotOffered(Exception):
    """The system has no such thing; the message says why, for the table."""


@dataclass(frozen=True, slots=True)
class Description:
    """What the harness must know of a system.

    Attributes:
        configuration: the fast configuration it is measured in, in one line.
        remaining: a query whose first column is true while unfinished jobs exist; it must be cheap.
        pending_tables: tables whose rows are multiplied to make a backlog; empty: only by enqueueing.
        history_tables: tables whose rows are multiplied to make a history; empty: it keeps none,
            or only draining makes it (``keeps_history``).
        keeps_history: whether finished jobs stay anywhere.
    """

    configuration: str
    remaining: str
    pending_tables: tuple[str, ...] = ()
    history_tables: tuple[str, ...] = ()
    keeps_history: bool = False


class System:
    """Base of the Python systems.

    Args:
        dsn: a PostgreSQL URL of a database of its own.
        payload: what every queue's jobs carry, about 250 bytes as JSON; makers of jobs may vary it.
        connections: of a producer, at most.
    """

    description: ClassVar[Description]

    def __init__(self, dsn: str, payload: dict[str, Any], connections: int) -> None:
        self.dsn = dsn
        self.payload = payload
        self.connections = connections

    async def setup(self) -> None:
        """Make the schema in an empty database."""
        raise NotImplementedError

    async def open(self) -> None:
        """Connect a producer, so that connecting is not measured."""
        raise NotImplementedError

    async def close(self) -> None:
        """Disconnect the producer."""
        raise NotImplementedError

    async def enqueue_one(self) -> None:
        """Enqueue one job in a transaction of its own; durable on return."""
        raise NotImplementedError

    async def enqueue_paced(self) -> None:
        """Enqueue one job so that an idle worker is woken, if that is something else."""
        await self.enqueue_one()

    async def enqueue_coalesced(self) -> None:
        """The same through a client that gathers concurrent calls; durable on return."""
        raise NotOffered("its client does not gather calls")

    async def enqueue_bulk(self, count: int) -> None:
        """Enqueue many jobs the fastest way the system offers."""
        raise NotImplementedError

    async def work(self, profile: Profile, job: Job) -> None:
        """Work until cancelled, or until the process is ended."""
        raise NotImplementedError

    async def hold(self, count: int) -> None:
        """Claim so many jobs and keep them, for ``beat``."""
        raise NotOffered("it renews no claims")

    async def beat(self) -> None:
        """Renew all held claims once."""
        raise NotOffered("it renews no claims")
