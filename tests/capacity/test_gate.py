"""The gate: reserve, call, settle, on a real database; fair, patient, and the only way to a provider."""

from __future__ import annotations

import ast
import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import exora
from exora.capacity.gate import Gate, Terms
from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.domain.capacity import ApiCapacity, BlockGrant, Permit
from exora.errors import (
    AnswerRefused,
    KeyRefused,
    NoCapacity,
    NotFound,
    ProviderUnavailable,
    QuotaExhausted,
    RateLimited,
)

OPENAI = ("openai", "gpt-4o-mini")
SOURCE = Path(exora.__file__).parent


class Clock:
    """A clock that can be moved on."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_s


class Watched:
    """The database's verbs; tells of every sync."""

    def __init__(self, coordinator: WireCoordinator) -> None:
        self._coordinator = coordinator
        self._synced = asyncio.Condition()
        self.syncs = Counter[str]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._coordinator, name)

    async def sync_api_capacity(self, **arguments: Any) -> BlockGrant:
        """Synced."""
        grant = await self._coordinator.sync_api_capacity(**arguments)
        async with self._synced:
            self.syncs[arguments["holder"]] += 1
            self._synced.notify_all()
        return grant

    async def until(self, true: Callable[[], Awaitable[bool]]) -> None:
        """Wait, looking again after every sync."""
        async with asyncio.timeout(10), self._synced:
            while not await true():
                await self._synced.wait()


class Rig:
    """A database and gates on it."""

    def __init__(self, coordinator: WireCoordinator) -> None:
        self.coordinator = coordinator
        self.store = Watched(coordinator)
        self.gates: list[Gate] = []
        self.calls: list[Any] = []

    def gate(self, **options: Any) -> Gate:
        """Another worker's gate."""
        gate = Gate(self.store, f"worker-{len(self.gates)}", **options)
        self.gates.append(gate)
        return gate

    async def shown(self) -> ApiCapacity:
        """What is shown of gpt-4o-mini."""
        return next(api for api in await self.coordinator.api_capacity() if api.endpoint == "gpt-4o-mini")

    async def limit(self, **limits: Any) -> None:
        """Set limits of gpt-4o-mini."""
        await self.coordinator.set_api_limits(*OPENAI, limits)

    async def until(self, **wanted: Any) -> None:
        """Wait until the API is shown so."""

        async def so() -> bool:
            shown = await self.shown()
            return all(getattr(shown, name) == value for name, value in wanted.items())

        await self.store.until(so)

    async def synced(self, times: int) -> None:
        """Wait until every worker has synced so often once more."""
        before = Counter(self.store.syncs)

        async def so() -> bool:
            return all(self.store.syncs[gate._holder] >= before[gate._holder] + times for gate in self.gates)

        await self.store.until(so)

    async def waiting(self, gate: Gate, calls: int) -> None:
        """Let tasks run until so many calls wait at a gate."""
        async with asyncio.timeout(10):
            while gate.waiting()["openai.gpt-4o-mini"] < calls:
                await asyncio.sleep(0)

    def make(self, mark: Any = None, *, error: Exception | None = None) -> Any:
        """A call that is noted."""

        async def make(permit: Permit) -> Any:
            await permit.begin()
            self.calls.append(mark)
            permit.answered(processing_ms=0.0)
            if error is not None:
                raise error
            permit.used(input_tokens=7, output_tokens=3)
            return mark

        return make


@pytest.fixture
async def rig(embedded_dsn: str) -> AsyncIterator[Rig]:
    """A database of its own."""
    transport = PostgresTransport(embedded_dsn)
    rig = Rig(WireCoordinator(transport))
    yield rig
    await asyncio.gather(*(gate.close() for gate in rig.gates))
    await transport.close()


async def test_a_call_is_reserved_and_settled_to_its_real_use(rig: Rig) -> None:
    gate = rig.gate()
    async with gate.reserve(*OPENAI, tokens=1000) as permit:
        assert (await rig.shown()).tokens >= 1000
        await rig.make()(permit)
    await gate.close()
    shown = await rig.shown()
    assert (shown.requests, shown.tokens, shown.concurrent) == (1, 10, 0)
    assert shown.cost_today_usd == pytest.approx((7 * 0.15 + 3 * 0.60) / 1e6, abs=1e-6)


async def test_a_reservation_without_a_call_goes_back(rig: Rig) -> None:
    gate = rig.gate()
    async with gate.reserve(*OPENAI, tokens=1000):
        pass
    await gate.close()
    assert (await rig.shown()).requests == 0


async def test_a_permit_is_for_one_call(rig: Rig) -> None:
    async with rig.gate().reserve(*OPENAI) as permit:
        await permit.begin()
        with pytest.raises(RuntimeError, match="one call"):
            await permit.begin()
    with pytest.raises(RuntimeError, match="one call"):
        await permit.begin()


async def test_a_permit_that_lapsed_is_renewed_before_the_call(rig: Rig) -> None:
    await rig.limit(requests_per_minute=1)
    clock = Clock()
    async with rig.gate(clock=clock).reserve(*OPENAI) as permit:
        clock.ahead_s += 2.1
        await permit.begin()
        permit.answered()
    assert (await rig.shown()).requests == 1


async def test_an_unknown_api_is_an_error(rig: Rig) -> None:
    with pytest.raises(NotFound):
        async with rig.gate().reserve("openai", "gpt-9"):
            pass


async def test_many_calls_of_many_workers_stay_within_the_limit(rig: Rig) -> None:
    await rig.limit(requests_per_minute=20, concurrent_requests=5)
    gates = [rig.gate(sync_s=0.05) for _ in range(4)]
    at_once = most = 0
    all_made = asyncio.Event()

    async def make(permit: Permit) -> None:
        nonlocal at_once, most
        await permit.begin()
        at_once += 1
        most = max(most, at_once)
        await rig.shown()  # a call takes as long as this one
        at_once -= 1
        rig.calls.append(None)
        if len(rig.calls) == 20:
            all_made.set()
        permit.answered()

    calls = [asyncio.create_task(gate.call(*OPENAI, make)) for gate in gates for _ in range(20)]
    async with asyncio.timeout(20):
        await all_made.wait()
    await rig.synced(3)
    assert len(rig.calls) == 20
    assert most <= 5
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)


async def test_who_would_wait_too_long_is_told_at_once_when_to_come_back(rig: Rig) -> None:
    await rig.coordinator.report_api_throttle(*OPENAI, "throttled", retry_after_ms=60_000)
    began = time.monotonic()
    with pytest.raises(NoCapacity) as caught:
        await rig.gate().call(*OPENAI, rig.make(), terms=Terms(patience_s=30))
    assert time.monotonic() - began < 5
    assert caught.value.reason == "openai.gpt-4o-mini:retry_after"
    assert 50 < caught.value.retry_after_s <= 60


async def test_a_call_above_the_limit_itself_does_not_block_others(rig: Rig) -> None:
    gate = rig.gate()
    huge = asyncio.create_task(gate.call(*OPENAI, rig.make("huge"), tokens=10_000_000))
    await asyncio.sleep(0)
    assert await gate.call(*OPENAI, rig.make("small"), tokens=10, terms=Terms(priority=10)) == "small"
    with pytest.raises(NoCapacity) as caught:
        await huge
    assert caught.value.reason.endswith("tokens_over_limit")


async def test_priority_goes_first_and_a_near_deadline_before_that(rig: Rig) -> None:
    await rig.limit(concurrent_requests=1)
    gate = rig.gate()
    async with gate.reserve(*OPENAI):
        waiting = [
            asyncio.create_task(gate.call(*OPENAI, rig.make(mark), terms=terms))
            for mark, terms in [
                ("low", Terms(priority=9)),
                ("normal", Terms(priority=5)),
                ("high", Terms(priority=1)),
                ("late", Terms(priority=10, deadline=time.monotonic() + 1)),
            ]
        ]
        await rig.waiting(gate, 4)
    await asyncio.gather(*waiting)
    assert rig.calls == ["late", "high", "normal", "low"]


async def test_a_429_closes_the_gate_of_every_worker(rig: Rig) -> None:
    one, two = rig.gate(), rig.gate()
    assert await two.call(*OPENAI, rig.make("before")) == "before"
    with pytest.raises(NoCapacity):
        await one.call(*OPENAI, rig.make(error=RateLimited("openai", "x", retry_after_s=30)), terms=Terms(patience_s=1))
    with pytest.raises(NoCapacity) as caught:
        await two.call(*OPENAI, rig.make("after"), terms=Terms(patience_s=1))
    assert "after" not in rig.calls
    assert caught.value.reason.endswith("retry_after")
    assert (await rig.shown()).state == "rate_limited"


async def test_a_short_429_is_waited_out(rig: Rig) -> None:
    errors = [RateLimited("openai", "x", retry_after_s=0.2)]

    async def make(permit: Permit) -> str:
        await permit.begin()
        permit.answered()
        if errors:
            raise errors.pop()
        return "done"

    began = time.monotonic()
    assert await rig.gate().call(*OPENAI, make) == "done"
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (QuotaExhausted("openai", "x"), "insufficient_quota"),
        (KeyRefused("openai", "x", kind="invalid_key"), "invalid_key"),
    ],
)
async def test_what_a_person_must_mend_closes_until_one_does(rig: Rig, error: Exception, reason: str) -> None:
    clock = Clock()
    gate = rig.gate(clock=clock)
    with pytest.raises(NoCapacity):
        await gate.call(*OPENAI, rig.make(error=error))
    shown = await rig.shown()
    assert (shown.state, shown.reason) == ("closed", reason)
    with pytest.raises(NoCapacity) as caught:
        await gate.call(*OPENAI, rig.make())
    assert caught.value.reason == f"openai.gpt-4o-mini:{reason}"
    await rig.coordinator.close_api(*OPENAI, closed=False)
    assert (await rig.shown()).state == "available"
    clock.ahead_s += 1.1  # what was known a second ago is asked again
    assert await gate.call(*OPENAI, rig.make("again")) == "again"


async def test_a_failing_provider_is_tried_three_times_and_trips_the_breaker(rig: Rig) -> None:
    gate = rig.gate()
    failing = rig.make(error=ProviderUnavailable("openai", "x"))
    with pytest.raises(ProviderUnavailable):
        await gate.call(*OPENAI, failing)
    assert len(rig.calls) == 3
    terms = Terms(patience_s=0.2)
    await asyncio.gather(*(gate.call(*OPENAI, failing, terms=terms) for _ in range(9)), return_exceptions=True)
    await rig.until(state="down")


async def test_a_large_call_after_small_ones_gets_what_it_needs(rig: Rig) -> None:
    gate = rig.gate()
    for _ in range(3):
        await gate.call(*OPENAI, rig.make(), tokens=100, output_tokens=50)
    for tokens in (5000, 20_000, 80_000):
        await gate.call(*OPENAI, rig.make(tokens), tokens=tokens, output_tokens=50, terms=Terms(patience_s=3))
    assert rig.calls[3:] == [5000, 20_000, 80_000]


async def test_what_a_closed_gate_holds_goes_back(rig: Rig) -> None:
    gate = rig.gate()
    await asyncio.gather(*(gate.call(*OPENAI, rig.make(), tokens=100) for _ in range(50)))
    await gate.close()
    shown = await rig.shown()
    assert (shown.requests, shown.tokens, shown.concurrent) == (50, 500, 0)


async def test_a_cancelled_waiter_takes_nothing(rig: Rig) -> None:
    await rig.limit(concurrent_requests=1)
    gate = rig.gate()
    async with gate.reserve(*OPENAI):
        waiter = asyncio.create_task(gate.call(*OPENAI, rig.make("cancelled")))
        await rig.waiting(gate, 1)
        waiter.cancel()
        await asyncio.gather(waiter, return_exceptions=True)
    assert await gate.call(*OPENAI, rig.make("next")) == "next"
    assert rig.calls == ["next"]


def imports(path: Path) -> set[str]:
    """Every module a file imports, at any depth of nesting."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def importers(*prefixes: str) -> set[str]:
    """The files of the package that import a module of these names."""
    return {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        for name in imports(path)
        if any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)
    }


def test_an_unreserved_provider_call_cannot_be_written() -> None:
    # The SDKs are loaded by the providers only, and the providers by the composition root only (beside themselves) ...
    assert importers("openai", "google") <= {"providers/openai.py", "providers/vision.py"}
    users = {name for name in importers("exora.providers") if not name.startswith("providers/")}
    assert users <= {"app.py", "settings.py"}
    # ... and everything that makes a call there begins a permit before it.
    for name in ("openai", "vision"):
        tree = ast.parse((SOURCE / "providers" / f"{name}.py").read_text())
        [client] = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name in ("OpenAI", "Vision")]
        callers = [
            node
            for node in client.body
            if isinstance(node, ast.AsyncFunctionDef) and not node.name.startswith("_") and node.name != "close"
        ]
        assert callers
        for caller in callers:
            assert caller.args.args[1].arg == "permit"
            first = next(node for node in caller.body if not isinstance(node, ast.Expr | ast.Constant)
                         or not isinstance(getattr(node, "value", None), ast.Constant))  # fmt: skip
            assert ast.unparse(first) == "await permit.begin()"


def test_only_the_gate_makes_permits() -> None:
    makers = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and {"begin", "answered", "used"} <= {
            part.name for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)
        }
    }  # fmt: skip
    assert makers == {"capacity/gate.py", "domain/capacity.py"}


async def test_what_becomes_of_calls_is_counted(rig: Rig) -> None:
    await rig.limit(requests_per_minute=3)
    gate = rig.gate()
    await gate.call(*OPENAI, rig.make(), tokens=20)
    with pytest.raises(AnswerRefused):
        await gate.call(*OPENAI, rig.make(error=AnswerRefused("openai", "x")), tokens=20)
    async with gate.reserve(*OPENAI) as permit:
        await permit.begin()
    with pytest.raises(NoCapacity):
        await gate.call(*OPENAI, rig.make(), terms=Terms(patience_s=0.2))
    counted = gate.calls.apis[OPENAI]
    assert (counted.granted, counted.denied) == (3, {"requests_per_minute": 1})
    assert counted.errors == {"provider_answer_refused": 1}
    assert (counted.input_tokens, counted.output_tokens, counted.microusd) == (7, 3, 3)
    assert (sum(counted.latencies), sum(counted.ratios), counted.ratio_sum) == (3, 1, 2.0)


async def test_the_gate_reads_sub_limits_by_profile(rig: Rig, embedded_dsn: str) -> None:
    await rig.coordinator.set_api_limits(*OPENAI, {"requests_per_minute": 2}, profile="batch")
    gate = rig.gate()
    terms = Terms(profile="batch", patience_s=0.3)
    ended = await asyncio.gather(
        *(gate.call(*OPENAI, rig.make(), terms=terms) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(error, NoCapacity) for error in ended) == 2
    db = await asyncpg.connect(embedded_dsn)
    assert await db.fetchval("select profile from exora.api_holders") == "batch"
    await db.close()
