"""exora workers: who works, on what, and when they were last heard of."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.table import Column, Table

from exora.cli.database import ask
from exora.cli.output import JsonOption, out, print_json
from exora.domain.wording import coarse


def workers(as_json: JsonOption = False) -> None:
    """List the workers that have reported within the hour. One that is lost was killed or is cut off."""
    found = ask(lambda verbs: verbs.list_workers())
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
            coarse((now - worker.started_at).total_seconds()),
            f"{coarse((now - worker.seen_at).total_seconds())} ago",
            worker.version,
        )
    out.print(table)
    if not found:
        out.print("No worker has reported within the hour. Start one: exora worker")
