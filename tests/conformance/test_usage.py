"""Usage, summed by anything, and the limits of what one patient may use on a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from exora.coordination.port import Coordinator
from exora.domain.job import EnqueueRequest
from exora.domain.operations import Act, Usage, UsageKey, UsageLimit, WorkerReport
from exora.errors import BadInput, UsageLimitReached

from .conftest import Client
from .test_documents import submit

CHAT, VISION = "openai/gpt-4o-mini", "google/vision-api"
ANN, BOB = UUID(int=1), UUID(int=2)


def work(job: UUID, patient: UUID | None, **numbers: float) -> dict[str, Any]:
    """What one job used, as a worker tells it."""
    names = ("completed", "retried", "dead", "calls", "input_tokens", "output_tokens", "pages", "microusd", "run_s")
    row = {"job_id": str(job), "patient_id": None if patient is None else str(patient), "lane": "standard_queue"}
    return row | {"model": "", **dict.fromkeys(names, 0)} | numbers


async def report(coordinator: Coordinator, number: int, used: Sequence[dict[str, Any]]) -> None:
    """A worker's report."""
    lane = {"lane": "standard_queue", "completed": 3, "retried": 0, "dead": 0, "cancelled": 0, "pages": 9, "run_s": 6.0,
            "runs": [], "waits": []}  # fmt: skip
    now = datetime.now(UTC)
    await coordinator.report_worker(
        WorkerReport("w", number, now, "working", ["t"], None, 1, 0, None, "1", [lane], list(used))
    )


@pytest.fixture
async def used(coordinator: Coordinator, db: asyncpg.Connection, today: date) -> list[UUID]:
    """Three jobs of two patients; one was told of in two reports, one of which came twice."""
    jobs = [uuid4() for _ in range(3)]
    chat = {"model": CHAT, "calls": 2, "input_tokens": 1000, "output_tokens": 200, "microusd": 270, "run_s": 1.5}
    first = [
        work(jobs[0], ANN, completed=1, pages=4, run_s=2.0),
        work(jobs[0], ANN) | chat,
        work(jobs[0], ANN) | {"model": VISION, "calls": 1, "pages": 4, "microusd": 6000, "run_s": 0.5},
        work(jobs[1], ANN, retried=1, run_s=1.0),
    ]  # fmt: skip
    second = [work(jobs[1], ANN, completed=1, pages=2, run_s=1.0), work(jobs[2], BOB, dead=1, pages=3, run_s=2.0)]
    await report(coordinator, 1, first)
    await report(coordinator, 1, first)
    await report(coordinator, 2, second)
    await db.execute(
        "insert into exora.api_costs (api, day, microusd) select api, $1::date, 6500 from exora.api_rate_limits"
        " where api_endpoint = 'vision-api' union all select api, $1::date - 3, 10 from exora.api_rate_limits",
        today,
    )
    return jobs


async def test_usage_is_summed_by_any_of_day_lane_patient_model_and_job(
    coordinator: Coordinator, used: list[UUID], today: date
) -> None:
    async def ask(*by: UsageKey, job_id: UUID | None = None, patient_id: UUID | None = None) -> list[Usage]:
        return await coordinator.usage(today, today, by, job_id=job_id, patient_id=patient_id)

    def of(rows: list[Usage], names: str) -> list[tuple[Any, ...]]:
        return [tuple(getattr(row, name) for name in names.split()) for row in rows]

    total = Usage(None, None, None, None, None, 6, 0, 0, 3, 1000, 200, 18, 12.0, 0.0065)
    assert await ask() == [total], "all work in all lanes, and what the APIs were charged with"
    assert of(await ask("day", "lane"), "day lane completed pages run_s calls usd") == [
        (today, "standard_queue", 6, 18, 12.0, 3, 0.00627)
    ]
    assert of(await ask("patient"), "patient_id completed retried dead pages run_s usd") == [
        (ANN, 2, 1, 0, 6, 4.0, 0.00627), (BOB, 0, 0, 1, 3, 2.0, 0.0),
    ]  # fmt: skip
    assert of(await ask("model"), "model calls input_tokens output_tokens pages run_s usd") == [
        (VISION, 1, 0, 0, 4, 0.5, 0.0065), ("", 0, 0, 0, 9, 6.0, 0.0), (CHAT, 2, 1000, 200, 0, 1.5, 0.0),
    ]  # fmt: skip
    assert of(await ask("job"), "job_id completed pages run_s input_tokens") == [
        (used[0], 1, 4, 2.0, 1000), *sorted([(used[1], 1, 2, 2.0, 0), (used[2], 0, 3, 2.0, 0)]),
    ]  # fmt: skip
    assert [(row.model, row.usd) for row in await ask("model", job_id=used[0])] == [
        (VISION, 0.006), (CHAT, 0.00027), ("", 0.0),
    ]  # fmt: skip
    assert [(row.lane, row.completed) for row in await ask("lane", patient_id=BOB)] == [("standard_queue", 0)]
    assert len(await coordinator.usage(today - timedelta(days=3), today, ("day", "model"))) == 7
    with pytest.raises(BadInput, match="cannot be summed"):
        await ask("name")  # type: ignore[arg-type]


class TestLimits:
    """They hold for all transports and ways to enqueue, since the database counts."""

    async def refused(self, client: Client, patient: UUID | None, count: int = 1) -> str | None:
        """What is said when so many jobs are enqueued at once; None: they are accepted."""
        try:
            await client.enqueue(count, patient=patient)
        except UsageLimitReached as error:
            return error.message
        return None

    async def test_they_are_off_until_turned_on(self, client: Client, db: asyncpg.Connection) -> None:
        verbs = client.coordinator
        await verbs.set_usage_limits(None, {"jobs_per_day": 1})
        assert [await self.refused(client, ANN) for _ in range(3)] == [None] * 3
        assert await verbs.enforce_usage_limits(True, Act("alice", "INC-7"))
        assert not await verbs.enforce_usage_limits(True)
        assert await self.refused(client, ANN) is None
        assert await self.refused(client, ANN) == "this patient has reached the limit of 1 jobs a day"
        assert await verbs.enforce_usage_limits(False)
        assert await self.refused(client, ANN) is None
        rows = await db.fetch("select event, detail ->> 'by' as by from exora.audit_events where event like 'usage%'")
        assert [(row["event"], row["by"]) for row in rows] == [
            ("usage_limits_set", None), ("usage_limits_enforced", "alice"), ("usage_limits_lifted", None),
        ]  # fmt: skip

    async def test_each_patient_is_counted_alone_and_what_is_refused_is_not(self, client: Client) -> None:
        verbs = client.coordinator
        await verbs.set_usage_limits(None, {"jobs_per_day": 2})
        await verbs.set_usage_limits(BOB, {"jobs_per_day": 4, "usd_per_day": 1.5})
        await verbs.enforce_usage_limits(True)
        found = await verbs.usage_limits()
        assert (found.enforced, found.limits) == (
            True, [UsageLimit(None, 2, None, None), UsageLimit(BOB, 4, None, 1.5)],
        )  # fmt: skip
        assert await self.refused(client, ANN, 3) is not None
        assert await self.refused(client, ANN, 2) is None
        assert await self.refused(client, BOB, 4) is None
        assert await self.refused(client, BOB) is not None
        assert await self.refused(client, None, 10) is None, "jobs of no patient have no limit"
        assert len(await verbs.list_jobs()) == 16
        await verbs.set_usage_limits(BOB, {"jobs_per_day": None, "usd_per_day": None})
        assert [limit.patient_id for limit in (await verbs.usage_limits()).limits] == [None]
        with pytest.raises(BadInput, match="negative"):
            await verbs.set_usage_limits(BOB, {"jobs_per_day": -1})
        with pytest.raises(BadInput, match="no such limit"):
            await verbs.set_usage_limits(BOB, {"joules_per_day": 1})

    async def test_a_repeat_is_a_duplicate_and_not_one_more(self, client: Client) -> None:
        await client.coordinator.set_usage_limits(None, {"jobs_per_day": 1})
        await client.coordinator.enforce_usage_limits(True)
        request = EnqueueRequest("report_generation", {"patient_id": str(ANN)}, idempotency_key="once")
        outcomes = [(await client.coordinator.enqueue([request]))[0].outcome for _ in range(3)]
        assert outcomes == ["accepted", "duplicate", "duplicate"]
        await submit(client.coordinator, BOB, b"one")
        with pytest.raises(UsageLimitReached) as refused:
            await submit(client.coordinator, BOB, b"two")
        assert 0 < refused.value.retry_after_s <= 86400
        assert "exora usage limits set" in refused.value.remedy
        assert (await submit(client.coordinator, BOB, b"one")).job.outcome == "duplicate"

    @pytest.mark.parametrize(
        ("limits", "message"),
        [({"pages_per_day": 6}, "6 pages"), ({"usd_per_day": 0.006}, "US$ 0.006"), ({"pages_per_day": 7}, None)],
    )
    @pytest.mark.usefixtures("used")
    async def test_pages_and_money_count_when_they_are_used(
        self, client: Client, limits: dict[str, float | None], message: str | None
    ) -> None:
        await client.coordinator.set_usage_limits(ANN, limits)
        await client.coordinator.enforce_usage_limits(True)
        said = await self.refused(client, ANN)
        assert said == (None if message is None else f"this patient has reached the limit of {message} a day")
        assert await self.refused(client, BOB) is None
