"""Rows 5 and 6: the network cut, slowed and swallowed between Exora and its database: every call takes effect once.

5. The connection of a call broken before the server has it, midway, and after COMMIT, when the reply is lost: what is
   repeated is answered as if it had been the first, and what may not be repeated says that nobody knows.
6. Latency, resets, black holes of two leases, half-open connections, and a fleet whose networks clog and clear in turn:
   workers go on within the lease and five seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.domain.capacity import Reservation
from exora.domain.job import ClaimedJob, EnqueueRequest
from exora.domain.outcome import Completed, Dead, ErrorInfo, Outcome, Release, Retry, Settlement, Snooze
from exora.errors import OutcomeUnknown
from exora.testing.clock import hurry
from exora.testing.processes import until
from exora.testing.proxy import Cut, Proxy, proxied
from exora.worker.config import WorkerConfig, new_worker_id
from exora.worker.context import JobContext
from exora.worker.keeper import Heartbeats
from exora.worker.registry import Registry
from exora.worker.runtime import Worker

from .report import Row

#: Rounds of each call, by where its connection breaks; the last is the one that tempts to do things twice.
ROUNDS = {Cut.REQUEST: 5, Cut.MIDWAY: 5, Cut.REPLY: 20}
LEASE_S = 1.0
SLOTS = 8
TYPE = "report_generation"
FAILURE = ErrorInfo("ValueError", "unexpected", "unexpected ValueError", "f00d")
FACTS: dict[str, Any] = {"size_bytes": 1, "media_type": "application/pdf"}
RECORD = {"schema": "exora.record/1"}


class Rig:
    """One database, reached through the proxy, and directly for preparing and looking."""

    def __init__(self, upstream: str, proxy: Proxy, direct: WireCoordinator, db: asyncpg.Connection, row: Row) -> None:
        self.upstream = upstream
        self.proxy = proxy
        self.direct = direct
        self.db = db
        self.row = row
        self.draw = row.draw
        self.rounds = 0
        self.transport = PostgresTransport(proxy.dsn)
        self.through = WireCoordinator(self.transport)

    async def enqueue(self, count: int = 1, **fields: Any) -> list[UUID]:
        """Enqueue jobs of a light type, directly."""
        return [answer.job_id for answer in await self.direct.enqueue([EnqueueRequest(TYPE, {}, **fields)] * count)]

    async def claim(self, coordinator: WireCoordinator, limit: int = 1, job_type: str = TYPE) -> list[ClaimedJob]:
        """Claim as a worker would."""
        return await coordinator.claim(
            worker_id="w1", claim_token=uuid4(), job_types=[job_type], lanes=None, limit=limit, wait=False
        )

    @contextlib.contextmanager
    def broken(self, function: str, cut: Cut) -> Iterator[None]:
        """A round: the connection of the next call of a function breaks, and of its repetition too in one round of
        ten. Checks that it did, and that every call but those cut before the server reached it."""
        times = 1 + (self.draw.random() < 0.1)
        cuts, executions = self.proxy.cuts, self.proxy.executions(function)

        def plan(sql: str) -> Cut | None:
            return cut if function in sql and self.proxy.cuts < cuts + times else None

        self.proxy.plan = plan
        yield
        self.proxy.plan = lambda _: None
        self.rounds += 1
        assert self.proxy.cuts == cuts + times
        arrived = 1 if cut is Cut.REQUEST else 1 + times
        assert self.proxy.executions(function) == executions + arrived

    async def known(self) -> list[UUID]:
        """The ids of all jobs there are."""
        return [row["id"] for row in await self.db.fetch("select id from public.job_queue")]

    async def check(self, jobs: Sequence[UUID]) -> None:
        """Check all invariants, and print the sums."""
        print(f"rounds={self.rounds} cuts={self.proxy.cuts} committed={self.proxy.committed} jobs={len(jobs)}")
        self.row.fault(max(self.rounds, self.proxy.cuts))
        await self.row.check(self.db, jobs)


@pytest.fixture
async def rig(embedded_dsn: str, row: Row) -> AsyncIterator[Rig]:
    """A migrated database behind a proxy that breaks nothing yet."""
    row.lease_s = LEASE_S
    transport = PostgresTransport(embedded_dsn)
    db = await asyncpg.connect(embedded_dsn)
    async with proxied(embedded_dsn, row.draw) as proxy:
        rig = Rig(embedded_dsn, proxy, WireCoordinator(transport), db, row)
        yield rig
        await rig.transport.close()
    await db.close()
    await transport.close()


@pytest.fixture(params=list(ROUNDS), ids=lambda where: where.name.lower())
def cut(request: pytest.FixtureRequest) -> Cut:
    """Where the connection breaks."""
    where: Cut = request.param
    return where


@pytest.mark.row(5)
class TestCalls:
    async def test_a_claim_is_made_once_and_its_jobs_are_nobody_elses(self, rig: Rig, cut: Cut) -> None:
        jobs = await rig.enqueue(3 * ROUNDS[cut])
        held: list[ClaimedJob] = []
        for number in range(1, ROUNDS[cut] + 1):
            with rig.broken("claim_jobs_v3", cut):
                claimed = await rig.claim(rig.through, 2)
            held += claimed
            assert len(held) == 2 * number
        running = await rig.db.fetch(
            "select q.id, r.attempt, r.claim_token from exora.running r join public.job_queue q on q.number = r.job"
        )
        assert sorted(tuple(row) for row in running) == sorted(job.fence for job in held)
        answers = await rig.direct.settle([Settlement(job.fence, Completed()) for job in held])
        assert set(answers) == {"settled"}
        await rig.check(jobs)

    async def test_an_end_is_written_once_and_the_repetition_says_already(self, rig: Rig, cut: Cut) -> None:
        jobs = await rig.enqueue(ROUNDS[cut])
        for number, job in enumerate(await rig.claim(rig.direct, ROUNDS[cut])):
            outcome: Outcome = Dead(FAILURE) if number % 4 == 3 else Completed({"count": number})
            with rig.broken("settle_jobs_v3", cut):
                [answer] = await rig.through.settle([Settlement(job.fence, outcome)])
            assert answer == ("settled" if cut is Cut.REQUEST else "already")
        await rig.check(jobs)

    @pytest.mark.parametrize(
        "outcome",
        [Retry(FAILURE, 3600), Snooze(3600, "no_capacity"), Release("shutdown")],
        ids=["retry", "snooze", "release"],
    )
    async def test_an_attempt_that_ends_without_ending_its_job_says_already_too(
        self, rig: Rig, outcome: Outcome
    ) -> None:
        jobs = await rig.enqueue()
        [job] = await rig.claim(rig.direct)
        with rig.broken("settle_jobs_v3", Cut.REPLY):
            [answer] = await rig.through.settle([Settlement(job.fence, outcome)])
        await rig.check(jobs)
        assert answer == "already"

    async def test_an_enqueue_with_a_key_makes_one_job(self, rig: Rig, cut: Cut) -> None:
        jobs = []
        for number in range(ROUNDS[cut]):
            with rig.broken("enqueue_job_v3", cut):
                [answer] = await rig.through.enqueue([EnqueueRequest(TYPE, {}, idempotency_key=f"k{number}")])
            assert answer.outcome == ("accepted" if cut is Cut.REQUEST else "duplicate")
            jobs.append(answer.job_id)
        assert sorted(await rig.known()) == sorted(jobs)
        await rig.check(jobs)

    @pytest.mark.parametrize("where", [Cut.REPLY, Cut.REQUEST], ids=lambda where: where.name.lower())
    async def test_an_enqueue_without_a_key_is_not_repeated_and_says_that_nobody_knows(
        self, rig: Rig, where: Cut
    ) -> None:
        for _ in range(ROUNDS[where]):
            rig.proxy.plan = lambda sql: where if "enqueue_job_v3" in sql else None
            with pytest.raises(OutcomeUnknown):
                await rig.through.enqueue([EnqueueRequest(TYPE, {})])
            rig.rounds += 1
        assert rig.proxy.cuts == ROUNDS[where]
        known = await rig.known()
        assert len(known) == (ROUNDS[where] if where is Cut.REPLY else 0)
        await rig.check(known)

    async def test_a_submitted_document_is_one_document_and_one_job(self, rig: Rig, cut: Cut) -> None:
        patient = uuid4()
        await rig.direct.register_patient(patient)
        made = {}
        for number in range(ROUNDS[cut]):
            sha256 = hashlib.sha256(bytes([number])).hexdigest()
            with rig.broken("submit_document_v3", cut):
                answer = await rig.through.submit_document(
                    patient_id=patient, storage_path=f"{patient}/{sha256}", sha256=sha256, **FACTS
                )
            made[answer.document_id] = answer.job.job_id
        assert {row["id"] for row in await rig.db.fetch("select id from exora.documents")} == set(made)
        rows = await rig.db.fetch("select shell_file_id, id from public.job_queue")
        assert sorted(tuple(row) for row in rows) == sorted(made.items())
        await rig.check(list(made.values()))

    async def test_a_stored_record_is_one_record(self, rig: Rig, cut: Cut) -> None:
        jobs = await submitted(rig, ROUNDS[cut])
        stored = set()
        for job in await rig.claim(rig.direct, ROUNDS[cut], "shell_file_processing"):
            with rig.broken("store_record_v3", cut):
                stored.add(await rig.through.store_record(job.fence, RECORD, sha256=job.payload["sha256"], **FACTS))
        assert {row["document_id"] for row in await rig.db.fetch("select document_id from exora.records")} == stored
        assert len(stored) == ROUNDS[cut]
        await rig.check(jobs)

    async def test_a_record_stored_once_is_one_event_in_the_trail(self, rig: Rig) -> None:
        [job_id] = await submitted(rig, 1)
        [job] = await rig.claim(rig.direct, 1, "shell_file_processing")
        with rig.broken("store_record_v3", Cut.REPLY):
            await rig.through.store_record(job.fence, RECORD, sha256=job.payload["sha256"], **FACTS)
        events = [event.event for event in await rig.direct.timeline(job_id)]
        assert events == ["job_enqueued", "job_claimed", "record_stored"]

    async def test_capacity_is_reserved_once_and_settled_once(self, rig: Rig, cut: Cut) -> None:
        for number in range(1, ROUNDS[cut] + 1):
            reservation_id = uuid4()
            with rig.broken("reserve_api_capacity_v3", cut):
                assert await reserve(rig.through, reservation_id) == Reservation(True, 0, None)
            assert await capacity(rig) == (number, 70 * (number - 1) + 100, 1)
            with rig.broken("settle_api_capacity_v3", cut):
                # False: it had ended. The first call ended it, and the repetition is what answers.
                assert await rig.through.settle_api_capacity(reservation_id, 70) is (cut is Cut.REQUEST)
            assert await capacity(rig) == (number, 70 * number, 0)
        await rig.check([])

    async def test_a_heartbeat_renews_and_loses_nothing(self, rig: Rig, cut: Cut) -> None:
        jobs = await rig.enqueue(5)
        fences = [job.fence for job in await rig.claim(rig.direct, 5)]
        for _ in range(ROUNDS[cut]):
            await rig.db.execute("update exora.running set lease_expires_at = clock_timestamp() - interval '1 s'")
            with rig.broken("heartbeat_jobs_v3", cut):
                assert (await rig.through.heartbeat(fences)).lost == []
            assert (await rig.direct.sweep())["rescued"] == 0
        await rig.direct.settle([Settlement(fence, Completed()) for fence in fences])
        await rig.check(jobs)


async def submitted(rig: Rig, count: int) -> list[UUID]:
    """Submit documents of one patient, directly; returns their jobs."""
    patient = uuid4()
    await rig.direct.register_patient(patient)
    jobs = []
    for number in range(count):
        sha256 = hashlib.sha256(bytes([number])).hexdigest()
        path = f"{patient}/{sha256}"
        answer = await rig.direct.submit_document(patient_id=patient, storage_path=path, sha256=sha256, **FACTS)
        jobs.append(answer.job.job_id)
    return jobs


async def reserve(coordinator: WireCoordinator, reservation_id: UUID) -> Reservation:
    """Reserve one call with 100 tokens."""
    return await coordinator.reserve_api_capacity(
        reservation_id=reservation_id, holder="w1", provider="openai", endpoint="gpt-4o-mini", tokens=100, lease_s=60
    )


async def capacity(rig: Rig) -> tuple[int, int, int]:
    """Requests, tokens and concurrency in use."""
    [api] = [api for api in await rig.direct.api_capacity() if api.endpoint == "gpt-4o-mini"]
    return api.requests, api.tokens, api.concurrent


Handler = Callable[[JobContext, dict[str, Any]], Awaitable[None]]


@contextlib.asynccontextmanager
async def working(
    rig: Rig,
    handler: Handler,
    *,
    command_timeout_s: float = 7.5,
    lease_s: float = LEASE_S,
    network: Proxy | None = None,
) -> AsyncIterator[Worker]:
    """A worker behind the proxy, or a network of its own; stopped at the end of the block."""
    dsn = (network or rig.proxy).dsn
    rig.row.lease_s = lease_s
    await hurry(rig.db, lease_s=lease_s)
    registry = Registry()
    registry.add(TYPE, handler)

    async def connect_keeper() -> Heartbeats:
        return WireCoordinator(PostgresTransport(dsn, max_connections=1, command_timeout_s=command_timeout_s))

    transport = PostgresTransport(dsn, command_timeout_s=command_timeout_s)
    numbers = WorkerConfig(new_worker_id("test"), concurrency=SLOTS, sweep_interval_s=0.1, poll_max_s=0.5, drain_s=5)
    worker = Worker(WireCoordinator(transport), connect_keeper, registry, numbers)
    running = asyncio.create_task(worker.run(handle_signals=False))
    try:
        yield worker
    finally:
        worker.stop()
        async with asyncio.timeout(8):
            await running
            await transport.close()


async def completed(rig: Rig, jobs: Sequence[UUID], within_s: float, *, bring_forward: bool = False) -> float:
    """Wait until all jobs are completed; returns the seconds it took.

    Args:
        rig: where they are.
        jobs: all there are.
        within_s: fails after so many seconds.
        bring_forward: jobs that were lost twice are spread out over seconds on purpose (``exora.rescue_lapsed``), which
            is no time of recovery: make them due at once.
    """
    started = time.monotonic()

    async def all_completed() -> bool:
        if bring_forward:
            await rig.db.execute(
                "update exora.scheduled set due_at = clock_timestamp() where due_at > clock_timestamp()"
            )
        rows = await rig.db.fetch("select status, count(*) from public.job_queue group by status")
        states = {row["status"]: row["count"] for row in rows}
        assert "failed" not in states, states
        return states == {"completed": len(jobs)}

    await until(all_completed, within_s)
    return time.monotonic() - started


async def do_nothing(context: JobContext, payload: dict[str, Any]) -> None:
    """The handler of tests that are not about handlers."""


async def all_claimed(rig: Rig) -> bool:
    """Whether every slot of the worker has a job."""
    return bool(await rig.db.fetchval("select count(*) from exora.running") == SLOTS)


@pytest.mark.row(6)
class TestWorker:
    @pytest.mark.parametrize(("latency_s", "jobs_count"), [(0.0, 200), (0.02, 24)], ids=["cuts", "cuts-and-latency"])
    async def test_every_fifth_call_cut_costs_no_job(self, rig: Rig, latency_s: float, jobs_count: int) -> None:
        patient = uuid4()
        await rig.direct.register_patient(patient)

        async def handle(context: JobContext, payload: dict[str, Any]) -> None:
            async def compute() -> dict[str, Any]:
                return {"answer": 42}

            await context.step(str(context.job.job_id), compute=compute)

        request = EnqueueRequest(TYPE, {"patient_id": str(patient)}, max_retries=100)
        jobs = [answer.job_id for answer in await rig.direct.enqueue([request] * jobs_count)]
        rig.proxy.latency_s = rig.proxy.jitter_s = latency_s
        cuts = [Cut.REPLY, Cut.REPLY, Cut.MIDWAY, Cut.REQUEST]
        rig.proxy.plan = lambda sql: rig.draw.choice(cuts) if "public." in sql and rig.draw.random() < 0.2 else None
        async with working(rig, handle, lease_s=30):
            took = await completed(rig, jobs, 60)
            rig.proxy.plan = lambda _: None
        rig.rounds = 1
        print(f"took={took:.1f}s")
        assert rig.proxy.cuts > 10
        await rig.check(jobs)

    async def test_resets_of_all_connections_at_once_cost_no_job(self, rig: Rig) -> None:
        async def handle(context: JobContext, payload: dict[str, Any]) -> None:
            await context.audit("document_opened")

        jobs = await rig.enqueue(200)
        async with working(rig, handle, lease_s=30):
            for share in range(20, 200, 20):

                async def so_many(share: int = share) -> bool:
                    return bool(await rig.db.fetchval("select count(*) >= $1 from exora.job_archive", share))

                await until(so_many, 30)
                rig.proxy.reset()
                rig.rounds += 1
            await completed(rig, jobs, 30)
        await rig.check(jobs)

    @pytest.mark.parametrize("forget", [False, True], ids=["held-back", "half-open"])
    async def test_a_worker_recovers_from_a_black_hole_of_two_leases(self, rig: Rig, forget: bool) -> None:
        gate = asyncio.Event()

        async def handle(context: JobContext, payload: dict[str, Any]) -> None:
            await gate.wait()

        jobs = await rig.enqueue(2 * SLOTS)
        async with working(rig, handle, command_timeout_s=LEASE_S / 2):
            await until(lambda: all_claimed(rig), 10)
            began, rescued = time.monotonic(), 0

            async def rescued_and_two_leases_gone() -> bool:
                nonlocal rescued
                rescued += (await rig.direct.sweep()).get("rescued", 0)  # as a worker elsewhere does
                return rescued == SLOTS and time.monotonic() > began + 2 * LEASE_S

            async with rig.proxy.black_hole(forget=forget):
                await until(rescued_and_two_leases_gone, 3 * LEASE_S)
            gate.set()
            took = await completed(rig, jobs, LEASE_S + 5)
            rig.row.recovered(took)
            rig.proxy.reset()  # how connections still half-open are closed is another test's point
        rig.rounds = 1
        print(f"rescued={rescued}, recovered in {took:.1f}s")
        crashes = [view.crash_count for view in await rig.direct.get_jobs(jobs)]
        assert sorted(crashes) == [0] * SLOTS + [1] * SLOTS
        await rig.check(jobs)

    async def test_a_slow_network_costs_no_job_and_no_claim(self, rig: Rig) -> None:
        """Each message takes 0 to 400 ms each way: a call takes half a second, and a new connection several."""
        jobs = await rig.enqueue(10 * rig.row.scale)
        rig.proxy.latency_s = rig.proxy.jitter_s = 0.2
        async with working(rig, do_nothing, lease_s=15):
            await completed(rig, jobs, 60)
            rig.proxy.latency_s = rig.proxy.jitter_s = 0.0
        rig.rounds = 1
        assert {view.crash_count for view in await rig.direct.get_jobs(jobs)} == {0}
        await rig.check(jobs)

    async def test_networks_that_clog_and_clear_in_turn_cost_no_job(self, rig: Rig) -> None:
        """Three workers with networks of their own, which clog one after the other, and clear in any order."""

        async def handle(context: JobContext, payload: dict[str, Any]) -> None:
            await asyncio.sleep(0.05)

        jobs: list[UUID] = []
        async with contextlib.AsyncExitStack() as stack:
            networks = [await stack.enter_async_context(proxied(rig.upstream, rig.draw)) for _ in range(3)]
            for network in networks:
                await stack.enter_async_context(working(rig, handle, command_timeout_s=LEASE_S / 2, network=network))
            for _ in range(5 * rig.row.scale):
                jobs += await rig.enqueue(60)
                clogged = []
                for network in rig.draw.sample(networks, 3):
                    clogged.append(network.black_hole(forget=rig.draw.random() < 0.5))
                    await clogged[-1].__aenter__()
                    await asyncio.sleep(rig.draw.uniform(0, LEASE_S))
                for hole in rig.draw.sample(clogged, 3):
                    await hole.__aexit__(None, None, None)
                    await asyncio.sleep(rig.draw.uniform(0, LEASE_S / 2))
                rig.rounds += 3
                rig.row.recovered(await completed(rig, jobs, LEASE_S + 5, bring_forward=True))
        await rig.check(jobs)

    async def test_a_handler_is_stopped_when_its_lease_runs_out_unheard(self, rig: Rig) -> None:
        gate, begun, stopped = asyncio.Event(), 0, 0

        async def handle(context: JobContext, payload: dict[str, Any]) -> None:
            nonlocal begun, stopped
            begun += 1
            try:
                await gate.wait()
            except asyncio.CancelledError:
                stopped += 1
                raise

        async def all_begun() -> bool:
            return begun == SLOTS  # a claim in the database may still be on its way to the worker

        async def all_stopped() -> bool:
            return stopped == SLOTS

        jobs = await rig.enqueue(SLOTS)
        async with working(rig, handle, command_timeout_s=LEASE_S / 2):
            await until(all_begun, 10)
            try:
                async with rig.proxy.black_hole():
                    await until(all_stopped, LEASE_S + 2)
            finally:
                gate.set()
            await completed(rig, jobs, LEASE_S + 5)
        rig.rounds = 1
        await rig.check(jobs)

    async def test_a_half_open_connection_delays_a_claim_by_its_timeout_and_no_more(self, rig: Rig) -> None:
        timeout_s, silenced_at = 1.5, 0.0

        def plan(sql: str) -> Cut | None:
            nonlocal silenced_at
            if "claim_jobs_v3" not in sql or silenced_at:
                return None
            silenced_at = time.monotonic()
            return Cut.SILENCE

        jobs = await rig.enqueue(5)
        rig.proxy.plan = plan
        async with working(rig, do_nothing, command_timeout_s=timeout_s):

            async def claimed_again() -> bool:
                return rig.proxy.executions("claim_jobs_v3") >= 2

            await until(claimed_again, 10)
            took = time.monotonic() - silenced_at
            await completed(rig, jobs, 10)
        rig.rounds = 1
        print(f"claimed again after {took:.2f}s with a command timeout of {timeout_s}s")
        await rig.check(jobs)
        assert timeout_s <= took < timeout_s + 1

    async def test_a_worker_with_half_open_connections_stops_when_asked(self, rig: Rig) -> None:
        jobs = await rig.enqueue(5)
        async with working(rig, do_nothing, command_timeout_s=LEASE_S / 2):
            await completed(rig, jobs, 10)
            async with rig.proxy.black_hole(forget=True):
                stopping = time.monotonic()
        rig.rounds = 1
        print(f"stopped in {time.monotonic() - stopping:.1f}s")
        await rig.check(jobs)
