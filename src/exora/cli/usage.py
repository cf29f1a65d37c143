"""exora usage: what was done and what it cost, summed by day, lane, patient, model or job."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Column

from exora.cli import usage_limits
from exora.cli.database import ask
from exora.cli.output import JsonOption, err, out, parse_uuid, print_json, table, writing
from exora.cli.usage_chart import draw_usage
from exora.coordination.port import Coordinator
from exora.domain.operations import USAGE_KEYS, Usage, UsageKey
from exora.domain.wording import span
from exora.errors import BadInput

app = typer.Typer(help="See what was done and what it cost; limit it.", no_args_is_help=True)
app.add_typer(usage_limits.app, name="limits")

_MOST = 10000
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Report:
    """The rows, all of them summed up, and a row for each day of the chart, if one is wanted."""

    rows: list[Usage]
    total: Usage | None
    days: list[Usage]


@app.command("report")
def report(
    by: Annotated[str, typer.Option(metavar="KEYS", help="Sum by day, lane, patient, model, job: one or several.")] = (
        "lane"
    ),
    days: Annotated[int, typer.Option(min=1, max=3660, help="How many days, the last included.")] = 30,
    last: Annotated[str | None, typer.Option("--until", metavar="DAY", help="The last day; default: today.")] = None,
    patient: Annotated[str | None, typer.Option(metavar="UUID", help="Only this patient's.")] = None,
    job: Annotated[str | None, typer.Option(metavar="UUID", help="Only this job's.")] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write all rows to a new file.")
    ] = None,
    png_file: Annotated[Path | None, typer.Option("--png", metavar="FILE", help="Draw a chart to a new file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Report jobs, pages, seconds of work, calls of APIs, tokens and money. Days are in UTC.

    For example: --by model; --by day,patient --days 7 --csv FILE; --by job --patient UUID.
    """
    keys = _keys(by)
    until = _day(last)
    first = until - timedelta(days=days - 1)
    patient_id = None if patient is None else parse_uuid(patient, "--patient")
    job_id = None if job is None else parse_uuid(job, "--job")
    if png_file is not None and png_file.exists():
        raise BadInput(f"{png_file} exists", field="--png", remedy="Name a new file")

    async def main(verbs: Coordinator) -> Report:

        async def summed(*wanted: UsageKey) -> list[Usage]:
            return await verbs.usage(first, until, wanted, patient_id=patient_id, job_id=job_id, limit=_MOST)

        total = await summed()
        per_day = await summed("day") if png_file is not None else []
        return Report(await summed(*keys), total[0] if total else None, per_day)

    found = ask(main)
    if csv_file is not None:
        with writing(csv_file) as stream:
            rows = csv.writer(stream, lineterminator="\n")
            rows.writerow(field.name for field in fields(Usage))
            rows.writerows(astuple(one) for one in found.rows)
        err.print(f"{len(found.rows)} row(s) written to {csv_file}.")
    if png_file is not None:
        draw_usage(found.days, first, until).save(png_file, "PNG")
        err.print(f"The chart is in {png_file}.")
    if len(found.rows) == _MOST:
        err.print(f"[yellow]warning[/]: only the first {_MOST} rows; ask for fewer days, or one patient")
    print_json(found.rows) if as_json else _print(found, keys, f"{first} to {until}")


def _keys(text: str) -> list[UsageKey]:
    wanted = [word.strip() for word in text.split(",") if word.strip()]
    keys = [key for key in USAGE_KEYS if key in wanted]
    if len(keys) != len(wanted) or not keys:
        raise BadInput("usage cannot be summed by that", field="--by", remedy=f"Use one or several of {_all_keys()}")
    return keys


def _all_keys() -> str:
    return ",".join(USAGE_KEYS)


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput("this is not a day", field="--until", remedy="Use the form 2026-12-31") from None


#: How a key of a row is said.
_SAID: dict[UsageKey, Callable[[Usage], str]] = {
    "day": lambda row: str(row.day),
    "lane": lambda row: row.lane or "–",
    "patient": lambda row: _id(row.patient_id),
    "model": lambda row: row.model or "(no API)",
    "job": lambda row: _id(row.job_id),
}
_NUMBERS = ("completed", "retried", "dead", "pages", "work", "calls", "tokens in", "out", "US$")


def _print(found: Report, keys: Sequence[UsageKey], title: str) -> None:
    report = table(*(Column(key, no_wrap=True) for key in keys), *_NUMBERS, numbers=_NUMBERS, title=title)
    for row in found.rows[:_SHOWN]:
        report.add_row(*(_SAID[key](row) for key in keys), *_numbers(row))
    if found.total is not None:
        report.add_section()
        report.add_row("all", *("" for _ in keys[1:]), *_numbers(found.total))
    out.print(report)
    if not found.rows:
        out.print("Nothing was done in this time.")
    if len(found.rows) > _SHOWN:
        out.print(f"… and {len(found.rows) - _SHOWN} more rows: --csv FILE or --json has them")


def _numbers(row: Usage) -> tuple[str, ...]:
    counts = (row.completed, row.retried, row.dead, row.pages)
    usd = f"{row.usd:,.4f}" if 0 < row.usd < 1 else f"{row.usd:,.2f}"
    calls = (row.calls, row.input_tokens, row.output_tokens)
    return (*(f"{count:,}" for count in counts), span(row.run_s), *(f"{count:,}" for count in calls), usd)


def _id(value: UUID | None) -> str:
    return "–" if value is None else str(value)
