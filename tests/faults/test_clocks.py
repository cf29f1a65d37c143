"""Row 8: workers whose clock is two hours ahead, two hours behind, or jumps.

All time is the database's: a wrong clock loses no lease, retries nothing early, and reserves no more than a right one.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exora.domain.job import EnqueueRequest, JobState
from exora.testing.processes import WorkerProcess, crew
from exora.testing.sandbox import Sandbox

from .deeds import TYPE
from .preload import compiled
from .report import Row
from .test_failpoints import failing

HOURS_2 = 7200


@contextlib.asynccontextmanager
async def clock(file: Path, skew: str, draw: random.Random) -> AsyncIterator[dict[str, str]]:
    """A clock that is wrong as its name says; yields the variables for those who shall have it."""

    async def jump() -> None:
        while True:
            file.write_text(str(draw.choice([-HOURS_2, HOURS_2, 0])))
            await asyncio.sleep(draw.uniform(0.05, 0.3))

    file.write_text(str({"ahead": HOURS_2, "behind": -HOURS_2, "jumping": HOURS_2}[skew]))
    jumping = asyncio.create_task(jump()) if skew == "jumping" else None
    try:
        yield {"LD_PRELOAD": str(compiled("skew")), "SKEW_FILE": str(file)}
    finally:
        if jumping is not None:
            jumping.cancel()
            await asyncio.gather(jumping, return_exceptions=True)


def wrong_times(worker: WorkerProcess) -> int:
    """How many lines of its log say a time that is an hour off: its clock is wrong indeed."""
    stamps = [datetime.fromisoformat(str(line["timestamp"])) for line in worker.lines()]
    return sum(abs(stamp - datetime.now(UTC)) > timedelta(hours=1) for stamp in stamps)


@pytest.mark.row(8)
@pytest.mark.parametrize("skew", ["ahead", "behind", "jumping"])
async def test_a_wrong_clock_changes_nothing(sandbox: Sandbox, row: Row, tmp_path: Path, skew: str) -> None:
    row.lease_s = 1.0
    await sandbox.hurry(lease_s=row.lease_s)
    async with sandbox.connect() as db, sandbox.coordinator() as coordinator:
        began = await db.fetchval("select clock_timestamp()")
        later = began + timedelta(seconds=2)
        requests = [
            *[EnqueueRequest(TYPE, {"scope": "sleep", "limit": 2500})] * 4,  # as long as two leases and a half
            *[EnqueueRequest(TYPE, {"scope": "work"}, max_retries=100)] * 40 * row.scale,
            *[EnqueueRequest(TYPE, {"scope": "sleep", "limit": 1}, scheduled_at=later)] * 10,
        ]
        jobs = [answer.job_id for answer in await coordinator.enqueue(requests)]
        async with clock(tmp_path / "skew", skew, row.draw) as variables:
            async with crew(sandbox.dsn, "tests.faults.deeds", **variables) as worker:
                views = await sandbox.ended(jobs, 60)
                assert await worker.drain() == 0
                assert wrong_times(worker) > 0
            patient = {"patient_id": str(await sandbox.patient())}
            paid = [answer.job_id for answer in await coordinator.enqueue([EnqueueRequest(TYPE, patient)] * 20)]
            reserving = await failing(sandbox.dsn, "none", **variables)
            views += await sandbox.ended(paid, 60)
            assert await reserving.drain() == 0
        row.fault(2)
        assert {view.state for view in views} == {JobState.COMPLETED}
        assert sum(view.crash_count for view in views) == 0
        early = await db.fetchval(
            "select count(*) from exora.audit_events e join exora.jobs j on j.id = e.job"
            " where e.event = 'job_claimed' and e.at < j.scheduled_at"
        )
        elsewhen = await db.fetchval(
            "select count(*) from exora.audit_events where at not between $1 and clock_timestamp()", began
        )
        assert (early, elsewhen) == (0, 0)
        [api] = [api for api in await coordinator.api_capacity() if api.endpoint == "gpt-4o-mini"]
        assert (api.requests, api.concurrent) == (len(paid), 0)
        await row.check(db, [*jobs, *paid])
