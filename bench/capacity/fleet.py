"""The benchmark's fleet: worker processes that can be killed and replaced, and the provider that counts."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from typing import Any

from exora.testing.providers.limits import Limits
from exora.testing.providers.openai import OpenAIServer

#: The first window, in which workers offer the limit itself.
WARM_S = 60


class CountingServer(OpenAIServer):
    """The stand-in, counting by worker too."""

    def __init__(self, limits: Limits, *, latency_s: float) -> None:
        super().__init__(limits, latency_s=latency_s)
        self.answers: list[tuple[float, str]] = []

    async def answer(self, body: dict[str, Any], flaw: str) -> tuple[bytes, int | None]:
        """As the stand-in; the prompt begins with the worker's name."""
        self.answers.append((time.monotonic(), body["messages"][1]["content"].split(" ", 1)[0]))
        return await super().answer(body, flaw)

    def fairness(self, start: float, end: float) -> float:
        """Jain's index of the calls that workers made in a span in which all lived: 1 = all equal."""
        counts = list(Counter(name for at, name in self.answers if start <= at < end).values())
        return sum(counts) ** 2 / (len(counts) * sum(count * count for count in counts))


async def agent(mode: str, dsn: str, **options: Any) -> asyncio.subprocess.Process:
    """Start a worker process."""
    words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.capacity.agent", mode, "--dsn", dsn, *words, stdout=asyncio.subprocess.PIPE
    )


async def figures(mode: str, dsn: str, count: int, seconds: float) -> list[dict[str, Any]]:
    """Run so many workers to their end; what each printed."""
    running = [await agent(mode, dsn, name=f"w{number}", seconds=seconds) for number in range(count)]
    outputs = await asyncio.gather(*(process.communicate() for process in running))
    return [json.loads(out) for out, _ in outputs]


class Fleet:
    """Workers that offer calls.

    Args:
        dsn: their database.
        url: their provider.
        rate: calls a second of all together.
        size: how many.
        seconds: how long.
    """

    def __init__(self, dsn: str, url: str, *, rate: float, size: int, seconds: float, **options: Any) -> None:
        self._dsn = dsn
        self._url = url
        self._rate = rate / size
        self._size = size
        self._until = time.monotonic() + seconds
        self._options = options
        self._workers: dict[str, asyncio.subprocess.Process] = {}
        self._number = 0
        self._began = time.monotonic()

    async def start(self) -> None:
        """Start all."""
        for _ in range(self._size):
            await self._one()

    async def kill(self) -> str:
        """Kill the oldest that has not been replaced yet and start another; returns the dead one's name."""
        name = min(self._workers)
        process = self._workers.pop(name)
        process.kill()
        await process.wait()
        await self._one()
        return name

    async def end(self) -> None:
        """Wait for all."""
        await asyncio.gather(*(process.wait() for process in self._workers.values()))

    def stop(self) -> None:
        """Kill all."""
        for process in self._workers.values():
            if process.returncode is None:
                process.kill()

    async def _one(self) -> None:
        name = f"w{self._number:03d}"
        self._number += 1
        seconds = self._until - time.monotonic()
        warm_s = max(self._began + WARM_S - time.monotonic(), 0)
        self._workers[name] = await agent(
            "offer",
            self._dsn,
            url=self._url,
            name=name,
            rate=self._rate,
            seconds=seconds,
            warm_s=warm_s,
            **self._options,
        )
