"""exora lanes: see how full the lanes are, pause and resume them."""

from __future__ import annotations

from typing import Annotated

import typer

from exora.cli.acts import ByOption, WhyOption, act
from exora.cli.database import ask
from exora.cli.output import JsonOption, out, print_json, table
from exora.domain.operations import Act
from exora.domain.wording import coarse

app = typer.Typer(help="See lanes and act on them.", no_args_is_help=True)

LaneArgument = Annotated[str, typer.Argument(metavar="LANE", help="The lane's name.")]


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the lanes: how many jobs are ready, scheduled, running and dead, and how long the oldest has waited."""
    found = ask(lambda verbs: verbs.queue_stats())
    if as_json:
        print_json(found)
        return
    counted = ("ready", "held back", "scheduled", "running", "dead", "oldest waits", "limit")
    lanes = table("lane", *counted, "state", numbers=counted)
    for lane in found:
        waits = "" if lane.oldest_ready_s is None else coarse(lane.oldest_ready_s)
        state = "" if lane.paused_at is None else f"[yellow]paused since {lane.paused_at:%Y-%m-%d %H:%M}[/]"
        counts = (f"{count:,}" for count in (lane.ready, lane.held_back, lane.scheduled, lane.running, lane.dead))
        lanes.add_row(lane.lane, *counts, waits, str(lane.depth_limit or ""), state)
    out.print(lanes)


@app.command("pause")
def pause(lane: LaneArgument, why: WhyOption = None, by: ByOption = None, as_json: JsonOption = False) -> None:
    """Stop claiming from a lane. Its jobs wait; running ones go on."""
    _set(lane, True, act(by, why), as_json)


@app.command("resume")
def resume(lane: LaneArgument, why: WhyOption = None, by: ByOption = None, as_json: JsonOption = False) -> None:
    """Claim from a lane again."""
    _set(lane, False, act(by, why), as_json)


def _set(lane: str, paused: bool, signed: Act, as_json: bool) -> None:
    changed = ask(lambda verbs: verbs.pause_lane(lane, paused, signed))
    state = "paused" if paused else "open"
    if as_json:
        print_json({"lane": lane, "state": state, "changed": changed})
    else:
        out.print(f"{lane} is {state}." if changed else f"{lane} was {state} already.")
