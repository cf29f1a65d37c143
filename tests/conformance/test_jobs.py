"""What every transport must do with jobs: the behavior of the verbs, seen through the port."""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from exora.domain.job import EnqueueRequest, Fence, JobState
from exora.domain.outcome import Cancelled, Completed, Dead, Outcome, Release, Retry, Settlement, Snooze
from exora.errors import BadInput, Conflict, NotFound, Rejected

from .conftest import FAILURE, Client


class TestEnqueue:
    async def test_an_accepted_job_is_pending(self, client: Client) -> None:
        [job_id] = await client.enqueue()
        assert await client.state(job_id) == "pending"

    async def test_answers_come_in_order(self, client: Client) -> None:
        requests = [EnqueueRequest("report_generation", {}, priority=1 + n % 10) for n in range(50)]
        answers = await client.coordinator.enqueue(requests)
        views = {view.job_id: view.priority for view in await client.coordinator.list_jobs(limit=100)}
        assert [views[answer.job_id] for answer in answers] == [request.priority for request in requests]

    async def test_a_future_job_is_deferred_and_not_claimed(self, client: Client) -> None:
        later = datetime.now(UTC) + timedelta(hours=1)
        [answer] = await client.coordinator.enqueue([EnqueueRequest("report_generation", {}, scheduled_at=later)])
        assert (answer.outcome, answer.scheduled_at) == ("deferred", later)
        assert await client.claim() == []

    async def test_a_due_job_is_promoted_by_the_sweep(self, client: Client, db: asyncpg.Connection) -> None:
        later = datetime.now(UTC) + timedelta(hours=1)
        [job_id] = await client.enqueue(scheduled_at=later)
        await db.execute("update exora.scheduled set due_at = clock_timestamp()")
        assert (await client.coordinator.sweep())["promoted"] == 1
        assert [job.job_id for job in await client.claim()] == [job_id]

    async def test_the_same_key_and_payload_is_a_duplicate(self, client: Client) -> None:
        request = EnqueueRequest("report_generation", {"limit": 1}, idempotency_key="k")
        [first] = await client.coordinator.enqueue([request])
        [second] = await client.coordinator.enqueue([request])
        assert (second.outcome, second.job_id) == ("duplicate", first.job_id)
        assert len(await client.coordinator.list_jobs()) == 1

    async def test_twins_in_one_batch_are_one_job(self, client: Client) -> None:
        request = EnqueueRequest("report_generation", {}, idempotency_key="k")
        answers = await client.coordinator.enqueue([request, request])
        assert [answer.outcome for answer in answers] == ["accepted", "duplicate"]
        assert len({answer.job_id for answer in answers}) == 1

    async def test_racing_twins_are_one_job(self, client: Client) -> None:
        request = EnqueueRequest("report_generation", {}, idempotency_key="k")
        answers = await asyncio.gather(*(client.coordinator.enqueue([request]) for _ in range(20)))
        assert sorted(answer[0].outcome for answer in answers) == ["accepted"] + ["duplicate"] * 19
        assert len({answer[0].job_id for answer in answers}) == 1

    async def test_the_same_key_with_another_payload_is_a_conflict(self, client: Client) -> None:
        await client.coordinator.enqueue([EnqueueRequest("report_generation", {"limit": 1}, idempotency_key="k")])
        with pytest.raises(Conflict):
            await client.coordinator.enqueue([EnqueueRequest("report_generation", {"limit": 2}, idempotency_key="k")])

    @pytest.mark.parametrize(
        ("request_", "field"),
        [
            (EnqueueRequest("nonsense", {}), "job_type"),
            (EnqueueRequest("report_generation", {}, lane="fast_queue"), "lane"),
            (EnqueueRequest("report_generation", {}, lane="nowhere"), "lane"),
            (EnqueueRequest("report_generation", {}, priority=0), "priority"),
            (EnqueueRequest("report_generation", {}, priority=11), "priority"),
            (EnqueueRequest("report_generation", {}, category="urgent"), "job_category"),
            (EnqueueRequest("report_generation", {}, max_retries=-1), "max_retries"),
            (EnqueueRequest("report_generation", {}, idempotency_key="Jane Roe"), "idempotency_key"),
            (EnqueueRequest("report_generation", {"note": "x"}), "job_payload.note"),
        ],
    )
    async def test_bad_input_names_the_field_and_the_remedy(
        self, client: Client, request_: EnqueueRequest, field: str
    ) -> None:
        with pytest.raises(BadInput) as caught:
            await client.coordinator.enqueue([EnqueueRequest("report_generation", {}), request_])
        assert caught.value.field == field
        assert caught.value.message.startswith("job 2:")
        assert caught.value.remedy
        assert await client.coordinator.list_jobs() == []


class TestClaim:
    async def test_a_claim_carries_fence_lease_and_payload(self, client: Client) -> None:
        patient = uuid4()
        [job_id] = await client.enqueue(patient=patient)
        [job] = await client.claim()
        assert (job.job_id, job.fence.attempt, job.retry_count, job.patient_id) == (job_id, 1, 0, patient)
        assert job.payload == {"patient_id": str(patient)}
        assert (job.heartbeat_s, job.lease_s) == (30, 120)

    async def test_the_same_token_answers_the_same_jobs(self, client: Client) -> None:
        await client.enqueue(5)
        token = uuid4()
        first = await client.claim(3, token=token)
        again = await client.claim(3, token=token)
        assert again == first
        assert len(await client.claim(10)) == 2

    async def test_a_repeated_claim_leaves_out_what_was_settled(self, client: Client) -> None:
        await client.enqueue(2)
        token = uuid4()
        first, second = await client.claim(2, token=token)
        await client.settle(first, Completed())
        assert await client.claim(2, token=token) == [second]

    async def test_racing_claims_share_no_job(self, client: Client) -> None:
        jobs = await client.enqueue(200)
        claims = await asyncio.gather(*(client.claim(20, worker=f"w{n}") for n in range(10)))
        claimed = [job.job_id for claim in claims for job in claim]
        rest = []
        while found := await client.claim(100):
            rest += [job.job_id for job in found]
        assert sorted(claimed + rest) == sorted(jobs)

    async def test_only_the_lanes_asked_for_are_served(self, client: Client) -> None:
        await client.coordinator.enqueue([EnqueueRequest("report_generation", {}), EnqueueRequest("audit_cleanup", {})])
        assert [job.job_type for job in await client.claim(10, types=("audit_cleanup",))] == ["audit_cleanup"]
        assert await client.claim(10, types=("report_generation",), lanes=("audit_cleanup",)) == []

    async def test_priority_one_goes_first(self, client: Client) -> None:
        low = await client.enqueue(priority=10)
        high = await client.enqueue(priority=1)
        assert [job.job_id for job in await client.claim(2)] == high + low

    async def test_equal_priorities_go_in_the_order_they_came(self, client: Client) -> None:
        jobs = [(await client.enqueue())[0] for _ in range(10)]
        assert [job.job_id for job in await client.claim(10)] == jobs

    async def test_a_low_priority_ages_and_is_not_starved(self, client: Client, db: asyncpg.Connection) -> None:
        [old] = await client.enqueue(priority=10)
        # Ten minutes pass for the waiting job: nine steps of priority are worth nine.
        await db.execute("update exora.ready set sort_key = sort_key - 600000000")
        await client.enqueue(priority=1)
        assert (await client.claim())[0].job_id == old

    async def test_one_patients_many_jobs_do_not_starve_anothers_single_one(self, client: Client) -> None:
        heavy, light = uuid4(), uuid4()
        await client.enqueue(100, patient=heavy)
        await client.enqueue(20, patient=heavy)
        [single] = await client.enqueue(patient=light)
        order = [job.job_id for job in await client.claim(121)]
        assert order.index(single) <= 2

    async def test_claims_over_several_lanes_go_by_order_not_by_lane(self, client: Client) -> None:
        patient = {"patient_id": str(uuid4()), "shell_file_id": str(uuid4())}
        payload = patient | {"storage_path": f"{patient['patient_id']}/x"}
        lanes = ["standard_queue", "fast_queue", "standard_queue", "fast_queue"]
        jobs = []
        for lane in lanes:
            [answer] = await client.coordinator.enqueue([EnqueueRequest("shell_file_processing", payload, lane=lane)])
            jobs.append(answer.job_id)
        assert [job.job_id for job in await client.claim(3, types=("shell_file_processing",))] == jobs[:3]

    @pytest.mark.parametrize(
        ("limit", "worker", "field"), [(0, "w", "p_limit"), (1001, "w", "p_limit"), (1, "", "p_worker_id")]
    )
    async def test_a_claim_that_makes_no_sense_is_refused(
        self, client: Client, limit: int, worker: str, field: str
    ) -> None:
        with pytest.raises(BadInput) as caught:
            await client.claim(limit, worker=worker)
        assert caught.value.field == field


class TestFence:
    async def test_a_stale_fence_changes_nothing_and_is_told_so(self, client: Client) -> None:
        await client.enqueue()
        [job] = await client.claim()
        for stale in (
            job.fence._replace(attempt=2),
            job.fence._replace(claim_token=uuid4()),
            job.fence._replace(job_id=uuid4()),
        ):
            assert await client.coordinator.heartbeat([stale]) == ([stale], [])
            [answer] = await client.coordinator.settle([Settlement(stale, Completed())])
            assert answer == "lost"
        assert await client.state(job.job_id) == "processing"
        assert await client.settle(job, Completed()) == "settled"

    async def test_the_first_claimant_is_fenced_off_after_a_rescue(
        self, client: Client, db: asyncpg.Connection
    ) -> None:
        await client.enqueue()
        [stale] = await client.claim(worker="same-name")
        await lapse(db)
        await client.coordinator.sweep()
        [current] = await client.claim(worker="same-name")
        assert await client.settle(stale, Completed({"by": "stale"})) == "lost"
        assert await client.settle(current, Completed({"by": "current"})) == "settled"
        [view] = await client.coordinator.get_jobs([current.job_id])
        assert view.result == {"by": "current"}

    async def test_settling_again_says_already(self, client: Client) -> None:
        await client.enqueue(2)
        first, second = await client.claim(2)
        for job, outcome in ((first, Completed()), (second, Dead(FAILURE))):
            assert await client.settle(job, outcome) == "settled"
            assert await client.settle(job, outcome) == "already"

    async def test_a_batch_may_mix_outcomes_and_stale_fences(self, client: Client) -> None:
        await client.enqueue(6)
        jobs = await client.claim(6)
        outcomes: list[Outcome] = [
            Completed(),
            Retry(FAILURE),
            Snooze(5, "no_capacity"),
            Release("shutdown"),
            Dead(FAILURE),
            Cancelled("asked"),
        ]
        batch = [Settlement(job.fence, outcome) for job, outcome in zip(jobs, outcomes, strict=True)]
        batch.insert(3, Settlement(Fence(uuid4(), 1, uuid4()), Completed()))
        answers = await client.coordinator.settle(batch)
        assert answers == ["settled"] * 3 + ["lost"] + ["settled"] * 3
        states = [await client.state(job.job_id) for job in jobs]
        assert states == ["completed", "pending", "pending", "pending", "failed", "cancelled"]

    async def test_a_stale_fence_beside_the_current_one_is_told_so(self, client: Client) -> None:
        await client.enqueue()
        [job] = await client.claim()
        stale = job.fence._replace(claim_token=uuid4())
        answers = await client.coordinator.settle([Settlement(stale, Completed()), Settlement(job.fence, Completed())])
        assert answers == ["lost", "settled"]

    async def test_an_attempt_that_became_poison_is_lost_to_its_worker(
        self, client: Client, db: asyncpg.Connection
    ) -> None:
        await client.enqueue()
        for _ in range(3):
            [job] = await client.claim()
            await lapse(db)
            await client.coordinator.sweep()
        assert await client.settle(job, Completed()) == "lost"

    async def test_one_fence_twice_in_a_batch_settles_once(self, client: Client) -> None:
        await client.enqueue()
        [job] = await client.claim()
        await client.coordinator.settle([Settlement(job.fence, Completed())] * 2)
        events = [event.event for event in await client.coordinator.timeline(job.job_id)]
        assert events == ["job_enqueued", "job_claimed", "job_completed"]


class TestOutcomes:
    async def test_a_retry_burns_one_and_the_last_is_dead(self, client: Client, db: asyncpg.Connection) -> None:
        [job_id] = await client.enqueue(max_retries=2)
        for tried in range(3):
            [job] = await client.claim()
            assert (job.retry_count, job.fence.attempt) == (tried, tried + 1)
            await client.settle(job, Retry(FAILURE, delay_s=0))
            await client.coordinator.sweep()
        [view] = await client.coordinator.get_jobs([job_id])
        assert (view.state, view.dead_letter_cause) == (JobState.FAILED, "exhausted")
        assert view.last_error == FAILURE.summary
        assert view.error_details is not None
        assert view.error_details["fingerprint"] == FAILURE.fingerprint
        assert await db.fetchval("select count(*) from exora.job_errors") == 3

    async def test_a_job_without_retries_is_exhausted_at_its_first_failure(self, client: Client) -> None:
        [job_id] = await client.enqueue(max_retries=0)
        [job] = await client.claim()
        await client.settle(job, Retry(FAILURE))
        [view] = await client.coordinator.get_jobs([job_id])
        assert (view.state, view.dead_letter_cause) == (JobState.FAILED, "exhausted")

    async def test_backoff_is_jittered_and_bounded(self, client: Client, db: asyncpg.Connection) -> None:
        await client.enqueue(300)
        for job in await client.claim(300):
            await client.settle(job, Retry(FAILURE))
        rows = await db.fetch(
            "select (detail->>'delay_ms')::int / 1000.0 as s from exora.audit_events where event = 'job_retried'"
        )
        delays = [row["s"] for row in rows]
        assert len(delays) == 300
        assert 0 <= min(delays) < 1
        assert 4 < max(delays) <= 5

    async def test_snooze_and_release_burn_nothing(self, client: Client) -> None:
        [job_id] = await client.enqueue(max_retries=0)
        for outcome in (Snooze(0, "no_capacity"), Release("shutdown"), Snooze(0, "no_capacity"), Release("shutdown")):
            [job] = await client.claim()
            assert await client.settle(job, outcome) == "settled"
            await client.coordinator.sweep()
        [job] = await client.claim()
        assert (job.job_id, job.retry_count, job.fence.attempt) == (job_id, 0, 5)

    async def test_a_released_job_can_be_claimed_at_once(self, client: Client) -> None:
        await client.enqueue()
        [job] = await client.claim()
        await client.settle(job, Release("shutdown"))
        assert [again.job_id for again in await client.claim()] == [job.job_id]

    async def test_dead_goes_to_the_dead_letters_at_once(self, client: Client) -> None:
        [job_id] = await client.enqueue()
        [job] = await client.claim()
        await client.settle(job, Dead(FAILURE))
        [view] = await client.coordinator.get_jobs([job_id])
        assert (view.state, view.dead_letter_cause, view.retry_count) == (JobState.FAILED, "permanent", 0)
        assert await client.claim() == []

    async def test_redriving_brings_a_dead_letter_back_with_its_history(self, client: Client) -> None:
        [job_id] = await client.enqueue(max_retries=0)
        [job] = await client.claim()
        await client.settle(job, Retry(FAILURE))
        assert await client.coordinator.redrive([job_id, uuid4()]) == 1
        [again] = await client.claim()
        assert (again.job_id, again.retry_count, again.fence.attempt) == (job_id, 0, 2)
        events = [event.event for event in await client.coordinator.timeline(job_id)]
        assert events == ["job_enqueued", "job_claimed", "job_dead_lettered", "job_redriven", "job_claimed"]
        assert await client.coordinator.redrive([job_id]) == 0

    @pytest.mark.parametrize(
        ("sent", "kept"), [(2**53 + 1, 2**53 + 1), (12345678901234567890123, 12345678901234567890123), (math.nan, None)]
    )
    async def test_numbers_keep_their_digits(self, client: Client, sent: float, kept: float | None) -> None:
        await client.enqueue()
        [job] = await client.claim()
        assert await client.settle(job, Completed({"number": sent})) == "settled"
        [view] = await client.coordinator.get_jobs([job.job_id])
        assert view.result == {"number": kept}

    @pytest.mark.parametrize(
        "value", [{1, 2}, object(), b"bytes", "half a pair \ud800"], ids=["set", "object", "bytes", "half a pair"]
    )
    async def test_what_is_no_json_is_refused_and_nothing_is_settled(self, client: Client, value: object) -> None:
        await client.enqueue()
        [job] = await client.claim()
        with pytest.raises(BadInput):
            await client.settle(job, Completed({"value": value}))
        assert await client.state(job.job_id) == "processing"

    @pytest.mark.parametrize(
        "result", [{"text": "Jane Roe has asthma"}, {"Jane Roe": 1}, {"a": {"b": {"c": {"d": 1}}}}, {"a": ["x"] * 4000}]
    )
    async def test_a_result_with_content_is_refused_and_nothing_is_settled(
        self, client: Client, result: dict[str, object]
    ) -> None:
        await client.enqueue()
        [job] = await client.claim()
        with pytest.raises(BadInput) as caught:
            await client.settle(job, Completed(result))
        assert "Jane" not in caught.value.one_line()
        assert await client.state(job.job_id) == "processing"


class TestLeases:
    async def test_heartbeats_renew_the_lease(self, client: Client, db: asyncpg.Connection) -> None:
        await client.enqueue(3)
        jobs = await client.claim(3)
        await lapse(db)
        assert await client.coordinator.heartbeat([job.fence for job in jobs]) == ([], [])
        assert (await client.coordinator.sweep())["rescued"] == 0
        beat, lease = (await db.fetch("select heartbeat_at, lease_expires_at from exora.running"))[0]
        assert beat <= datetime.now(UTC)
        assert lease - beat == timedelta(seconds=120)

    async def test_a_lapsed_claim_is_rescued_and_the_crash_counted(
        self, client: Client, db: asyncpg.Connection
    ) -> None:
        [job_id] = await client.enqueue()
        await client.claim()
        await lapse(db)
        assert (await client.coordinator.sweep())["rescued"] == 1
        [job] = await client.claim()
        assert (job.job_id, job.retry_count, job.fence.attempt) == (job_id, 0, 2)
        [view] = await client.coordinator.get_jobs([job_id])
        assert view.crash_count == 1

    async def test_the_third_crash_is_poison(self, client: Client, db: asyncpg.Connection) -> None:
        [job_id] = await client.enqueue()
        for _ in range(3):
            await client.claim()
            await lapse(db)
            await client.coordinator.sweep()
        [view] = await client.coordinator.get_jobs([job_id])
        assert (view.state, view.dead_letter_cause, view.crash_count, view.retry_count) == (
            JobState.FAILED, "poison", 3, 0,
        )  # fmt: skip

    async def test_only_one_sweeper_works_at_a_time(self, client: Client, db: asyncpg.Connection) -> None:
        async with db.transaction():
            await db.execute("select pg_advisory_xact_lock(hashtextextended('exora.sweep', 0))")
            assert await client.coordinator.sweep() == {"swept": False}


class TestCancel:
    @pytest.mark.parametrize("later", [timedelta(0), timedelta(hours=1)])
    async def test_a_waiting_job_is_cancelled_at_once(self, client: Client, later: timedelta) -> None:
        patient = uuid4()
        jobs = await client.enqueue(5, patient=patient, scheduled_at=datetime.now(UTC) + later)
        assert await client.coordinator.cancel(jobs[3]) == "cancelled"
        assert await client.state(jobs[3]) == "cancelled"
        assert await client.coordinator.cancel(jobs[3]) == "cancelled"
        assert jobs[3] not in [job.job_id for job in await client.claim(10)]

    async def test_a_running_job_is_told_with_its_heartbeat(self, client: Client) -> None:
        await client.enqueue(2)
        asked, other = await client.claim(2)
        assert await client.coordinator.cancel(asked.job_id) == "requested"
        assert await client.coordinator.heartbeat([asked.fence, other.fence]) == ([], [asked.fence])
        assert await client.settle(asked, Cancelled("requested")) == "settled"
        assert await client.state(asked.job_id) == "cancelled"

    async def test_what_has_ended_cannot_be_cancelled(self, client: Client) -> None:
        await client.enqueue()
        [job] = await client.claim()
        await client.settle(job, Completed())
        assert await client.coordinator.cancel(job.job_id) == "completed"
        with pytest.raises(NotFound):
            await client.coordinator.cancel(uuid4())


class TestLanes:
    async def test_a_paused_lane_is_not_claimed_from_and_others_are(self, client: Client) -> None:
        await client.enqueue()
        await client.coordinator.enqueue([EnqueueRequest("audit_cleanup", {})])
        assert await client.coordinator.pause_lane("report_generation", True)
        assert not await client.coordinator.pause_lane("report_generation", True)
        both = ("report_generation", "audit_cleanup")
        assert [job.job_type for job in await client.claim(10, types=both)] == ["audit_cleanup"]
        assert await client.coordinator.pause_lane("report_generation", False)
        assert [job.job_type for job in await client.claim(10, types=both)] == ["report_generation"]

    async def test_an_unknown_lane_is_an_error(self, client: Client) -> None:
        with pytest.raises(NotFound):
            await client.coordinator.pause_lane("express", True)

    async def test_a_lane_at_its_depth_rejects_and_says_when_to_retry(
        self, client: Client, db: asyncpg.Connection
    ) -> None:
        await db.execute("update exora.lanes set depth_limit = 3 where lane = 'report_generation'")
        await client.enqueue(2)
        with pytest.raises(Rejected, match="depth limit") as caught:
            await client.enqueue(2)
        assert caught.value.retry_after_s > 0
        await client.enqueue()
        await client.claim()
        await client.enqueue()


class TestViews:
    async def test_jobs_are_listed_by_state_and_patient(self, client: Client) -> None:
        patient = uuid4()
        [mine] = await client.enqueue(patient=patient)
        [other] = await client.enqueue()
        assert [view.job_id for view in await client.coordinator.list_jobs(patient_id=patient)] == [mine]
        assert [view.job_id for view in await client.coordinator.list_jobs()] == [other, mine]
        assert await client.coordinator.list_jobs(state=JobState.COMPLETED) == []

    async def test_an_unknown_id_is_no_job(self, client: Client) -> None:
        [known] = await client.enqueue()
        forged = UUID(int=known.int ^ (1 << 100))
        assert await client.coordinator.get_jobs([uuid4(), forged]) == []
        with pytest.raises(NotFound):
            await client.coordinator.get_record(forged)

    async def test_stats_count_each_lane(self, client: Client) -> None:
        await client.enqueue(3)
        await client.enqueue(scheduled_at=datetime.now(UTC) + timedelta(hours=1))
        running, dead = await client.claim(2)
        await client.settle(dead, Dead(FAILURE))
        [lane] = [lane for lane in await client.coordinator.queue_stats() if lane.lane == "report_generation"]
        assert (lane.ready, lane.scheduled, lane.running, lane.dead) == (1, 1, 1, 1)
        assert lane.oldest_ready_s is not None
        assert 0 <= lane.oldest_ready_s < 60
        assert running.lane == lane.lane


#: Only the direct transport can listen; over REST see test_transports.
DIRECT = pytest.mark.parametrize("transport_kind", ["direct"])


class TestWakeups:
    @DIRECT
    async def test_an_idle_worker_is_woken_by_an_enqueue(self, client: Client) -> None:
        woken = asyncio.Event()
        await client.coordinator.listen(woken.set, lambda: None)
        woken.clear()
        assert await client.claim(wait=True) == []
        await client.enqueue()
        async with asyncio.timeout(10):
            await woken.wait()

    async def test_nobody_is_notified_while_nobody_waits(self, client: Client, db: asyncpg.Connection) -> None:
        heard: list[object] = []
        await db.add_listener("exora_jobs", lambda *payload: heard.append(payload))
        await client.claim(wait=True)
        await client.enqueue()
        await client.claim(wait=True)
        assert await db.fetchval("select count(*) from exora.idle_workers") == 0
        heard_before = len(heard)
        await client.enqueue()
        await db.execute("select 1")
        assert len(heard) == heard_before

    @DIRECT
    async def test_a_cut_connection_is_reported(self, client: Client, db: asyncpg.Connection) -> None:
        lost = asyncio.Event()
        await client.coordinator.listen(lambda: None, lost.set)
        await db.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where query ilike '%notify exora_jobs%' and pid <> pg_backend_pid() and datname = current_database()"
        )
        async with asyncio.timeout(10):
            await lost.wait()


async def lapse(db: asyncpg.Connection) -> None:
    """Let the lease of every claim be over."""
    await db.execute("update exora.running set lease_expires_at = clock_timestamp() - interval '1 second'")
