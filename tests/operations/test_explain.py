"""Why is this job not running? Every cause is found and comes with its remedy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from exora.coordination.port import Coordinator
from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.domain.capacity import Need
from exora.domain.job import EnqueueRequest
from exora.domain.operations import Act, Explanation, WorkerReport
from exora.domain.outcome import Cancelled, Completed, Dead, Retry, Snooze
from exora.errors import BadInput, NotFound
from exora.testing.server import Server
from tests.conformance.conftest import FAILURE, Client

LANE = "report_generation"
ALICE = Act("alice", "outage-42")


async def report(
    coordinator: Coordinator,
    worker: str = "w1",
    *,
    number: int = 1,
    state: str = "working",
    types: tuple[str, ...] = (LANE,),
    lanes: list[str] | None = None,
    active: int = 0,
    work: list[dict[str, object]] | None = None,
) -> None:
    """A worker of two slots that reports."""
    await coordinator.report_worker(
        WorkerReport(
            worker, number, datetime.now(UTC), state, list(types), lanes, 2, active, 1 << 20, "1.0", work or []
        )
    )


async def explained(client: Client, job_id: UUID, cause: str, *words: str) -> Explanation:
    """The explanation of a job, whose decisive cause must be this one and whose sentence must hold these words."""
    found = await client.coordinator.explain_job(job_id)
    assert found.cause == cause, found
    assert found.facts[0].cause == cause
    assert found.facts[0].fact in found.sentence
    assert all(fact.remedy for fact in found.facts)
    for word in words:
        assert word in found.sentence, found.sentence
    return found


def remedy(found: Explanation, cause: str) -> str:
    """What is to be done about one of the causes."""
    return next(fact.remedy for fact in found.facts if fact.cause == cause)


class TestWaiting:
    async def test_for_its_time(self, client: Client) -> None:
        at = datetime.now(UTC) + timedelta(hours=3, minutes=1)
        [job] = await client.enqueue(scheduled_at=at)
        found = await explained(client, job, "scheduled", f"{at:%Y-%m-%d %H:%M:%S} UTC", "in 3 h")
        assert found.facts[0].remedy == f"To run it now: exora jobs retry {job}"

    async def test_for_a_retry(self, client: Client) -> None:
        [job] = await client.enqueue()
        [claimed] = await client.claim()
        await client.settle(claimed, Retry(FAILURE, 600))
        await explained(client, job, "retry", "failed (unexpected)", "in 10 min", "retry 1 of 5")

    async def test_for_what_it_was_put_off_for(self, client: Client) -> None:
        [job] = await client.enqueue()
        [claimed] = await client.claim()
        await client.settle(claimed, Snooze(600, "provider_closed"))
        await explained(client, job, "snoozed", "put off (provider_closed)")

    async def test_apart_from_others_that_workers_died_with(self, client: Client, db: asyncpg.Connection) -> None:
        jobs = await client.enqueue(2)
        for _ in range(2):
            assert len(await client.claim(2)) == 2
            await db.execute("update exora.running set lease_expires_at = clock_timestamp() - interval '1 s'")
            assert (await client.coordinator.sweep())["rescued"] == 2
        for job in jobs:
            await explained(client, job, "suspect", "it comes back apart from them")

    async def test_held_by_an_operator(self, client: Client) -> None:
        [job] = await client.enqueue()
        assert await client.coordinator.hold_job(job, ALICE) == "held"
        assert await client.claim() == []
        found = await explained(client, job, "held", "an operator holds it since", "by alice (outage-42)")
        assert found.facts[0].remedy == f"Let it go: exora jobs retry {job}"
        assert await client.coordinator.retry_job(job, ALICE) == "ready"
        assert [claimed.job_id for claimed in await client.claim()] == [job]
        assert await client.coordinator.hold_job(job) == "processing"
        assert await client.coordinator.retry_job(job) == "processing"

    async def test_for_its_paused_lane(self, client: Client) -> None:
        [job] = await client.enqueue()
        await client.coordinator.pause_lane(LANE, True, ALICE)
        found = await explained(
            client, job, "lane_paused", f"lane {LANE} has been paused since", "by alice (outage-42)"
        )
        assert found.facts[0].remedy == f"Open it: exora lanes resume {LANE}"

    async def test_for_a_provider_that_is_closed(self, client: Client) -> None:
        [job] = await client.enqueue()
        await report(client.coordinator)
        await client.coordinator.declare_needs([LANE], [Need("openai", "gpt-4o-mini")])
        await client.coordinator.close_api("openai", "gpt-4o-mini", True, 600, ALICE)
        found = await explained(
            client, job, "provider_closed", "openai/gpt-4o-mini has no room for it now: operator by alice (", "until"
        )
        assert found.facts[0].remedy.endswith("exora capacity open openai gpt-4o-mini")
        await client.coordinator.close_api("openai", "gpt-4o-mini", False)
        await explained(client, job, "next")

    async def test_for_any_worker(self, client: Client, db: asyncpg.Connection) -> None:
        [job] = await client.enqueue()
        assert remedy(await explained(client, job, "no_worker", "no worker lives"), "no_worker") == (
            "Start one: exora worker"
        )
        await report(client.coordinator)
        await db.execute("update exora.workers set seen_at = seen_at - interval '10 min'")
        await explained(client, job, "no_worker", "the last was heard of 10 min ago")

    async def test_for_a_worker_that_serves_it(self, client: Client) -> None:
        [job] = await client.enqueue()
        await report(client.coordinator, "w1", types=("ai_processing",))
        await report(client.coordinator, "w2", lanes=["another"])
        await explained(client, job, "no_worker", "none of the 2 live worker(s)", LANE)

    async def test_for_a_worker_that_stays(self, client: Client) -> None:
        [job] = await client.enqueue()
        await report(client.coordinator, state="draining")
        await explained(client, job, "draining", "shutting down")

    async def test_for_a_free_slot_and_its_place(self, client: Client) -> None:
        jobs = await client.enqueue(3)
        await report(client.coordinator, active=2)
        found = await explained(client, jobs[2], "in_line", "2 job(s) are before it")
        assert "WORKER_CONCURRENCY" in remedy(found, "slots_full")
        await explained(client, jobs[0], "next", "the next job of lane")

    async def test_behind_the_same_patient(self, client: Client) -> None:
        jobs = await client.enqueue(3, patient=uuid4())
        await client.enqueue(patient=uuid4())
        await report(client.coordinator)
        await explained(client, jobs[2], "behind_patient", "behind 2 job(s) of the same patient")

    async def test_for_its_concurrency_key(self, client: Client) -> None:
        first, second, third = await client.enqueue(3, concurrency_key="clinic-7")
        await report(client.coordinator)
        await explained(client, third, "concurrency_key", "1 ready job(s) hold(s) it", "1 job(s) wait for it before")
        await client.claim()
        found = await explained(client, second, "concurrency_key", f"job {first}")
        assert "clinic-7" not in str(found), "the producer's key may name a patient"
        assert found.facts[0].remedy == f"Wait for it, or: exora jobs cancel {first}"

    async def test_after_crashes(self, client: Client, db: asyncpg.Connection) -> None:
        [job] = await client.enqueue()
        for worker in ("w8", "w9"):
            await client.claim(worker=worker)
            await db.execute("update exora.running set lease_expires_at = now() - interval '1 s'")
            await client.coordinator.sweep()
        await report(client.coordinator)
        found = await client.coordinator.explain_job(job)
        [crashed] = [fact for fact in found.facts if fact.cause == "crashed"]
        assert "lost 2 time(s)" in crashed.fact
        assert "w8 at" in crashed.fact
        assert "w9 at" in crashed.fact
        await client.claim(worker="w10")
        await db.execute("update exora.running set lease_expires_at = now() - interval '1 s'")
        await client.coordinator.sweep()
        assert f"exora jobs redrive {job}" in remedy(
            await explained(client, job, "poison", "3 workers died while they ran it"), "poison"
        )


class TestRunning:
    async def test_by_whom_and_since_when(self, client: Client) -> None:
        [job] = await client.enqueue()
        await client.claim(worker="w7")
        found = await explained(client, job, "running", "worker w7 has been running it", "attempt 1", "times out at")
        assert found.facts[0].remedy == f"To stop it: exora jobs cancel {job}"
        await client.coordinator.cancel(job)
        await explained(client, job, "cancelling", "to stop it with its next heartbeat")

    async def test_with_a_lapsed_lease(self, client: Client, db: asyncpg.Connection) -> None:
        [job] = await client.enqueue()
        await client.claim(worker="w7")
        await db.execute("update exora.running set lease_expires_at = now() - interval '5 min'")
        await explained(client, job, "lease_lapsed", "worker w7 has not been heard of", "lapsed 5 min ago")

    async def test_overdue_jobs_point_at_the_missing_sweep(self, client: Client, db: asyncpg.Connection) -> None:
        [job] = await client.enqueue(scheduled_at=datetime.now(UTC) + timedelta(hours=1))
        await db.execute("update exora.scheduled set due_at = now() - interval '5 min'")
        found = await explained(client, job, "overdue", "it was due 5 min ago", "no worker sweeps")
        assert found.facts[0].remedy == "Start a worker: exora worker"


class TestEnded:
    async def test_completed(self, client: Client) -> None:
        [job] = await client.enqueue()
        [claimed] = await client.claim(worker="w7")
        await client.settle(claimed, Completed())
        await explained(client, job, "completed", "by worker w7, attempt 1")

    async def test_cancelled_waiting_and_running(self, client: Client) -> None:
        waiting, running = await client.enqueue(2)
        await client.coordinator.cancel(waiting, ALICE)
        await explained(client, waiting, "cancelled", "given up at", "by alice (outage-42)")
        [claimed] = await client.claim()
        await client.coordinator.cancel(running, ALICE)
        await client.settle(claimed, Cancelled("requested"))
        await explained(client, running, "cancelled", "by alice (outage-42)")

    async def test_dead_with_others_of_the_same_error(self, client: Client) -> None:
        jobs = await client.enqueue(2)
        for claimed in await client.claim(2):
            await client.settle(claimed, Dead(FAILURE))
        found = await explained(client, jobs[0], "permanent", "can never succeed as it is: unexpected")
        assert f"exora jobs redrive {jobs[0]}" in found.facts[0].remedy
        assert remedy(found, "same_error") == "Redrive all of them: exora dead redrive --fingerprint f00d"
        assert await client.coordinator.retry_job(jobs[0], ALICE) == "redriven"

    async def test_exhausted(self, client: Client) -> None:
        [job] = await client.enqueue(max_retries=0)
        [claimed] = await client.claim()
        await client.settle(claimed, Retry(FAILURE))
        await explained(client, job, "exhausted", "all 0 retries failed, the last with unexpected")

    async def test_a_job_that_is_none(self, client: Client) -> None:
        with pytest.raises(NotFound):
            await client.coordinator.explain_job(uuid4())


class TestActs:
    async def test_are_in_the_trail_with_who_and_why(self, client: Client) -> None:
        [job] = await client.enqueue()
        await client.coordinator.hold_job(job, ALICE)
        await client.coordinator.retry_job(job, Act("bob"))
        await client.coordinator.cancel(job, ALICE)
        trail = [(event.event, event.detail) for event in await client.coordinator.timeline(job)]
        assert trail == [
            ("job_enqueued", None),
            ("job_held", {"by": "alice", "why": "outage-42"}),
            ("job_hurried", {"by": "bob"}),
            ("job_cancelled", {"by": "alice", "why": "outage-42"}),
        ]

    @pytest.mark.parametrize("act", [Act("al ice"), Act("alice", "John Doe called"), Act("a" * 65)])
    async def test_refuse_sentences(self, client: Client, act: Act) -> None:
        [job] = await client.enqueue()
        with pytest.raises(BadInput):
            await client.coordinator.cancel(job, act)
        assert await client.state(job) == "pending"

    async def test_holding_gives_the_place_of_a_key_to_the_next(self, client: Client) -> None:
        first, second = await client.enqueue(2, concurrency_key="k")
        await client.coordinator.hold_job(first)
        assert [claimed.job_id for claimed in await client.claim(2)] == [second]


class TestWorkers:
    async def test_are_listed_while_they_report_and_gone_when_they_stop(
        self, client: Client, db: asyncpg.Connection
    ) -> None:
        await report(client.coordinator, "w1", lanes=[LANE], active=1)
        await report(client.coordinator, "w2")
        await db.execute("update exora.workers set seen_at = seen_at - interval '1 min' where worker_id = 'w2'")
        [first, second] = await client.coordinator.list_workers()
        assert (first.worker_id, first.live, first.active, first.slots, first.lanes) == ("w1", True, 1, 2, [LANE])
        assert (second.worker_id, second.live, second.lanes) == ("w2", False, None)
        await report(client.coordinator, "w1", number=2, state="stopped")
        assert [worker.worker_id for worker in await client.coordinator.list_workers()] == ["w2"]

    async def test_add_up_what_they_did_and_a_report_counts_once(self, client: Client, db: asyncpg.Connection) -> None:
        work: dict[str, object] = {
            "lane": LANE, "completed": 2, "retried": 1, "dead": 0, "cancelled": 0, "run_s": 0.5,
            "runs": [1, 2], "waits": [3],
        }  # fmt: skip
        for worker, number in (("w1", 1), ("w1", 1), ("w2", 1), ("w1", 2)):
            await report(client.coordinator, worker, number=number, work=[work])
        row = await db.fetchrow(
            "select sum(completed), sum(run_s), sum(runs[1]), sum(runs[2]), sum(waits[1]), count(ready) > 0"
            " from exora.lane_minutes where lane = $1",
            LANE,
        )
        assert row is not None
        assert tuple(row) == (6, 1.5, 3, 6, 9, True)


async def test_explaining_answers_no_content(client: Client, coordinator: Coordinator) -> None:
    patient = uuid4()
    request = EnqueueRequest(LANE, {"patient_id": str(patient)}, name="Pass 1: Jane Roe.pdf")
    [answer] = await coordinator.enqueue([request])
    found = await coordinator.explain_job(answer.job_id)
    assert str(patient) not in str(found)
    assert "Roe" not in str(found)


async def test_every_kind_of_job_is_explained_on_every_server(server: Server) -> None:
    async with server.database() as url:
        transport = PostgresTransport(url)
        client = Client(WireCoordinator(transport))
        jobs = await client.enqueue(4, patient=uuid4(), concurrency_key="k", concurrency_limit=3)
        first, second, _ = await client.claim(3)
        await client.settle(first, Dead(FAILURE))
        await client.settle(second, Retry(FAILURE))
        await report(client.coordinator, active=2)
        causes = [(await client.coordinator.explain_job(job)).cause for job in jobs]
        assert causes == ["permanent", "retry", "running", "next"]
        assert len(await client.coordinator.queue_stats()) > 10
        await transport.close()
