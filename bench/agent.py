"""The process of a Python system: takes commands as lines of JSON on stdin, answers on a descriptor of its own."""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import random
import sys
import time
from typing import Any

from bench.systems.protocol import NotOffered, System


class Probe:
    """The job that workers run: counts, takes the time, sleeps if it is to."""

    def __init__(self, sleep_s: float, mark_at: int, keep_starts: bool) -> None:
        self.sleep_s = sleep_s
        self.mark_at = mark_at
        self.starts: list[int] | None = [] if keep_starts else None
        self.count = 0
        self.running = 0
        self.most = 0
        self.first_ns = 0
        self.last_ns = 0
        self.mark_ns = 0

    async def noop(self) -> None:
        """A job that does nothing."""
        now = time.monotonic_ns()
        if not self.count:
            self.first_ns = now
        self.count += 1
        self.last_ns = now
        if self.count == self.mark_at:
            self.mark_ns = now
        if self.starts is not None:
            self.starts.append(now)

    async def sleeper(self) -> None:
        """A job that waits, as for an API."""
        if not self.first_ns:
            self.first_ns = time.monotonic_ns()
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(self.sleep_s)
        self.running -= 1
        self.count += 1
        self.last_ns = time.monotonic_ns()

    def progress(self) -> dict[str, Any]:
        """What the harness reads."""
        return {
            "count": self.count,
            "first_ns": self.first_ns,
            "last_ns": self.last_ns,
            "mark_ns": self.mark_ns,
            "most": self.most,
        }


class Agent:
    """Carries out the harness's commands on one system."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.probe: Probe | None = None
        self.working: asyncio.Task[None] | None = None

    async def answer(self, command: dict[str, Any]) -> dict[str, Any]:
        """Do one command and return its answer."""
        do = command.pop("do")
        try:
            return await getattr(self, f"do_{do}")(**command) or {}
        except NotOffered as reason:
            return {"not_offered": str(reason)}

    async def do_describe(self) -> dict[str, Any]:
        """What the harness must know of the system."""
        return {name: getattr(self.system.description, name) for name in self.system.description.__slots__}

    async def do_setup(self) -> None:
        """Make the schema."""
        await self.system.setup()

    async def do_open(self) -> None:
        """Connect as a producer."""
        await self.system.open()

    async def do_enqueue(self, count: int, callers: int, coalesced: bool) -> dict[str, Any]:
        """``callers`` concurrent callers make ``count`` single calls in all."""
        call = self.system.enqueue_coalesced if coalesced else self.system.enqueue_one
        for _ in range(3):  # so that statements are prepared
            await call()
        left = count

        async def caller() -> None:
            nonlocal left
            while left > 0:
                left -= 1
                await call()

        gc.collect()
        start = time.monotonic()
        await asyncio.gather(*(caller() for _ in range(callers)))
        return {"seconds": time.monotonic() - start, "extra": 3}

    async def do_bulk(self, count: int) -> dict[str, Any]:
        """Enqueue many at once."""
        gc.collect()
        start = time.monotonic()
        await self.system.enqueue_bulk(count)
        return {"seconds": time.monotonic() - start}

    async def do_pace(self, count: int, interval_s: float) -> dict[str, Any]:
        """Enqueue single jobs at jittered intervals; when each call began and returned."""
        calls, returns = [], []
        for _ in range(count):
            await asyncio.sleep(interval_s * random.uniform(0.5, 1.5))  # noqa: S311  not for secrecy
            calls.append(time.monotonic_ns())
            await self.system.enqueue_paced()
            returns.append(time.monotonic_ns())
        return {"calls": calls, "returns": returns}

    async def do_work(self, profile: str, sleep_s: float, mark_at: int, keep_starts: bool) -> None:
        """Start working in the background."""
        self.probe = Probe(sleep_s, mark_at, keep_starts)
        job = self.probe.sleeper if sleep_s else self.probe.noop
        self.working = asyncio.create_task(self.system.work(profile, job))  # type: ignore[arg-type]

    async def do_progress(self) -> dict[str, Any]:
        """How far the worker is; fails when it has ended."""
        assert self.probe is not None
        assert self.working is not None
        if self.working.done():
            self.working.result()
            raise RuntimeError("the worker has ended by itself")
        return self.probe.progress()

    async def do_starts(self) -> dict[str, Any]:
        """When each job started."""
        assert self.probe is not None
        return {"starts": self.probe.starts}

    async def do_hold(self, count: int) -> None:
        """Claim and keep."""
        await self.system.hold(count)

    async def do_beat(self, times: int) -> None:
        """Renew the held claims, so many times, over fresh connections whose statistics are then complete."""
        await self.system.close()
        await self.system.open()
        for _ in range(times):
            await self.system.beat()
        await self.system.close()


async def _serve(agent: Agent, answers: int) -> None:
    reader = asyncio.StreamReader(limit=1 << 24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        try:
            answer = await agent.answer(json.loads(line))
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        os.write(answers, json.dumps(answer).encode() + b"\n")
    os._exit(0)  # the harness has gone; a peer's shutdown is not measured


def _first_line() -> bytes:
    """Read without buffering: the rest of stdin is the event loop's."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            break
        line += byte
    return line


def main() -> None:
    """``python -m bench.agent MODULE ANSWERS_FD`` with the start parameters as the first line of stdin."""
    module, answers = sys.argv[1], int(sys.argv[2])
    parameters = json.loads(_first_line())
    found: type[System] = importlib.import_module(f"bench.systems.{module}").SYSTEM
    agent = Agent(found(**parameters))
    os.write(answers, b"{}\n")
    try:
        import uvloop

        uvloop.run(_serve(agent, answers))
    except ModuleNotFoundError:
        asyncio.run(_serve(agent, answers))


if __name__ == "__main__":
    main()
