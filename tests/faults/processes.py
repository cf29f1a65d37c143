"""Real worker processes, started through the command line and broken on purpose."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID, uuid4

import asyncpg

from exora.app import Services, open_services
from exora.dev.examples import examples


class WorkerProcess:
    """A worker in a process of its own; its log is kept in memory."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.log = b""
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stderr is not None
        while line := await self.process.stderr.readline():
            self.log += line

    def lines(self) -> list[dict[str, object]]:
        """The log so far."""
        return [json.loads(line) for line in self.log.splitlines()]

    async def says(self, event: str, within_s: float = 30) -> dict[str, object]:
        """Wait for a log event."""
        async with asyncio.timeout(within_s):
            while True:
                for line in self.lines():
                    if line["event"] == event:
                        return line
                await asyncio.sleep(0.05)

    async def ends(self, number: int | None = None, within_s: float = 40) -> int:
        """Send a signal, if any, and wait for the exit code."""
        if number is not None and self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(within_s):
            code = await self.process.wait()
        await self._reading
        return code


@contextlib.asynccontextmanager
async def worker(dsn: str, *arguments: str, **environment: str) -> AsyncIterator[WorkerProcess]:
    """A worker process on a database; killed at the end of the block if it still runs."""
    async with launched_worker((), dsn, *arguments, **environment) as running:
        yield running


@contextlib.asynccontextmanager
async def launched_worker(
    launcher: tuple[str, ...], dsn: str, *arguments: str, **environment: str
) -> AsyncIterator[WorkerProcess]:
    """A worker process started through another program, e.g. one that watches it."""
    env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    env |= {"DATABASE_URL": dsn, "PORT": "0", "APP_ENV": "test", **environment}
    process = await asyncio.create_subprocess_exec(
        *launcher,
        sys.executable,
        "-m",
        "exora.cli.main",
        "worker",
        *arguments,
        env=env,
        stderr=asyncio.subprocess.PIPE,
        stdin=asyncio.subprocess.DEVNULL,
        cwd="/",
        limit=1 << 20,
    )
    running = WorkerProcess(process)
    try:
        yield running
    finally:
        await running.ends(signal.SIGKILL)


@contextlib.asynccontextmanager
async def system(dsn: str, lease_s: float = 2.0) -> AsyncIterator[tuple[Services, asyncpg.Connection]]:
    """The services and the owner's connection on a database with short leases."""
    db = await asyncpg.connect(dsn)
    try:
        await db.execute(
            "update exora.job_types set heartbeat_s = $1::real / 4, lease_s = $1, backoff_base_s = 0.2", lease_s
        )
        async with open_services(dsn) as services:
            yield services, db
    finally:
        await db.close()


async def submit_examples(services: Services) -> list[UUID]:
    """Submit every example document, each for its patient; returns the jobs."""
    patients: dict[str, UUID] = {}
    jobs = []
    for example in examples():
        patient = patients.setdefault(example.patient, uuid4())
        await services.coordinator.register_patient(patient)
        jobs.append((await services.submit(example.read(), patient)).job.job_id)
    return jobs


async def until(condition: Callable[[], Awaitable[bool]], within_s: float = 120) -> None:
    """Wait until an awaited condition holds."""
    async with asyncio.timeout(within_s):
        while not await condition():
            await asyncio.sleep(0.05)


async def all_final(services: Services, jobs: list[UUID]) -> bool:
    """Whether all jobs have ended."""
    return all(view.state.final for view in await services.coordinator.get_jobs(jobs))
