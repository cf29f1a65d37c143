"""The fault kit: kill and freeze workers, cut the network to the database, throttle a provider.

    await kill(worker)                                        # SIGKILL: claims are left as they are
    async with freeze(worker): ...                            # SIGSTOP, and SIGCONT at the end of the block
    async with cut(dsn, "settle_jobs_v3", Cut.REPLY) as network: ...   # committed, and the answer is lost
    with throttle(server, throttled(2)): ...                  # a provider that says 429

A worker is one of ``exora.testing.processes``, a network is a ``Proxy``, a provider's server is one of
``exora.testing.providers``.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncIterator, Iterator

from exora.testing.processes import WorkerProcess
from exora.testing.providers.scripted import FAULTS, Fault, ScriptedServer, throttled
from exora.testing.proxy import Cut, Proxy, proxied

__all__ = ["FAULTS", "Cut", "Fault", "cut", "freeze", "kill", "throttle", "throttled"]


async def kill(worker: WorkerProcess) -> None:
    """End a worker by SIGKILL and wait until it is gone. Others take its jobs over when its leases lapse."""
    await worker.kill()


@contextlib.asynccontextmanager
async def freeze(worker: WorkerProcess) -> AsyncIterator[None]:
    """Stop a worker by SIGSTOP for the length of the block. When it wakes after its leases, its claims are others'."""
    worker.freeze()
    try:
        yield
    finally:
        worker.thaw()


@contextlib.asynccontextmanager
async def cut(
    dsn: str, function: str | None = None, where: Cut = Cut.REPLY, *, times: int = 1, seed: int = 0
) -> AsyncIterator[Proxy]:
    """A network to a database that can be broken: use its ``dsn`` in place of the database's.

    It can also ``reset()`` every connection, be a ``black_hole()``, take ``latency_s`` ± ``jitter_s`` for each message,
    and follow a ``plan`` of your own.

    Args:
        dsn: the database's URL.
        function: a function of the database; the connections of its first ``times`` calls break. None = none does.
        where: at which point of the call.
        times: how many of the calls.
        seed: of what is drawn: whether a connection ends by FIN or by RST, and the jitter.
    """
    async with proxied(dsn, random.Random(seed)) as network:  # noqa: S311  not for secrecy
        if function is not None:
            network.plan = lambda sql: where if function in sql and network.cuts < times else None
        yield network


@contextlib.contextmanager
def throttle(server: ScriptedServer, fault: Fault | None = None) -> Iterator[None]:
    """A provider's server that answers every call with a fault for the length of the block.

    Args:
        server: a stand-in of ``exora.testing.providers``.
        fault: one of ``FAULTS`` or your own; None = a 429 that does not say when to come back.
    """
    server.storm = fault or throttled()
    try:
        yield
    finally:
        server.storm = None
