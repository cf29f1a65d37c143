"""The usage report of the command line, as a table, JSON, CSV and a chart; limits set from there."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from PIL import Image

from exora.cli.usage_chart import draw_usage
from exora.domain.job import ClaimedJob, Fence
from exora.domain.operations import Usage, WorkerReport
from exora.domain.outcome import DONE, Completed
from exora.errors import UsageLimitReached
from exora.observe.tally import Tally
from tests.acceptance.cli import exora
from tests.conformance.conftest import Client

PATIENT = UUID(int=7)
JOB = ClaimedJob(
    Fence(UUID(int=1 << 80), 1, UUID(int=2)), "report_generation", "report_generation", {"patient_id": str(PATIENT)},
    0, 0, 5, UUID(int=3), 30, 120, 60,
)  # fmt: skip


def used(tally: Tally) -> None:
    """One job that called an API, read pages and was completed."""
    tally.usage.called(
        JOB, "openai/gpt-4o-mini", input_tokens=2000, output_tokens=500, pages=0, microusd=600, run_s=0.7
    )
    tally.ended(JOB, Completed({"pages": 4, "ocr": "x"}), 1.5)


async def reported(client: Client, tally: Tally) -> None:
    """A worker's report."""
    now = datetime.now(UTC)
    await client.coordinator.report_worker(
        WorkerReport("w", 1, now, "working", ["t"], None, 1, 0, None, "1", tally.news(), tally.usage.take())
    )


async def test_a_report_is_read_written_and_drawn(
    client: Client, db: asyncpg.Connection, dsn: str, tmp_path: Path, today: date
) -> None:
    tally = Tally()
    used(tally)
    await reported(client, tally)
    await db.execute(
        "insert into exora.api_costs (api, day, microusd) select api, $1::date - 3, 1250000 from exora.api_rate_limits"
        " where api_endpoint = 'vision-api'",
        today,
    )
    files = ("--csv", str(tmp_path / "u.csv"), "--png", str(tmp_path / "u.png"))
    ran = await exora("usage", "report", "--by", "patient,model", "--days", "7", *files, DATABASE_URL=dsn)
    assert ran.code == 0, ran.err
    rows = [line.split("│")[1:-1] for line in ran.out.splitlines() if line.startswith("│")]
    assert [[cell.strip() for cell in row] for row in rows] == [
        [str(PATIENT), "openai/gpt-4o-mini", "0", "0", "0", "0", "700 ms", "1", "2,000", "500", "0.0006"],
        [str(PATIENT), "(no API)", "1", "0", "0", "4", "1.5 s", "0", "0", "0", "0.00"],
        ["all", "", "1", "0", "0", "4", "1.5 s", "1", "2,000", "500", "1.25"],
    ]
    lines = list(csv.DictReader((tmp_path / "u.csv").read_text().splitlines()))
    assert [(line["model"], line["output_tokens"], line["pages"]) for line in lines] == [
        ("openai/gpt-4o-mini", "500", "0"), ("", "0", "4"),
    ]  # fmt: skip
    with Image.open(tmp_path / "u.png") as picture:
        assert picture.size == (1200, 960)
    again = await exora("usage", "report", *files, DATABASE_URL=dsn)
    assert (again.code, "Name a new file" in again.err) == (2, True)
    by_job = await exora("usage", "report", "--by", "job", "--patient", str(PATIENT), "--json", DATABASE_URL=dsn)
    assert [(row["job_id"], row["run_s"]) for row in by_job.json] == [(str(JOB.job_id), 1.5)]
    wrong = await exora("usage", "report", "--by", "name", DATABASE_URL=dsn)
    assert (wrong.code, "Use one or several of day,lane,patient,model,job" in wrong.err) == (2, True)


async def test_limits_are_set_shown_and_turned_on(dsn: str, client: Client) -> None:
    async def limits(*words: str) -> str:
        ran = await exora("usage", "limits", *words, DATABASE_URL=dsn)
        assert ran.code == 0, ran.err
        return ran.out

    await limits("set", "--patient", str(PATIENT), "--jobs", "1", "--usd", "2.5", "--why", "contract 12")
    shown = await limits("show")
    assert str(PATIENT) in shown
    assert "2.5" in shown
    assert "They are off. Turn them on: exora usage limits on" in shown
    assert await limits("on") == "The limits are on.\n"
    await client.enqueue(patient=PATIENT)
    with pytest.raises(UsageLimitReached):
        await client.enqueue(patient=PATIENT)


class TestUsageLog:
    def test_what_was_told_is_not_told_again(self) -> None:
        tally = Tally()
        used(tally)
        assert {row["model"]: (row["calls"], row["completed"]) for row in tally.usage.take()} == {
            "openai/gpt-4o-mini": (1, 0), "": (0, 1),
        }  # fmt: skip
        assert tally.usage.take() == []

    def test_thousands_of_short_attempts_are_told_by_lane_only(self) -> None:
        tally = Tally()
        for _ in range(1000):
            tally.ended(JOB, DONE, 0.002)
        assert tally.usage.take() == []
        tally.ended(JOB, DONE, 2.0)
        assert [row["run_s"] for row in tally.usage.take()] == [2.0]

    def test_what_a_lost_attempt_used_is_spent_all_the_same(self) -> None:
        tally = Tally()
        tally.usage.called(JOB, "m", input_tokens=1, output_tokens=1, pages=0, microusd=5, run_s=0.1)
        tally.lost(JOB, 0.2)
        rows = {row["model"]: (row["microusd"], row["completed"], row["run_s"]) for row in tally.usage.take()}
        assert rows == {"": (0, 0, 0.2), "m": (5, 0, 0.1)}


def test_the_chart_draws_a_bar_a_day() -> None:
    first = date(2026, 3, 1)
    rows = [Usage(first + timedelta(days=n), None, None, None, None, n, 0, 0, 0, 0, 0, 0, 0.0, 0.0) for n in range(10)]
    picture = draw_usage(rows, first, first + timedelta(days=9))
    bars = {picture.getpixel((x, 208)) for x in range(90, 1176)}
    assert (15, 118, 110) in bars
    assert picture.getpixel((95, 208)) == (255, 255, 255), "nothing was done on the first day"
