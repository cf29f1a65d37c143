"""exora demo: everything at once on the example documents, with nothing configured."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any
from uuid import UUID, uuid4

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from exora.app import Services, Target, migrate_schema, open_worker
from exora.cli.database import database, services
from exora.cli.output import JsonOption, err, out, print_json, run
from exora.cli.show import print_record
from exora.dev.examples import Example, examples
from exora.dev.gateway.local import local_project
from exora.domain.job import JobState, JobView
from exora.domain.record import Record
from exora.observe.logs import configure_logs
from exora.settings import read_settings
from exora.worker.config import WorkerConfig, new_worker_id

_POLL_S = 0.2


def demo(
    ephemeral: Annotated[bool, typer.Option("--ephemeral", help="Keep nothing afterwards.")] = False,
    rest: Annotated[bool, typer.Option("--rest", help="Go over HTTP, as with Supabase, through `exora dev`.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Process the example documents of several patients from upload to record, and show what came out."""
    settings = read_settings()
    configure_logs("error")
    started = time.monotonic()
    with database(settings, ephemeral=ephemeral) as target:
        jobs, record = run(_over_rest(target) if rest else _demo(target, ephemeral))
    ok = all(job.state is JobState.COMPLETED for _, job in jobs)
    seconds = time.monotonic() - started
    if as_json:
        print_json({"completed": ok, "seconds": round(seconds, 1), "documents": [_row(*item) for item in jobs]})
    else:
        _print(jobs, record, seconds, ephemeral)
    if not ok:
        raise typer.Exit(1)


async def _over_rest(target: Target) -> tuple[list[tuple[Example, JobView]], Record | None]:
    """The same over HTTP through a local gateway; a Supabase project that is configured needs none."""
    if not isinstance(target, str):
        return await _demo(target, ephemeral=False)
    await migrate_schema(target)
    async with local_project(target) as local:
        return await _demo(local.project(), ephemeral=False)


async def _demo(target: Target, ephemeral: bool) -> tuple[list[tuple[Example, JobView]], Record | None]:
    settings = read_settings()
    bars = _Bars()
    config = WorkerConfig(worker_id=new_worker_id("demo"))
    async with (
        services(settings, target, ephemeral=ephemeral) as exora,
        open_worker(exora, config, on_progress=bars.pages_read) as worker,
    ):
        working = asyncio.create_task(worker.run(handle_signals=False))
        try:
            with bars.progress:
                submitted = await _submit(exora, bars)
                jobs = await _watch(exora, submitted, bars)
        finally:
            worker.stop()
            await working
        shown = next((job for example, job in jobs if job.state is JobState.COMPLETED and example.pages == 1), None)
        record = None
        if shown is not None:
            record = Record.model_validate((await exora.coordinator.get_record(shown.job_id)).record)
        return jobs, record


async def _submit(exora: Services, bars: _Bars) -> dict[UUID, Example]:
    """Every run has patients of its own, so that a second demo is not all duplicates."""
    patients: dict[str, UUID] = {}
    submitted = {}
    for example in examples():
        if example.patient not in patients:
            patients[example.patient] = uuid4()
            await exora.coordinator.register_patient(patients[example.patient])
        answer = await exora.submit(example.read(), patients[example.patient])
        submitted[answer.job.job_id] = example
        bars.add(answer.job.job_id, example)
    return submitted


async def _watch(exora: Services, submitted: dict[UUID, Example], bars: _Bars) -> list[tuple[Example, JobView]]:
    done: dict[UUID, JobView] = {}
    while len(done) < len(submitted):
        for job in await exora.coordinator.get_jobs([job_id for job_id in submitted if job_id not in done]):
            if job.state.final:
                done[job.job_id] = job
                bars.finish(job)
        await asyncio.sleep(_POLL_S)
    return [(example, done[job_id]) for job_id, example in submitted.items()]


class _Bars:
    """A progress bar per document."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description:<36}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self.progress = Progress(*columns, console=err, transient=True, disable=not err.is_terminal)
        self._bars: dict[UUID, TaskID] = {}

    def add(self, job_id: UUID, example: Example) -> None:
        self._bars[job_id] = self.progress.add_task(example.file, total=example.pages)

    def pages_read(self, job_id: UUID, done: int, total: int) -> None:
        if job_id in self._bars:
            self.progress.update(self._bars[job_id], completed=done, total=total)

    def finish(self, job: JobView) -> None:
        mark = "[green]✓[/]" if job.state is JobState.COMPLETED else "[red]✗[/]"
        description = self.progress.tasks[self._bars[job.job_id]].description
        self.progress.update(self._bars[job.job_id], description=f"{mark} {description}")
        self.progress.stop_task(self._bars[job.job_id])


def _row(example: Example, job: JobView) -> dict[str, Any]:
    result = job.result or {}
    return {
        "file": example.file,
        "kind": example.kind,
        "patient": example.patient,
        "pages": result.get("pages", 0),
        "items": sum(result.get("items", {}).values()),
        "seconds": None if job.duration is None else round(job.duration.total_seconds(), 1),
        "status": job.state,
        "job_id": job.job_id,
        "last_error": job.last_error,
    }


def _print(jobs: list[tuple[Example, JobView]], record: Record | None, seconds: float, ephemeral: bool) -> None:
    table = Table(
        "file", "kind", "patient", "pages", "items", "seconds", "status", title="What became of the documents"
    )
    for item in jobs:
        row = _row(*item)
        color = "green" if row["status"] is JobState.COMPLETED else "red"
        cells = [str(row[name]) for name in ("file", "kind", "patient", "pages", "items", "seconds")]
        table.add_row(*cells, f"[{color}]{row['status'].value}[/]")
    out.print(table)
    if record is not None:
        out.print("\nOne of the records:")
        print_record(out, record)
    completed = sum(job.state is JobState.COMPLETED for _, job in jobs)
    out.print(f"\n{completed} of {len(jobs)} documents completed in {seconds:.1f} s.")
    for example, job in jobs:
        if job.state is not JobState.COMPLETED:
            out.print(f"[red]{example.file}[/]: {job.last_error}")
    if not ephemeral:
        out.print(
            "Look further:  exora jobs list  ·  exora jobs show JOB  ·  exora record JOB --fhir\n"
            "Your own:      exora patients add  ·  exora worker  ·  exora submit FILE --patient UUID --wait"
        )
