"""exora lanes: see how full the lanes are, pause and resume them."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from exora.app import Target
from exora.cli.acts import ByOption, WhyOption, act
from exora.cli.database import database, services
from exora.cli.output import JsonOption, out, print_json, run
from exora.domain.job import LaneStats
from exora.domain.operations import Act
from exora.settings import read_settings

app = typer.Typer(help="See lanes and act on them.", no_args_is_help=True)

LaneArgument = Annotated[str, typer.Argument(metavar="LANE", help="The lane's name.")]


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the lanes: how many jobs are ready, scheduled, running and dead, and how long the oldest has waited."""
    settings = read_settings()

    async def main(target: Target) -> list[LaneStats]:
        async with services(settings, target) as exora:
            return await exora.coordinator.queue_stats()

    with database(settings) as target:
        found = run(main(target))
    if as_json:
        print_json(found)
        return
    table = Table("lane", "ready", "held back", "scheduled", "running", "dead", "oldest waits", "limit", "state")
    for lane in found:
        waits = "" if lane.oldest_ready_s is None else f"{lane.oldest_ready_s:.0f} s"
        state = "" if lane.paused_at is None else f"[yellow]paused since {lane.paused_at:%Y-%m-%d %H:%M}[/]"
        counts = (str(count) for count in (lane.ready, lane.held_back, lane.scheduled, lane.running, lane.dead))
        table.add_row(lane.lane, *counts, waits, str(lane.depth_limit or ""), state)
    out.print(table)


@app.command("pause")
def pause(lane: LaneArgument, why: WhyOption = None, by: ByOption = None, as_json: JsonOption = False) -> None:
    """Stop claiming from a lane. Its jobs wait; running ones go on."""
    _set(lane, True, act(by, why), as_json)


@app.command("resume")
def resume(lane: LaneArgument, why: WhyOption = None, by: ByOption = None, as_json: JsonOption = False) -> None:
    """Claim from a lane again."""
    _set(lane, False, act(by, why), as_json)


def _set(lane: str, paused: bool, signed: Act, as_json: bool) -> None:
    settings = read_settings()

    async def main(target: Target) -> bool:
        async with services(settings, target) as exora:
            return await exora.coordinator.pause_lane(lane, paused, signed)

    with database(settings) as target:
        changed = run(main(target))
    state = "paused" if paused else "open"
    if as_json:
        print_json({"lane": lane, "state": state, "changed": changed})
    else:
        out.print(f"{lane} is {state}." if changed else f"{lane} was {state} already.")
