"""``python -m bench.transports``: drain rate and pickup of one worker over REST beside the direct way.

REST goes through the local gateway in a process of its own (Python, one process, on this machine): it stands for the
price of HTTP and of a call without wake-ups, not for Supabase's own gateway, its network or its TLS.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvloop

from bench.server import running
from exora.app import Target, migrate_schema, open_transport
from exora.coordination.bulk import enqueue_bulk
from exora.coordination.wire import WireCoordinator
from exora.domain.job import EnqueueRequest
from exora.observe.logs import configure_logs
from exora.settings import read_settings
from exora.worker.config import WorkerConfig, new_worker_id
from exora.worker.keeper import Heartbeats
from exora.worker.registry import Registry
from exora.worker.runtime import Worker

TYPE = "report_generation"


class Bench:
    """A worker whose jobs do nothing but say when they started."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.transport = open_transport(target)
        self.coordinator = WireCoordinator(self.transport)
        self.started: asyncio.Queue[float] = asyncio.Queue()

    async def _handle(self, _: object, __: Any) -> None:
        self.started.put_nowait(time.perf_counter())

    @contextlib.asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        """It, with 50 slots, at work."""

        async def connect_keeper() -> Heartbeats:
            return WireCoordinator(open_transport(self.target, max_connections=1))

        registry = Registry()
        registry.add(TYPE, self._handle)
        worker = Worker(self.coordinator, connect_keeper, registry, WorkerConfig(worker_id=new_worker_id("bench")))
        task = asyncio.create_task(worker.run(handle_signals=False))
        try:
            yield
        finally:
            worker.stop()
            await task

    async def drain(self, jobs: int) -> float:
        """Jobs per second, from the first job's start to the last one's settlement."""
        await enqueue_bulk(self.coordinator, (EnqueueRequest(TYPE, {}) for _ in range(jobs)))
        async with self.worker():
            first = await self.started.get()
            for _ in range(jobs - 1):
                await self.started.get()
            while any(lane.running for lane in await self.coordinator.queue_stats()):  # noqa: ASYNC110  nobody tells
                await asyncio.sleep(0.005)
            return jobs / (time.perf_counter() - first)

    async def pickup(self, jobs: int) -> list[float]:
        """Seconds from before each enqueue call to the job's start, one job at a time, a pause in between."""
        waits = []
        async with self.worker():
            for _ in range(jobs):
                await asyncio.sleep(0.3)
                began = time.perf_counter()
                await self.coordinator.enqueue([EnqueueRequest(TYPE, {})])
                waits.append(await self.started.get() - began)
        return waits


@contextlib.contextmanager
def local_project(dsn: str) -> Iterator[Target]:
    """The database behind ``exora dev``."""
    command = [sys.executable, "-m", "exora.cli.main", "dev", "--json", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"DATABASE_URL": dsn})
    assert process.stdout is not None
    try:
        said = json.loads(process.stdout.readline())
        project = read_settings(
            {"SUPABASE_URL": said["url"], "SUPABASE_SERVICE_ROLE_KEY": said["service_role_key"]}
        ).project
        assert project is not None
        yield project
    finally:
        process.terminate()
        process.wait(30)


async def measure(target: Target, jobs: int, paced: int) -> dict[str, float]:
    """Both measurements of one target."""
    bench = Bench(target)
    try:
        rate = await bench.drain(jobs)
        waits = await bench.pickup(paced)
    finally:
        await bench.transport.close()
    ordered = sorted(waits)
    return {
        "drain_jobs_per_s": round(rate, 1),
        "pickup_p50_ms": round(statistics.median(waits) * 1000, 2),
        "pickup_p95_ms": round(ordered[int(len(ordered) * 0.95)] * 1000, 2),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.transports", description=__doc__)
    parser.add_argument("--jobs", type=int, default=5000)
    parser.add_argument("--paced", type=int, default=30)
    given = parser.parse_args()
    configure_logs("error")
    found = {}
    with running("embedded") as server:
        for name in ("direct", "rest"):
            dsn = asyncio.run(server.create(f"transports_{name}"))
            asyncio.run(migrate_schema(dsn))
            with local_project(dsn) if name == "rest" else contextlib.nullcontext(dsn) as target:
                found[name] = uvloop.run(measure(target, given.jobs, given.paced))
            print(f"{name:>7}: {json.dumps(found[name])}", flush=True)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
