"""Real worker processes, to be broken on purpose: the command line's own, and lean ones for a module of handlers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

#: A worker answers SIGTERM within its drain; this is for those that do not drain.
_END_S = 40.0


class WorkerProcess:
    """A worker in a process of its own; its log is kept in memory."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.log = b""
        self._said = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs, as far as is known."""
        return self.process.returncode is None

    async def _read(self) -> None:
        assert self.process.stderr is not None
        while line := await self.process.stderr.readline():
            self.log += line
            self._said.set()
        self._said.set()

    def lines(self) -> list[dict[str, object]]:
        """The log so far; what is no JSON (the last words of an interpreter) is passed over."""
        return [json.loads(line) for line in self.log.splitlines() if line.startswith(b"{")]

    async def says(self, event: str, within_s: float = 30) -> dict[str, object]:
        """Wait for a log event."""
        async with asyncio.timeout(within_s):
            while True:
                self._said.clear()
                for line in self.lines():
                    if line["event"] == event:
                        return line
                if self._reading.done():
                    raise RuntimeError(f"the worker ended without saying {event}")
                await self._said.wait()

    async def kill(self) -> int:
        """SIGKILL: no goodbye, claims left as they are; returns the exit code."""
        return await self.ends(signal.SIGKILL)

    async def drain(self, within_s: float = _END_S) -> int:
        """SIGTERM, once it has started: it finishes and gives back what it can; returns the exit code."""
        await self.says("worker_started")
        return await self.ends(signal.SIGTERM, within_s)

    def freeze(self) -> None:
        """SIGSTOP: it does nothing any more, and does not know."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: it goes on as if nothing had happened."""
        if self.alive:
            self.process.send_signal(signal.SIGCONT)

    async def ends(self, number: int | None = None, within_s: float = _END_S) -> int:
        """Send a signal, if any, and wait for the exit code."""
        if number is not None and self.alive:
            self.process.send_signal(number)
        async with asyncio.timeout(within_s):
            code = await self.process.wait()
        await self._reading
        return code


@contextlib.asynccontextmanager
async def worker(dsn: str, *arguments: str, **environment: str) -> AsyncIterator[WorkerProcess]:
    """``exora worker`` on a database; killed at the end of the block if it still runs."""
    async with launched_worker((), dsn, *arguments, **environment) as running:
        yield running


@contextlib.asynccontextmanager
async def launched_worker(
    launcher: tuple[str, ...], dsn: str, *arguments: str, **environment: str
) -> AsyncIterator[WorkerProcess]:
    """``exora worker`` started through another program, e.g. one that watches it."""
    env = {"DATABASE_URL": dsn, "PORT": "0", "APP_ENV": "test", **environment}
    running = await _start((*launcher, sys.executable, "-m", "exora.cli.main", "worker", *arguments), env, "/")
    try:
        yield running
    finally:
        await running.kill()


async def start_crew(dsn: str, module: str, *arguments: str, **environment: str) -> WorkerProcess:
    """Start a worker process that serves the handlers a module registers with ``@exora.handler``, and nothing else.

    It starts in half a second, sweeps and polls often, and is the caller's to end.

    Args:
        dsn: the database's URL.
        module: name of an importable module.
        arguments: those of ``python -m exora.testing.crew``, such as ``--slots 8``.
        environment: further variables.
    """
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return await _start(
        (sys.executable, "-m", "exora.testing.crew", dsn, module, *arguments),
        {"PYTHONPATH": path, **environment},
        os.getcwd(),
    )


@contextlib.asynccontextmanager
async def crew(dsn: str, module: str, *arguments: str, **environment: str) -> AsyncIterator[WorkerProcess]:
    """``start_crew`` for the length of a block; killed at its end if it still runs."""
    running = await start_crew(dsn, module, *arguments, **environment)
    try:
        yield running
    finally:
        await running.kill()


async def _start(command: tuple[str, ...], environment: dict[str, str], folder: str) -> WorkerProcess:
    passed = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *command,
        env=passed | environment,
        stderr=asyncio.subprocess.PIPE,
        stdin=asyncio.subprocess.DEVNULL,
        cwd=folder,
        limit=1 << 20,
    )
    return WorkerProcess(process)


async def until(condition: Callable[[], Awaitable[bool]], within_s: float = 120) -> None:
    """Wait until an awaited condition holds."""
    async with asyncio.timeout(within_s):
        while not await condition():  # noqa: ASYNC110  databases and processes send no signals
            await asyncio.sleep(0.05)
