"""Capacity against a provider that counts for itself: in any order of events no limit is passed and nothing leaks."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from exora.capacity.pool import Pool, Unit
from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.errors import NoCapacity
from exora.testing.server import Server

T = TypeVar("T")
API = ("openai", "gpt-4o-mini")
#: Requests and tokens a minute and calls at once: each of them is what binds in some runs.
LIMITS = ((5, 1000, 3), (5, 1000, 9), (30, 250, 9), (30, 1000, 3))
#: The profile that every third worker belongs to, and its share.
BATCH, BATCH_REQUESTS, BATCH_AT_ONCE = "batch", 4, 2
SECONDS = st.sampled_from([0.2, 2.0, 10.0, 20.0, 52.0, 58.0, 61.0])
TOKENS = st.sampled_from([0, 10, 40, 120])
VALID_S, LEASE_S, SINGLE_VALID_S = 2.0, 15.0, 5.0
#: Live workers sync at least so often, as far as the clock is moved by hand.
HOP_S = 10.0
EXAMPLES = int(os.environ.get("EXORA_EXAMPLES", "40"))
#: Everything of the API's that lies in time, moved back.
AGE = """
update exora.api_window set tick = -(tick - ($1 * 5)::bigint);
update exora.api_window set tick = -tick;
update exora.api_reservations set granted_at = granted_at - $1 * interval '1 s',
       sent_by = sent_by - $1 * interval '1 s', lease_expires_at = lease_expires_at - $1 * interval '1 s';
update exora.api_holders set synced_at = synced_at - $1 * interval '1 s', sent_by = sent_by - $1 * interval '1 s',
       lease_expires_at = lease_expires_at - $1 * interval '1 s';
update exora.api_state set closed_until = closed_until - $1 * interval '1 s',
       counted_since = counted_since - $1 * interval '1 s', pressed_until = pressed_until - $1 * interval '1 s'
"""


@dataclass
class Call:
    """A granted call as the provider and the caller know it.

    Attributes:
        granted_at, sendable_until: it can arrive between these; when it did is decided as it or its caller ends.
        arrived_at: None = not yet, or never.
        runs_until: None = it is under way; of a dead caller's: as long as its lease.
    """

    granted_at: float
    sendable_until: float
    tokens: int
    profile: str
    arrived_at: float | None = None
    runs_until: float | None = None
    unit: Unit | None = None


@dataclass
class Worker:
    """A worker's block and what it has under way."""

    name: str
    pool: Pool
    profile: str
    seq: int = 0
    synced_at: float = 0.0
    calls: list[Call] = field(default_factory=list)
    waiting: dict[asyncio.Task[Unit], int] = field(default_factory=dict)


class CapacityMachine(RuleBasedStateMachine):
    """Workers with blocks, single reservations, and what providers and people say, on one database."""

    loop: asyncio.AbstractEventLoop
    coordinator: WireCoordinator
    db: asyncpg.Connection

    def __init__(self) -> None:
        super().__init__()
        self.shift = 0.0
        self.numbers = itertools.count()
        self.workers: list[Worker] = []
        self.singles: dict[UUID, Call] = {}
        self.calls: list[Call] = []
        self.closed_until = 0.0
        self.closed_by_operator = False
        self.closings = 0
        self.limits = LIMITS[0]

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(coroutine)

    def now(self) -> float:
        """The time of the provider, of the workers and, by moving what is in it, of the database."""
        return time.monotonic() + self.shift

    @property
    def closed(self) -> bool:
        return self.closed_by_operator or self.now() < self.closed_until

    @initialize(limits=st.sampled_from(LIMITS))
    def clean(self, limits: tuple[int, int, int]) -> None:
        tables = "exora.api_window, exora.api_reservations, exora.api_holders, exora.api_state, exora.api_costs"
        self.run(self.db.execute(f"truncate {tables}"))
        self.limits = limits
        names = ("requests_per_minute", "tokens_per_minute", "concurrent_requests")
        self.run(self.coordinator.set_api_limits(*API, dict(zip(names, limits, strict=True))))
        for _ in range(3):
            self.start()

    # Workers.

    def start(self) -> None:
        """Another worker."""
        number = next(self.numbers)
        profile = BATCH if number % 3 == 2 else ""
        self.workers.append(Worker(f"w{number}", Pool("openai.mini", lambda: None, self.now), profile))

    @rule(data=st.data(), tokens=st.integers(0, 120), priority=st.integers(1, 10))
    def ask(self, data: st.DataObject, tokens: int, priority: int) -> None:
        """A call is wanted: from the block at once, or when its turn comes."""
        worker = data.draw(st.sampled_from(self.workers))
        unit = worker.pool.take(tokens, 0)
        if unit is not None:
            self.began(worker, unit, tokens)
            return
        worker.waiting[self.loop.create_task(self.waits(worker, tokens, priority))] = tokens
        self.turn()

    def burst(self, number: int, tokens: int, calls: int, late: bool, told: bool) -> None:
        """A worker asks for many calls, syncs and makes those that it is given; it has not told of them yet."""
        worker = self.workers[number]
        for _ in range(calls):
            worker.waiting[self.loop.create_task(self.waits(worker, tokens))] = tokens
        self.turn()
        self.sync_one(worker)
        for _ in range(2 * calls):
            if worker.calls:
                self.end(worker, worker.calls.pop(0), late, told, share=1.0)

    @rule(data=st.data(), late=st.booleans(), told=st.booleans(), share=st.sampled_from([0.0, 0.5, 1.0]))
    def finish(self, data: st.DataObject, late: bool, told: bool, share: float) -> None:
        """A worker's call ends: it had arrived early or late, and the provider says when or not."""
        busy = [worker for worker in self.workers if worker.calls]
        if busy:
            worker = data.draw(st.sampled_from(busy))
            self.end(worker, worker.calls.pop(0), late, told, share)

    @rule(data=st.data(), late=st.booleans())
    def kill(self, data: st.DataObject, late: bool) -> None:
        """A worker dies and another starts; what the dead one had sent goes on while its lease lasts."""
        worker = data.draw(st.sampled_from(self.workers))
        self.workers.remove(worker)
        for call in worker.calls:
            self.arrive(call, late)
            call.runs_until = worker.synced_at + LEASE_S
        self.drop_waiting(worker)
        self.start()

    @precondition(lambda self: any(not worker.calls for worker in self.workers))
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        """A worker without calls under way ends in order, and another starts."""
        worker = data.draw(st.sampled_from([worker for worker in self.workers if not worker.calls]))
        self.drop_waiting(worker)
        worker.pool.give_back()
        self.sync_one(worker)
        self.workers.remove(worker)
        self.start()

    # Single reservations.

    @rule(tokens=st.integers(0, 120), repeat=st.booleans(), profile=st.sampled_from(["", "", BATCH]))
    def reserve(self, tokens: int, repeat: bool, profile: str) -> None:
        reservation_id, asked_at = uuid4(), self.now()
        arguments: dict[str, Any] = {
            "reservation_id": reservation_id, "holder": "single", "provider": API[0], "endpoint": API[1],
            "tokens": tokens, "lease_s": 30, "profile": profile,
        }  # fmt: skip
        closed = self.closed
        answer = self.run(self.coordinator.reserve_api_capacity(**arguments))
        if not answer.granted:
            assert answer.reason is not None
            assert answer.retry_after_ms > 0
            return
        assert not (closed and self.closed)
        if repeat:
            assert self.run(self.coordinator.reserve_api_capacity(**arguments)).granted
        call = Call(self.now(), asked_at + SINGLE_VALID_S, tokens, profile)
        self.singles[reservation_id] = call
        self.calls.append(call)

    @rule(data=st.data(), late=st.booleans(), told=st.booleans(), share=st.sampled_from([0.0, 0.5, 1.0]))
    def settle(self, data: st.DataObject, late: bool, told: bool, share: float) -> None:
        if not self.singles:
            return
        reservation_id = data.draw(st.sampled_from(list(self.singles)))
        call = self.singles.pop(reservation_id)
        self.arrive(call, late)
        now = self.now()
        ago = int((now - call.arrived_at) * 1000) if told and call.arrived_at is not None else 0
        call.tokens, call.runs_until = int(call.tokens * share), now
        settling = self.coordinator.settle_api_capacity(reservation_id, call.tokens, arrived_ms_ago=ago)
        assert self.run(settling) or now > call.granted_at + 30
        assert not self.run(self.coordinator.settle_api_capacity(reservation_id, 0))
        self.run(self.db.execute("select public.release_api_capacity($1, $2, 77, 0)", *API))  # nobody's

    def reserve_and_settle(self, tokens: int, calls: int, profile: str) -> None:
        """Calls one after the other, as many as there is capacity for."""
        for _ in range(calls):
            before = set(self.singles)
            self.reserve(tokens, repeat=True, profile=profile)
            for reservation_id in set(self.singles) - before:
                call = self.singles.pop(reservation_id)
                self.arrive(call, late=True)
                call.runs_until = self.now()
                assert self.run(self.coordinator.settle_api_capacity(reservation_id, tokens))

    def pass_time(self, seconds: float) -> None:
        """Time passes; live workers go on syncing, callers of single reservations die with their leases."""
        while seconds > 0:
            hop = min(seconds, HOP_S)
            seconds -= hop
            self.run(self.db.execute(AGE.replace("$1", f"{hop:g}")))
            self.shift += hop
            for worker in self.workers:
                self.sync_one(worker)
        self.run(self.coordinator.sweep())
        now = self.now()
        for reservation_id, call in list(self.singles.items()):
            if now > call.granted_at + 30:  # its caller died
                self.arrive(call, late=True)
                call.runs_until = call.granted_at + 30
                del self.singles[reservation_id]

    # Traffic: what alone would take many steps to come about.

    @rule(
        deeds=st.lists(
            st.one_of(
                st.builds(
                    partial,
                    st.just(burst),
                    number=st.integers(0, 2),
                    tokens=TOKENS,
                    calls=st.integers(1, 8),
                    late=st.booleans(),
                    told=st.booleans(),
                ),
                st.builds(
                    partial,
                    st.just(reserve_and_settle),
                    tokens=TOKENS,
                    calls=st.integers(1, 8),
                    profile=st.sampled_from(["", "", BATCH]),
                ),
                st.builds(partial, st.just(pass_time), seconds=SECONDS),
            ),
            min_size=3,
            max_size=10,
        )
    )
    def a_while_of_traffic(self, deeds: list[Callable[[CapacityMachine], None]]) -> None:
        for deed in deeds:
            deed(self)

    # The provider, people and time.

    @precondition(lambda self: not self.closings)
    @rule(seconds=st.sampled_from([0.5, 5.0, 30.0]), number=st.integers(0, 2), after=st.sampled_from([0.0, 51.0]))
    def throttled(self, seconds: float, number: int, after: float) -> None:
        """429 with Retry-After, met by a worker."""
        self.closings += 1
        until = self.now() + seconds
        self.run(self.coordinator.report_api_throttle(*API, "throttled", retry_after_ms=int(seconds * 1000)))
        self.closed_until = max(self.closed_until, until)
        self.workers[number].pool.close_for(seconds, "retry_after")
        self.burst(0, 10, 3, late=False, told=False)
        self.pass_time(after)

    @precondition(lambda self: not self.closings)
    @rule(closed_s=st.sampled_from([0.0, 61.0]), after=st.sampled_from([0.0, 21.0]))
    def closed_and_opened_by_hand(self, closed_s: float, after: float) -> None:
        """Opened again, it opens gradually, within twenty seconds."""
        self.closings += 1
        self.turn_by_hand(closed=True)
        self.reserve_and_settle(10, 1, "")
        self.burst(0, 10, 3, late=False, told=False)
        self.pass_time(closed_s)
        self.turn_by_hand(closed=False)
        self.pass_time(after)

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.pass_time(seconds)

    # What must hold.

    @invariant()
    def the_provider_counts_no_more_than_its_limits(self) -> None:
        share = (BATCH_REQUESTS, self.limits[1], BATCH_AT_ONCE)
        of_batch = [call for call in self.calls if call.profile == BATCH]
        for calls, (requests, tokens, at_once) in ((self.calls, self.limits), (of_batch, share)):
            now = self.now()
            arrived = [(call.arrived_at, call.tokens) for call in calls if call.arrived_at is not None]
            # Whatever may still arrive could do so now.
            arrived += [(now, c.tokens) for c in calls if c.arrived_at is None and c.runs_until is None]
            for end, _ in arrived:
                window = [used for at, used in arrived if end - 60 < at <= end]
                assert len(window) <= requests
                assert sum(window) <= tokens
            assert sum(call.runs_until is None or call.runs_until > now for call in calls) <= at_once

    def teardown(self) -> None:
        """Everything ends; then nothing is left of it, and there is room for all that the limits allow."""
        for worker in list(self.workers):
            self.drop_waiting(worker)
            while worker.calls:
                self.end(worker, worker.calls.pop(), late=True, told=False, share=1.0)
            worker.pool.give_back()
            self.sync_one(worker)
        self.workers = []
        self.turn_by_hand(closed=False)
        self.pass_time(90)
        self.run(self.coordinator.sweep())
        [shown] = [api for api in self.run(self.coordinator.api_capacity()) if api.endpoint == API[1]]
        assert (shown.requests, shown.tokens, shown.concurrent, shown.state) == (0, 0, 0, "available")
        for table in ("api_window", "api_reservations", "api_holders"):
            assert self.run(self.db.fetchval(f"select count(*) from exora.{table}")) == 0
        most = min(self.limits[0], self.limits[2])
        for number in range(most + 1):
            self.reserve(10, repeat=False, profile="")
            assert len(self.singles) == min(number + 1, most)

    # Hands.

    def turn_by_hand(self, closed: bool) -> None:
        """A person closes or opens it."""
        self.run(self.coordinator.close_api(*API, closed))
        self.closed_by_operator = closed
        if not closed:
            self.closed_until = 0.0

    def waits(self, worker: Worker, tokens: int, priority: int = 5) -> Coroutine[Any, Any, Unit]:
        """A call that waits for its turn, as long as it takes."""
        return worker.pool.wait(tokens, 0, priority=priority, deadline=None, patience_s=1e6)

    def turn(self) -> None:
        """Let tasks run, and take up what they got."""
        for _ in range(3):
            self.run(asyncio.sleep(0))
        for worker in self.workers:
            for task in [task for task in worker.waiting if task.done()]:
                tokens = worker.waiting.pop(task)
                error = task.exception()
                if error is None:
                    self.began(worker, task.result(), tokens)
                else:
                    assert isinstance(error, NoCapacity)

    def began(self, worker: Worker, unit: Unit, tokens: int) -> None:
        """A call has its unit; it can be sent until that is void."""
        call = Call(self.now(), unit.void_at, tokens, worker.profile, unit=unit)
        worker.calls.append(call)
        self.calls.append(call)

    def sync_one(self, worker: Worker) -> None:
        """One sync, as the gate makes it; then nothing is to be had from it while the API is closed."""
        worker.seq += 1
        asked_at, closed = self.now(), self.closed
        grant = self.run(
            self.coordinator.sync_api_capacity(
                holder=worker.name, seq=worker.seq, provider=API[0], endpoint=API[1], profile=worker.profile,
                report=worker.pool.report(), valid_s=VALID_S, lease_s=LEASE_S,
            )
        )  # fmt: skip
        worker.pool.apply(grant, asked_at)
        worker.synced_at = asked_at
        if closed and self.closed:
            assert grant.requests == 0
            assert worker.pool.take(0, 0) is None
        self.turn()

    def arrive(self, call: Call, late: bool) -> None:
        """Decide when a call arrived: as soon, or as late as it could."""
        call.arrived_at = max(min(self.now(), call.sendable_until), call.granted_at) if late else call.granted_at

    def end(self, worker: Worker, call: Call, late: bool, told: bool, share: float) -> None:
        """End a worker's call."""
        assert call.unit is not None
        now = self.now()
        call.runs_until = now
        if not late and now >= call.sendable_until:  # it was never sent
            worker.pool.end(call.unit, arrived_at=None, tokens=0, microusd=0, ok=None)
        else:
            self.arrive(call, late)
            call.tokens = int(call.tokens * share)
            at = call.arrived_at if told else now
            worker.pool.end(call.unit, arrived_at=at, tokens=call.tokens, microusd=0, ok=True)
        self.turn()

    def drop_waiting(self, worker: Worker) -> None:
        """Nobody waits any more."""
        for task in worker.waiting:
            task.cancel()
        self.run(self.gathered(worker))
        worker.waiting = {}

    async def gathered(self, worker: Worker) -> None:
        """Wait for cancelled waiters."""
        await asyncio.gather(*worker.waiting, return_exceptions=True)


@pytest.mark.parametrize("server", ["embedded"], indirect=True)
def test_no_order_of_events_passes_a_limit_or_leaks(server: Server) -> None:
    loop = asyncio.new_event_loop()

    async def opened() -> tuple[asyncpg.Connection, PostgresTransport]:
        admin = await asyncpg.connect(server.dsn)
        await admin.execute("create database capacity_machine template template_exora")
        await admin.close()
        dsn = server.url("capacity_machine")
        transport = PostgresTransport(dsn)
        coordinator = WireCoordinator(transport)
        share = {"requests_per_minute": BATCH_REQUESTS, "concurrent_requests": BATCH_AT_ONCE}
        await coordinator.set_api_limits(*API, share, profile=BATCH)
        return await asyncpg.connect(dsn), transport

    db, transport = loop.run_until_complete(opened())
    CapacityMachine.loop, CapacityMachine.db, CapacityMachine.coordinator = loop, db, WireCoordinator(transport)
    try:
        run_state_machine_as_test(
            CapacityMachine,
            settings=settings(
                max_examples=EXAMPLES, stateful_step_count=12, deadline=None,
                suppress_health_check=list(HealthCheck), print_blob=True,
            ),
        )  # fmt: skip
    finally:
        loop.run_until_complete(db.close())
        loop.run_until_complete(transport.close())
        loop.close()
