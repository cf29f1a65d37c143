"""exora queue: the whole queue at a glance, once or live."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from exora.cli.database import ask
from exora.cli.output import JsonOption, out, print_json, table
from exora.coordination.port import Coordinator
from exora.domain.job import LaneStats
from exora.domain.operations import Moment, WorkerView, quantile
from exora.domain.wording import coarse, span
from exora.observe.tally import BOUNDS

app = typer.Typer(help="See the whole queue.", no_args_is_help=True)

_SPARKS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Glance:
    """What one look shows."""

    at: datetime
    lanes: list[LaneStats]
    workers: list[WorkerView]
    history: list[Moment]


@app.command("stats")
def stats(
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep looking until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option(min=0.2, max=3600, help="Seconds between looks.")] = 2.0,
    looks: Annotated[int, typer.Option(min=0, help="Stop after so many looks; 0: never.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Show lanes, workers and the last half hour's throughput."""

    async def main(verbs: Coordinator) -> None:
        if not watch:
            found = await _look(verbs)
            print_json(found) if as_json else out.print(_drawn(found))
            return
        await _watch(verbs, every, looks)

    ask(main)


async def _watch(coordinator: Coordinator, every: float, looks: int) -> None:
    with Live(console=out, auto_refresh=False, screen=out.is_terminal) as live:
        done = 0
        while True:
            looked = _drawn(await _look(coordinator))
            if out.is_terminal:
                looked = Group(looked, Text("Ctrl-C ends this.", style="dim"))
            live.update(looked, refresh=True)
            done += 1
            if done == looks:
                return
            await asyncio.sleep(every)


async def _look(coordinator: Coordinator) -> Glance:
    return Glance(
        datetime.now(UTC),
        await coordinator.queue_stats(),
        await coordinator.list_workers(),
        await coordinator.lane_history(30, 1),
    )


def _drawn(glance: Glance) -> RenderableType:
    live = [worker for worker in glance.workers if worker.live]
    slots, busy = sum(worker.slots for worker in live), sum(worker.active for worker in live)
    waits = [sum(column) for column in zip(*(m.waits for m in glance.history if m.waits), strict=False)]
    runs = [sum(column) for column in zip(*(m.runs for m in glance.history if m.runs), strict=False)]
    head = Text.assemble(
        (f"{glance.at:%H:%M:%S} UTC", "bold"),
        f"   workers {len(live)} live"
        + (f", {len(glance.workers) - len(live)} lost" if len(live) < len(glance.workers) else ""),
        f"   slots {busy} of {slots} busy",
        f"   wait p95 {span(quantile(waits, BOUNDS, 0.95))}   run p95 {span(quantile(runs, BOUNDS, 0.95))}",
    )
    counted = ("ready", "held back", "scheduled", "running", "dead", "oldest waits")
    lanes = table("lane", *counted, "state", numbers=counted)
    for lane in glance.lanes:
        counts = (lane.ready, lane.held_back, lane.scheduled, lane.running, lane.dead)
        if not any(counts) and lane.paused_at is None:
            continue
        oldest = "" if lane.oldest_ready_s is None else coarse(lane.oldest_ready_s)
        state = "" if lane.paused_at is None else "[yellow]paused[/]"
        lanes.add_row(lane.lane, *(f"{count:,}" for count in counts), oldest, state)
    done = [moment.completed for moment in glance.history]
    spark = Text.assemble("done a minute  ", (_sparks(done), "green"), f"  {done[-1] if done else 0} in the last")
    return Group(head, lanes if lanes.row_count else Text("Nothing waits, runs or is dead.", style="dim"), spark)


def _sparks(values: list[int]) -> str:
    most = max(values, default=0) or 1
    return "".join(_SPARKS[round(value / most * (len(_SPARKS) - 1))] for value in values)
