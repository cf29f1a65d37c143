"""Usage day by day: what workers reported and what was spent, as a table, JSON, CSV and a chart."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import asyncpg
from PIL import Image

from exora.cli.usage_chart import draw_usage
from exora.domain.operations import Usage, WorkerReport
from exora.domain.outcome import Completed
from exora.observe.tally import Tally
from tests.acceptance.cli import exora
from tests.conformance.conftest import Client
from tests.operations.test_metrics import TestTally

TODAY = datetime.now(UTC).date()


async def test_usage_is_reported_by_day_lane_and_api(
    client: Client, db: asyncpg.Connection, dsn: str, tmp_path: Path
) -> None:
    tally = Tally()
    for number in (1, 2):
        tally.ended(TestTally.JOB._replace(lane="report_generation"), Completed({"pages": 4, "ocr": "x"}), 1.5)
        await client.coordinator.report_worker(
            WorkerReport("w", number, datetime.now(UTC), "working", ["t"], None, 1, 0, None, "1", tally.news())
        )
    await db.execute(
        "insert into exora.api_costs (api, day, microusd) select api, $1::date, 1250000 from exora.api_rate_limits"
        " where api_endpoint = 'vision-api' union all select api, $1::date - 3, 10 from exora.api_rate_limits",
        TODAY,
    )
    rows = await client.coordinator.usage(TODAY, TODAY)
    assert [(row.kind, row.name, row.completed, row.pages, row.run_s, row.usd) for row in rows] == [
        ("lane", "report_generation", 2, 8, 3.0, 0.0), ("api", "google/vision-api", 0, 0, 0.0, 1.25),
    ]  # fmt: skip

    files = ("--csv", str(tmp_path / "u.csv"), "--png", str(tmp_path / "u.png"))
    ran = await exora("usage", "report", "--days", "7", *files, DATABASE_URL=dsn)
    assert ran.code == 0, ran.err
    assert "1.25" in ran.out
    lines = list(csv.DictReader((tmp_path / "u.csv").read_text().splitlines()))
    assert [line["pages"] for line in lines if line["name"] == "report_generation"] == ["8"]
    assert len(lines) == 6
    with Image.open(tmp_path / "u.png") as picture:
        assert picture.size == (1200, 720)
    again = await exora("usage", "report", *files, DATABASE_URL=dsn)
    assert (again.code, "Name a new file" in again.err) == (2, True)


def test_the_chart_draws_a_bar_a_day() -> None:
    first = date(2026, 3, 1)
    rows = [Usage(first + timedelta(days=n), "lane", "l", n, 0, 0, 0, 0.0, 0.0) for n in range(10)]
    picture = draw_usage(rows, first, first + timedelta(days=9))
    bars = {picture.getpixel((x, 208)) for x in range(90, 1176)}
    assert (15, 118, 110) in bars
    assert picture.getpixel((95, 208)) == (255, 255, 255), "nothing was done on the first day"
