"""exora usage: what was done and what it cost, day by day."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import astuple, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from exora.app import Target
from exora.cli.database import database, services
from exora.cli.output import JsonOption, err, out, print_json, run, writing
from exora.cli.usage_chart import draw_usage
from exora.domain.operations import Usage
from exora.errors import BadInput
from exora.settings import read_settings

app = typer.Typer(help="See what was done and what it cost.", no_args_is_help=True)


@app.command("report")
def report(
    days: Annotated[int, typer.Option(min=1, max=3660, help="How many days, today (UTC) included.")] = 30,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write all rows to a new file.")
    ] = None,
    png_file: Annotated[Path | None, typer.Option("--png", metavar="FILE", help="Draw a chart to a new file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Report jobs, pages, seconds of work and money for each lane and API."""
    settings = read_settings()
    today = datetime.now(UTC).date()

    async def main(target: Target) -> list[Usage]:
        async with services(settings, target) as exora:
            return await exora.coordinator.usage(today - timedelta(days=days - 1), today)

    with database(settings) as target:
        found = run(main(target))
    if csv_file is not None:
        with writing(csv_file) as stream:
            rows = csv.writer(stream, lineterminator="\n")
            rows.writerow(field.name for field in fields(Usage))
            rows.writerows(astuple(one) for one in found)
        err.print(f"{len(found)} row(s) written to {csv_file}.")
    if png_file is not None:
        if png_file.exists():
            raise BadInput(f"{png_file} exists", field="--png", remedy="Name a new file")
        draw_usage(found, today - timedelta(days=days - 1), today).save(png_file, "PNG")
        err.print(f"The chart is in {png_file}.")
    print_json(found) if as_json else _print(found, days)


def _print(found: Sequence[Usage], days: int) -> None:
    table = Table("lane or API", "completed", "retried", "dead", "pages", "hours", "US$", title=f"{days} day(s)")
    names = sorted({(one.kind, one.name) for one in found}, key=lambda name: (name[0] == "api", name[1]))
    for kind, name in names:
        table.add_row(name, *_sums([one for one in found if (one.kind, one.name) == (kind, name)]))
    table.add_section()
    table.add_row("all", *_sums(found))
    out.print(table)
    out.print("Counts are what workers reported; a worker that is killed takes up to ten seconds of them with it.")


def _sums(rows: Sequence[Usage]) -> tuple[str, ...]:
    counts = (sum(getattr(one, name) for one in rows) for name in ("completed", "retried", "dead", "pages"))
    hours, usd = sum(one.run_s for one in rows) / 3600, sum(one.usd for one in rows)
    return (*(f"{count:,}" for count in counts), f"{hours:,.1f}", f"{usd:,.2f}")
