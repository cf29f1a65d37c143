"""exora queue: the whole queue at a glance, once or live."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from exora.app import Target
from exora.cli.database import database, services
from exora.cli.output import JsonOption, out, print_json, run
from exora.coordination.port import Coordinator
from exora.domain.job import LaneStats
from exora.domain.operations import Moment, WorkerView, quantile
from exora.observe.tally import BOUNDS
from exora.settings import read_settings

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
    settings = read_settings()

    async def main(target: Target) -> None:
        async with services(settings, target) as exora:
            if not watch:
                found = await _look(exora.coordinator)
                print_json(found) if as_json else out.print(_drawn(found))
                return
            await _watch(exora.coordinator, every, looks)

    with database(settings) as target:
        run(main(target))


async def _watch(coordinator: Coordinator, every: float, looks: int) -> None:
    with Live(console=out, auto_refresh=False, screen=out.is_terminal) as live:
        done = 0
        while True:
            live.update(_drawn(await _look(coordinator)), refresh=True)
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
        f"   wait p95 {_said(quantile(waits, BOUNDS, 0.95))}   run p95 {_said(quantile(runs, BOUNDS, 0.95))}",
    )
    table = Table("lane", "ready", "held back", "scheduled", "running", "dead", "oldest waits", "state", expand=False)
    for lane in glance.lanes:
        counts = (lane.ready, lane.held_back, lane.scheduled, lane.running, lane.dead)
        if not any(counts) and lane.paused_at is None:
            continue
        oldest = "" if lane.oldest_ready_s is None else f"{lane.oldest_ready_s:.0f} s"
        state = "" if lane.paused_at is None else "[yellow]paused[/]"
        table.add_row(lane.lane, *(f"{count:,}" for count in counts), oldest, state)
    done = [moment.completed for moment in glance.history]
    spark = Text.assemble("done a minute  ", (_sparks(done), "green"), f"  {done[-1] if done else 0}")
    return Group(head, table if table.row_count else Text("Nothing waits, runs or is dead.", style="dim"), spark)


def _sparks(values: list[int]) -> str:
    most = max(values, default=0) or 1
    return "".join(_SPARKS[round(value / most * (len(_SPARKS) - 1))] for value in values)


def _said(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
