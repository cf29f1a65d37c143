"""Row 11: eight processes offer three times what an API allows while fifty of them are killed with calls under way.

In any 60 seconds no more calls begin than are allowed, at no moment are more under way, and when all are dead the
concurrency they held is free within the lease and five seconds.
"""

from __future__ import annotations

import asyncio
import bisect
import sys
import time

import pytest

from exora.testing.processes import until
from exora.testing.sandbox import Sandbox

from .crew import ROOT
from .holder import API, LEASE_S
from .report import Row

PROCESSES = 8
PER_MINUTE, TOKENS_PER_MINUTE, AT_ONCE = 400, 36_000, 10
SECONDS = 20


class Holder:
    """A process, and when its calls began and ended."""

    def __init__(self) -> None:
        self.began: list[float] = []
        self.ended: list[float] = []
        self.speaking = asyncio.Event()
        self.process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self, dsn: str, per_second: float) -> Holder:
        """Start it."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.faults.holder", dsn, str(per_second), cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        self._reading = asyncio.create_task(self._read(self.process))
        return self

    async def kill(self) -> None:
        """Kill it: what it had under way ends now."""
        assert self.process is not None
        assert self._reading is not None
        self.process.kill()
        await self.process.wait()
        await self._reading
        self.ended += [time.monotonic()] * (len(self.began) - len(self.ended))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            sign, at = line.decode().split()
            (self.began if sign == "+" else self.ended).append(float(at))
            self.speaking.set()


def most_at_once(holders: list[Holder]) -> int:
    """The most calls that were under way at one moment."""
    changes = sorted([(at, 1) for h in holders for at in h.began] + [(at, -1) for h in holders for at in h.ended])
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


def most_in_a_minute(holders: list[Holder]) -> int:
    """The most calls that began within any 60 seconds."""
    began = sorted(at for holder in holders for at in holder.began)
    return max(bisect.bisect_left(began, at + 60) - place for place, at in enumerate(began))


@pytest.mark.row(11)
@pytest.mark.xdist_group("limiter-11")
async def test_limits_hold_while_holders_die(sandbox: Sandbox, row: Row) -> None:
    row.lease_s, kills, seconds = LEASE_S, 50 * row.scale, SECONDS * row.scale
    per_second = 3 * PER_MINUTE / SECONDS / PROCESSES
    async with sandbox.coordinator() as coordinator, sandbox.connect() as db:
        limits = {
            "requests_per_minute": PER_MINUTE, "tokens_per_minute": TOKENS_PER_MINUTE, "concurrent_requests": AT_ONCE,
        }  # fmt: skip
        await coordinator.set_api_limits(*API, limits)
        holders = [await Holder().start(sandbox.dsn, per_second) for _ in range(PROCESSES)]
        dead: list[Holder] = []
        until_s = time.monotonic() + seconds
        while len(dead) < kills or time.monotonic() < until_s:
            if len(dead) < kills:
                place = row.draw.randrange(PROCESSES)
                await holders[place].kill()
                row.fault()
                dead.append(holders[place])
                holders[place] = await Holder().start(sandbox.dsn, per_second)
            await coordinator.sweep()
            await asyncio.sleep(seconds / kills)
        for holder in holders:
            await holder.kill()
        died = time.monotonic()
        everyone = dead + holders

        async def nothing_held() -> bool:
            [api] = [api for api in await coordinator.api_capacity() if api.endpoint == API[1]]
            return api.concurrent == 0

        await until(nothing_held, LEASE_S + 10)
        row.recovered(time.monotonic() - died)
        calls, most, at_once = sum(len(h.began) for h in everyone), most_in_a_minute(everyone), most_at_once(everyone)
        print(f"calls={calls} in a minute={most} of {PER_MINUTE} at once={at_once} of {AT_ONCE} killed={len(dead)}")
        assert most <= min(PER_MINUTE, TOKENS_PER_MINUTE // 100)
        assert at_once <= AT_ONCE
        assert calls > AT_ONCE * 5
        row.jobs += calls
        await row.check(db, [])
