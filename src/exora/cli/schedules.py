"""exora schedules: jobs that are enqueued again and again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from exora.cli.acts import ByOption, WhyOption, YesOption, act, confirm
from exora.cli.database import ask
from exora.cli.output import JsonOption, out, parse_object, print_json
from exora.domain.schedule import Missed, next_tick
from exora.errors import NotFound

app = typer.Typer(help="See and make periodic jobs.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The schedule's name.")]


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the schedules, the next first."""
    found = ask(lambda verbs: verbs.list_schedules())
    if as_json:
        print_json(found)
        return
    table = Table("schedule", "cron", "time zone", "job type", "missed", "next (UTC)", "last (UTC)", "last job")
    for one in found:
        last = "" if one.last_at is None else f"{one.last_at:%Y-%m-%d %H:%M}"
        when = (f"{one.next_at:%Y-%m-%d %H:%M}", last, str(one.job_id or ""))
        table.add_row(one.name, one.cron, one.time_zone, one.job_type, one.missed, *when)
    out.print(table)
    if not found:
        out.print("No schedules. Make one: exora schedules add NAME '0 3 * * *' JOB_TYPE")


@app.command("add")
def add(
    name: NameArgument,
    cron: Annotated[str, typer.Argument(metavar="CRON", help="Minute, hour, day, month, weekday: '30 2 * * 1-5'.")],
    job_type: Annotated[str, typer.Argument(metavar="JOB_TYPE", help="What is enqueued.")],
    time_zone: Annotated[str, typer.Option("--tz", metavar="ZONE", help="The time zone of the expression.")] = "UTC",
    payload: Annotated[str, typer.Option(metavar="JSON", help="References only, as in every job.")] = "{}",
    lane: Annotated[str | None, typer.Option(help="Default: the job type's own.")] = None,
    priority: Annotated[int, typer.Option(min=1, max=10, help="1 is the highest.")] = 5,
    missed: Annotated[Missed, typer.Option(help="Ticks no worker saw: skip, one (job for all), or all.")] = "one",
    why: WhyOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a schedule, or change the one of this name."""
    next_at = next_tick(cron, time_zone, datetime.now(UTC))
    references = parse_object(payload, "--payload")
    new = ask(
        lambda verbs: verbs.put_schedule(
            name,
            cron=cron,
            time_zone=time_zone,
            next_at=next_at,
            job_type=job_type,
            payload=references,
            lane=lane,
            priority=priority,
            missed=missed,
            act=act(by, why),
        )
    )
    if as_json:
        print_json({"schedule": name, "new": new, "next_at": next_at})
    else:
        out.print(f"{name} is {'made' if new else 'changed'}; next at {next_at:%Y-%m-%d %H:%M} UTC.")


@app.command("remove")
def remove(
    name: NameArgument, why: WhyOption = None, by: ByOption = None, yes: YesOption = False, as_json: JsonOption = False
) -> None:
    """End a schedule. Jobs it has enqueued stay."""
    confirm(f"End the schedule {name}?", yes)
    gone = ask(lambda verbs: verbs.drop_schedule(name, act(by, why)))
    if not gone:
        raise NotFound("no schedule of this name", field="NAME", remedy="See: exora schedules list")
    print_json({"removed": name}) if as_json else out.print(f"{name} has ended.")


@app.command("run")
def run_now(name: NameArgument, why: WhyOption = None, by: ByOption = None, as_json: JsonOption = False) -> None:
    """Enqueue a schedule's job now, besides its ticks."""
    job = ask(lambda verbs: verbs.run_schedule(name, act(by, why)))
    print_json({"job_id": job}) if as_json else out.print(f"Enqueued: {job}")
