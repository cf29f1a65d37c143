"""Row 2: workers that die at one of eight points, of their own making the worst: each job completes once all the same.

Before and after the claim commits, after a side effect, before and after the completion commits, in the middle of the
transaction that writes the trail, holding a reservation, and while draining. What was done as a step is not done again;
what was reserved comes back with its lease.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest

from exora.domain.job import EnqueueRequest, JobState
from exora.testing.processes import WorkerProcess, until
from exora.testing.sandbox import Sandbox

from .crew import ROOT
from .deeds import TYPE
from .failpoints import POINTS, RESERVATION_S
from .report import Row

#: At the point mid_audit: the server's process ends while the completion is written and not committed.
_MID_AUDIT = """
create function public.die_mid_audit() returns trigger language plpgsql as $$
begin
  perform pg_terminate_backend(pg_backend_pid());
  perform pg_sleep(5);
  return new;
end $$;
create trigger die_mid_audit before insert on exora.audit_events for each row
  when (new.event = 'job_completed') execute function public.die_mid_audit()"""


async def failing(dsn: str, point: str, **environment: str) -> WorkerProcess:
    """Start a worker that dies at a point."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.failpoints", dsn, point,
        cwd=ROOT, stderr=asyncio.subprocess.PIPE, env={"PATH": os.environ["PATH"], **environment},
    )  # fmt: skip
    return WorkerProcess(process)


@pytest.mark.row(2)
@pytest.mark.parametrize("point", list(POINTS))
async def test_a_worker_may_die_at_any_point(sandbox: Sandbox, row: Row, point: str) -> None:
    # In the middle of the trail a worker dies when its tries to settle have run out, after 2 to 7 s: with a shorter
    # lease the last to die would take over what the first held, and a job of three deaths is rightly poison.
    row.lease_s, workers = 8.0 if point == "mid_audit" else 2.0, 5 * row.scale
    await sandbox.hurry(lease_s=row.lease_s)
    patient = await sandbox.patient()
    async with sandbox.connect() as db, sandbox.coordinator() as coordinator:
        if point == "mid_audit":
            await db.execute(_MID_AUDIT)
        request = EnqueueRequest(TYPE, {"patient_id": str(patient)})
        jobs = [answer.job_id for answer in await coordinator.enqueue([request] * 6 * workers)]
        dying = [await failing(sandbox.dsn, point) for _ in range(workers)]
        codes = await asyncio.gather(*(worker.ends(within_s=60) for worker in dying))
        died = await db.fetchval("select clock_timestamp()")
        assert codes == [-signal.SIGKILL] * workers
        row.fault(workers)
        if point == "mid_audit":
            assert await db.fetchval("select count(*) from exora.job_archive") == 0
            await db.execute("drop trigger die_mid_audit on exora.audit_events")
        heir = await failing(sandbox.dsn, "none")
        views = await sandbox.ended(jobs, 60)
        assert await heir.drain() == 0
        rescued = await db.fetchval("select max(at) from exora.audit_events where event = 'job_rescued'")
        if rescued is not None:
            row.recovered(max((rescued - died).total_seconds(), 0.0))
        assert {view.state for view in views} == {JobState.COMPLETED}
        assert await db.fetchval("select count(*) from exora.steps") == len(jobs)

        async def nothing_reserved() -> bool:
            [api] = [api for api in await coordinator.api_capacity() if api.endpoint == "gpt-4o-mini"]
            return api.concurrent == 0

        await until(nothing_reserved, RESERVATION_S + 5)
        await row.check(db, jobs)
