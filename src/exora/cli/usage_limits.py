"""exora usage limits: what one patient may use on a day; off until turned on."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Column, Table

from exora.cli.acts import ByOption, WhyOption, act
from exora.cli.database import ask
from exora.cli.output import JsonOption, out, parse_limit, parse_uuid, print_json
from exora.errors import BadInput

app = typer.Typer(help="See and set what one patient may use on a day (UTC).", no_args_is_help=True)


@app.command("show")
def show(as_json: JsonOption = False) -> None:
    """Show the limits, and whether they are on."""
    found = ask(lambda verbs: verbs.usage_limits())
    if as_json:
        print_json(found)
        return
    table = Table(Column("patient", no_wrap=True), "jobs a day", "pages a day", "US$ a day")
    for limit in found.limits:
        numbers = (limit.jobs_per_day, limit.pages_per_day, limit.usd_per_day)
        named = "all others" if limit.patient_id is None else str(limit.patient_id)
        table.add_row(named, *("" if number is None else f"{number:,}" for number in numbers))
    if found.limits:
        out.print(table)
    else:
        out.print("No limits are set. Set some: exora usage limits set --jobs 100")
    out.print("They are on." if found.enforced else "They are off. Turn them on: exora usage limits on")


@app.command("set")
def set_(
    patient: Annotated[
        str | None, typer.Option(metavar="UUID", help="Whose; default: every patient without limits of their own.")
    ] = None,
    jobs: Annotated[str | None, typer.Option(help="Jobs enqueued a day, or none.")] = None,
    pages: Annotated[str | None, typer.Option(help="Pages read a day, or none.")] = None,
    usd: Annotated[str | None, typer.Option(help="US dollars spent on APIs a day, or none.")] = None,
    why: WhyOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change limits; none takes one away. Enqueues beyond are refused, once the limits are on."""
    patient_id = None if patient is None else parse_uuid(patient, "--patient")
    given = (
        ("jobs_per_day", jobs, "--jobs", int),
        ("pages_per_day", pages, "--pages", int),
        ("usd_per_day", usd, "--usd", float),
    )
    limits = {name: parse_limit(text, option, kind) for name, text, option, kind in given if text is not None}
    if not limits:
        raise BadInput("there is nothing to set", remedy="Give --jobs, --pages or --usd")
    ask(lambda verbs: verbs.set_usage_limits(patient_id, limits, act(by, why)))
    if as_json:
        print_json({"patient_id": patient_id} | limits)
    else:
        out.print("Set. See them: exora usage limits show")


@app.command("on")
def on(why: WhyOption = None, by: ByOption = None, as_json: JsonOption = False) -> None:
    """Enforce the limits from now on. Jobs enqueued before are not counted."""
    _turn(True, why, by, as_json)


@app.command("off")
def off(why: WhyOption = None, by: ByOption = None, as_json: JsonOption = False) -> None:
    """Enforce no limits. They are kept."""
    _turn(False, why, by, as_json)


def _turn(enforced: bool, why: str | None, by: str | None, as_json: bool) -> None:
    changed = ask(lambda verbs: verbs.enforce_usage_limits(enforced, act(by, why)))
    if as_json:
        print_json({"enforced": enforced, "changed": changed})
    else:
        out.print(
            f"The limits {'are' if changed else 'were'} {'on' if enforced else 'off'}{'' if changed else ' already'}."
        )
