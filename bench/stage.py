"""What every workload needs: fresh databases with a system's schema, its processes, and a drain taken in time."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from bench.catalog import Entry
from bench.processes import Agent, AgentFailed
from bench.server import Server

_POLL_S = 0.01
_DRAIN_WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much work a workload does.

    Attributes:
        seconds: about so long should a drain or an enqueue take; with a system's speed it gives the jobs.
        backlog: jobs pending, or finished, in the workloads named "1m".
        rounds: of the drains behind a held snapshot.
        round_jobs: at most so many jobs in each.
        paced: jobs of the pickup.
        io_jobs: jobs of 50 ms.
        callers: concurrent callers of single enqueues.
    """

    seconds: float
    backlog: int
    rounds: int
    round_jobs: int
    paced: int
    io_jobs: int
    callers: int = 50

    def jobs(self, per_second: int, cap: int = 200_000) -> int:
        """Jobs for about ``seconds``."""
        return min(cap, max(500, round(per_second * self.seconds / 100) * 100))


@dataclass(frozen=True, slots=True)
class Drained:
    """One drain: jobs a second from the first start to the last job durably done, and the workers' memory."""

    rate: float
    rss_mib: float
    peak_rss_mib: float


@dataclass
class Stage:
    """The server, the sizes, each system's schema as a template, and when to stop (monotonic seconds)."""

    server: Server
    sizes: Sizes
    logs: Path
    ends_at: float = float("inf")
    descriptions: dict[str, dict[str, Any]] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    async def prepare(self, entry: Entry) -> None:
        """Make a system's schema once; every run copies it."""
        template = f"template_{entry.name}"
        url = await self.server.create(template)
        async with Agent(entry, url, self.logs) as agent:
            self.descriptions[entry.name] = await agent.ask("describe")
            await agent.ask("setup")
        # Nobody may be connected to a template.
        await self.server.value(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = $1", template
        )
        await self.server.leave(template)

    @contextlib.asynccontextmanager
    async def database(self, entry: Entry) -> AsyncIterator[Place]:
        """A fresh database of a system; dropped at the end."""
        name = f"{entry.name}_{next(self._numbers)}"
        url = await self.server.create(name, f"template_{entry.name}")
        try:
            yield Place(self, entry, name, url)
        finally:
            await self.server.drop(name)


@dataclass(frozen=True)
class Place:
    """A system on a database of its own."""

    stage: Stage
    entry: Entry
    name: str
    url: str

    @property
    def description(self) -> dict[str, Any]:
        """What the system says of itself."""
        return self.stage.descriptions[self.entry.name]

    @contextlib.asynccontextmanager
    async def producer(self) -> AsyncIterator[Agent]:
        """A connected producer."""
        async with Agent(self.entry, self.url, self.stage.logs) as agent:
            await agent.ask("open")
            yield agent

    async def fill(self, count: int) -> None:
        """Enqueue jobs in bulk and let the server settle."""
        async with self.producer() as producer:
            await producer.ask("bulk", count=count, within_s=600)
        await self.stage.server.settle(self.name)

    async def drain(self, count: int, workers: int = 1) -> Drained:
        """Have fresh workers do all ``count`` jobs."""
        async with contextlib.AsyncExitStack() as stack:
            watch = await asyncpg.connect(self.url)
            stack.push_async_callback(watch.close)
            await watch.execute("set enable_seqscan = off")  # asking must not read a long history
            agents = await self.workers(stack, workers)
            await self.start(agents, "drain")
            progress = await self.until(agents, "count", count)
            while await watch.fetchval(self.description["remaining"]):  # noqa: ASYNC110  the database has no event for it
                await asyncio.sleep(0.001)
            end_ns = time.monotonic_ns()
            done = sum(item["count"] for item in progress)
            if done != count:
                raise AgentFailed(f"{done} runs of {count} jobs")
            first_ns = min(item["first_ns"] for item in progress if item["count"])
            memory = [agent.rss_mib() for agent in agents]
        seconds = (end_ns - first_ns) / 1e9
        return Drained(count / seconds, max(now for now, _ in memory), max(top for _, top in memory))

    async def drain_part(self, count: int) -> float:
        """Jobs a second of the first ``count`` jobs of a longer queue, by the worker's own clock."""
        async with contextlib.AsyncExitStack() as stack:
            agents = await self.workers(stack, 1)
            await self.start(agents, "drain", mark_at=count)
            (progress,) = await self.until(agents, "mark_ns", 1)
        return count / float((progress["mark_ns"] - progress["first_ns"]) / 1e9)

    async def workers(self, stack: contextlib.AsyncExitStack, count: int) -> list[Agent]:
        """Processes with everything imported, not working yet."""
        agents = [Agent(self.entry, self.url, self.stage.logs) for _ in range(count)]
        return list(await asyncio.gather(*(stack.enter_async_context(agent) for agent in agents)))

    async def start(
        self, agents: list[Agent], profile: str, *, sleep_s: float = 0, mark_at: int = 0, keep_starts: bool = False
    ) -> None:
        """Have them begin to work, at once."""
        options: dict[str, Any] = {
            "profile": profile,
            "sleep_s": sleep_s,
            "mark_at": mark_at,
            "keep_starts": keep_starts,
        }
        await asyncio.gather(*(agent.ask("work", **options) for agent in agents))

    async def until(self, agents: list[Agent], key: str, enough: int) -> list[dict[str, Any]]:
        """Wait until the workers' figures add up to enough.

        Raises:
            AgentFailed: they did not in two minutes.
        """
        deadline = time.monotonic() + _DRAIN_WITHIN_S
        while True:
            progress = await asyncio.gather(*(agent.ask("progress") for agent in agents))
            if sum(item[key] for item in progress) >= enough:
                return list(progress)
            if time.monotonic() > deadline:
                done = sum(item["count"] for item in progress)
                raise AgentFailed(f"only {done} jobs done after {_DRAIN_WITHIN_S:g} s")
            await asyncio.sleep(_POLL_S)
