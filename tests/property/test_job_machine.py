"""Row 19 of the fault matrix. The SQL API against a model of it: whatever the order of verbs, both agree and the
invariants hold."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.domain.job import EnqueueRequest, Fence, job_number
from exora.domain.outcome import Cancelled, Completed, Dead, ErrorInfo, Outcome, Release, Retry, Settlement, Snooze
from exora.testing.invariants import check_invariants
from exora.testing.server import Server
from tests.faults.report import Row

T = TypeVar("T")
TYPE = "report_generation"
#: How many jobs of each concurrency key may run at once.
KEYS = {"one": 1, "two": 2}
ERROR = ErrorInfo("ValueError", "unexpected", "unexpected ValueError", "f00d")
OUTCOMES: tuple[Outcome, ...] = (
    Completed({"count": 1}),
    Retry(ERROR, delay_s=0),
    Retry(ERROR, delay_s=3600),
    Snooze(0, "no_capacity"),
    Release("shutdown"),
    Dead(ERROR),
    Cancelled("asked"),
)


@dataclass
class Model:
    """What a job should be: the state machine of the design in a few lines."""

    max_retries: int
    key: str | None = None
    place: str = "ready"
    attempt: int = 0
    retries: int = 0
    crashes: int = 0
    fence: Fence | None = None

    def settle(self, outcome: Outcome) -> None:
        """End the running attempt."""
        self.fence = None
        match outcome:
            case Completed() | Cancelled():
                self.place = "final"
            case Dead():
                self.place = "dead"
            case Release():
                self.place = "ready"
            case Snooze():
                self.place = "due"
            case Retry(delay_s=delay):
                if self.retries >= self.max_retries:
                    self.place = "dead"
                else:
                    self.retries += 1
                    self.place = "later" if delay else "due"

    def crash(self, suspects: int, last_chances: int) -> None:
        """The worker died and the leases lapsed: of so many jobs that had seen one die before, or two.

        The third death is the end of a job that was its worker's only suspect; several are spread out in time, and
        their third death is not counted.
        """
        self.fence = None
        if self.crashes == 2 and (last_chances == 1 or self.attempt >= 10):
            self.crashes, self.place = 3, "dead"
            return
        self.place = "later" if self.crashes and suspects > 1 else "ready"
        self.crashes = min(self.crashes + 1, 2)

    def redrive(self) -> None:
        """A person brought it back."""
        self.place, self.retries, self.crashes = "ready", 0, 0


class JobMachine(RuleBasedStateMachine):
    """Random verbs, fresh and stale, on one database."""

    loop: asyncio.AbstractEventLoop
    coordinator: WireCoordinator
    db: asyncpg.Connection
    enqueued = deaths = 0

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[UUID, Model] = {}
        self.stale: list[Fence] = []

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(coroutine)

    @initialize()
    def clean(self) -> None:
        self.run(
            self.db.execute(
                "truncate exora.jobs, exora.ready, exora.scheduled, exora.running, exora.dead_letters,"
                " exora.job_archive, exora.job_errors, exora.claims, exora.patient_flow, exora.concurrency_keys,"
                " exora.held_back, exora.lane_floors, exora.floor_breaks;"
                " alter table exora.audit_events disable trigger audit_no_truncate; truncate exora.audit_events;"
                " alter table exora.audit_events enable trigger audit_no_truncate"
            )
        )

    @rule(
        count=st.integers(1, 4),
        retries=st.integers(0, 2),
        key=st.sampled_from([None, None, *KEYS]),
        priority=st.integers(1, 10),
    )
    def enqueue(self, count: int, retries: int, key: str | None, priority: int) -> None:
        request = EnqueueRequest(
            TYPE, {}, max_retries=retries, priority=priority, concurrency_key=key, concurrency_limit=KEYS.get(key or "")
        )
        for answer in self.run(self.coordinator.enqueue([request] * count)):
            self.jobs[answer.job_id] = Model(retries, key)
            JobMachine.enqueued += 1

    def claimable(self) -> int:
        """How many jobs a claim may take: all that are ready, but of a key only as many as it has places."""
        total = sum(job.place == "ready" and job.key is None for job in self.jobs.values())
        for key, most in KEYS.items():
            of_key = [job.place for job in self.jobs.values() if job.key == key]
            total += min(of_key.count("ready"), most - of_key.count("running"))
        return total

    @rule(limit=st.integers(1, 4), repeat=st.booleans())
    def claim(self, limit: int, repeat: bool) -> None:
        arguments: dict[str, Any] = {
            "worker_id": "w",
            "claim_token": uuid4(),
            "job_types": [TYPE],
            "lanes": None,
            "limit": limit,
            "wait": False,
        }
        claimed = self.run(self.coordinator.claim(**arguments))
        if repeat and claimed:
            assert self.run(self.coordinator.claim(**arguments)) == claimed
        assert len(claimed) == min(limit, self.claimable())
        for job in claimed:
            model = self.jobs[job.job_id]
            assert model.place == "ready"
            model.place, model.fence = "running", job.fence
            model.attempt += 1
            assert (job.fence.attempt, job.retry_count) == (model.attempt, model.retries)

    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES))
    def settle(self, data: st.DataObject, outcome: Outcome) -> None:
        running = [job for job in self.jobs.values() if job.fence]
        if not running:
            return
        job = data.draw(st.sampled_from(running))
        assert job.fence is not None
        fence = job.fence
        [answer] = self.run(self.coordinator.settle([Settlement(fence, outcome)]))
        assert answer == "settled"
        job.settle(outcome)
        self.stale.append(fence)

    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES))
    def settle_stale(self, data: st.DataObject, outcome: Outcome) -> None:
        if not self.stale:
            return
        fence = data.draw(st.sampled_from(self.stale))
        [answer] = self.run(self.coordinator.settle([Settlement(fence, outcome)]))
        assert answer in ("lost", "already")
        assert self.run(self.coordinator.heartbeat([fence])) == ([fence], [])

    @rule()
    def sweep(self) -> None:
        self.run(self.coordinator.sweep())
        for job in self.jobs.values():
            if job.place == "due":
                job.place = "ready"

    @rule()
    def workers_die(self) -> None:
        JobMachine.deaths += 1
        self.run(self.db.execute("update exora.running set lease_expires_at = clock_timestamp() - interval '1 s'"))
        self.sweep()
        running = {job_id: job for job_id, job in self.jobs.items() if job.fence}
        suspects = sum(job.crashes > 0 for job in running.values())
        last_chances = sum(job.crashes == 2 for job in running.values())
        for job in running.values():
            assert job.fence is not None
            self.stale.append(job.fence)
            job.crash(suspects, last_chances)
        # They come back at random moments: here, after the end of the run.
        spread = [job_number(job_id) for job_id, job in running.items() if job.place == "later"]
        self.run(
            self.db.execute(
                "update exora.scheduled set due_at = due_at + interval '1 day' where job = any ($1::bigint[])", spread
            )
        )

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        if not self.jobs:
            return
        job_id = data.draw(st.sampled_from(sorted(self.jobs)))
        job = self.jobs[job_id]
        answer = self.run(self.coordinator.cancel(job_id))
        if job.place in ("ready", "due", "later"):
            assert answer == "cancelled"
            job.place = "final"
        elif job.fence:
            assert answer == "requested"
            assert self.run(self.coordinator.heartbeat([job.fence])) == ([], [job.fence])
        else:
            assert answer in ("completed", "cancelled", "failed")

    @rule()
    def redrive(self) -> None:
        dead = [job_id for job_id, job in self.jobs.items() if job.place == "dead"]
        assert self.run(self.coordinator.redrive(dead)) == len(dead)
        for job_id in dead:
            self.jobs[job_id].redrive()

    @invariant()
    def both_agree(self) -> None:
        places = {"ready": "pending", "due": "pending", "later": "pending", "running": "processing", "dead": "failed"}
        views = self.run(self.coordinator.list_jobs(limit=1000))
        assert {view.job_id for view in views} == set(self.jobs)
        for view in views:
            model = self.jobs[view.job_id]
            if model.place == "final":
                assert view.state.final
            else:
                assert view.state.value == places[model.place]
            if model.place in ("running", "dead"):
                assert (view.attempt, view.retry_count, view.crash_count) == (
                    model.attempt, model.retries, model.crashes,
                )  # fmt: skip

    @invariant()
    def the_invariants_hold(self) -> None:
        self.run(check_invariants(self.db, self.jobs))


@pytest.mark.row(19)
@pytest.mark.parametrize("server", ["embedded"], indirect=True)
def test_any_order_of_verbs_agrees_with_the_model(server: Server, row: Row) -> None:
    loop = asyncio.new_event_loop()

    async def opened() -> tuple[asyncpg.Connection, PostgresTransport]:
        admin = await asyncpg.connect(server.dsn)
        await admin.execute("create database job_machine template template_exora")
        await admin.close()
        return await asyncpg.connect(server.url("job_machine")), PostgresTransport(server.url("job_machine"))

    db, transport = loop.run_until_complete(opened())
    JobMachine.loop, JobMachine.db, JobMachine.coordinator = loop, db, WireCoordinator(transport)
    try:
        run_state_machine_as_test(
            seed(row.draw.randrange(2**32))(JobMachine),
            settings=settings(
                max_examples=200 * row.scale, stateful_step_count=20, deadline=None, print_blob=True,
                suppress_health_check=list(HealthCheck),
            ),
        )  # fmt: skip
        row.faults, row.jobs = JobMachine.deaths, JobMachine.enqueued
    finally:
        loop.run_until_complete(db.close())
        loop.run_until_complete(transport.close())
        loop.close()
