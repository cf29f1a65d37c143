"""exora workers: who works, on what, and when they were last heard of."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.table import Column, Table

from exora.app import Target
from exora.cli.database import database, services
from exora.cli.output import JsonOption, out, print_json, run
from exora.domain.operations import WorkerView
from exora.settings import read_settings


def workers(as_json: JsonOption = False) -> None:
    """List the workers that have reported within the hour. One that is lost was killed or is cut off."""
    settings = read_settings()

    async def main(target: Target) -> list[WorkerView]:
        async with services(settings, target) as exora:
            return await exora.coordinator.list_workers()

    with database(settings) as target:
        found = run(main(target))
    if as_json:
        print_json(found)
        return
    table = Table(Column("worker", no_wrap=True), "state", "busy", "lanes", "memory", "up", "heard of", "version")
    now = datetime.now(UTC)
    for worker in found:
        table.add_row(
            worker.worker_id,
            f"[green]{worker.state}[/]" if worker.live else "[red]lost[/]",
            f"{worker.active} of {worker.slots}",
            "all of its types" if worker.lanes is None else ", ".join(worker.lanes),
            "" if worker.memory_bytes is None else f"{worker.memory_bytes / 2**20:.0f} MiB",
            f"{(now - worker.started_at).total_seconds() / 3600:.1f} h",
            f"{max((now - worker.seen_at).total_seconds(), 0):.0f} s ago",
            worker.version,
        )
    out.print(table)
    if not found:
        out.print("No worker has reported within the hour. Start one: exora worker")
