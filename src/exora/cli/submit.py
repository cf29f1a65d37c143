"""exora submit: upload documents and enqueue their jobs; with --wait, watch them to the end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from exora.app import Services, Target
from exora.cli.database import database, services
from exora.cli.output import JsonOption, err, fail, out, parse_uuid, print_json, read_file, run
from exora.domain.job import JobState, JobView, SubmitAnswer
from exora.errors import ExoraError
from exora.settings import read_settings

_POLL_S = 0.5


@dataclass(slots=True)
class _Submitted:
    """One file's way: the answer, or the error that refused it, and the job at last."""

    file: str
    answer: SubmitAnswer | None = None
    error: ExoraError | None = None
    job: JobView | None = None


def submit(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Documents to submit. - reads one from stdin.")],
    patient: Annotated[str, typer.Option("--patient", metavar="UUID", help="Whose documents they are.")],
    wait: Annotated[bool, typer.Option("--wait", help="Wait until all are processed; a worker must run.")] = False,
    priority: Annotated[int, typer.Option(min=1, max=10, help="1 is the highest.")] = 5,
    lane: Annotated[str | None, typer.Option(help="fast_queue or standard_queue.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Submit documents of one patient. Each is its own job; a file that is refused does not hold up the others."""
    patient_id = parse_uuid(patient, "--patient")
    settings = read_settings()

    async def main(target: Target) -> list[_Submitted]:
        async with services(settings, target) as exora:
            done = [await _submit(exora, file, patient_id, priority, lane) for file in files]
            await _look(exora, [item for item in done if item.answer], wait)
            return done

    with database(settings) as target:
        done = run(main(target))
    _print(done, as_json)
    for item in done:
        if item.error:
            fail(item.error)
        if item.job and item.job.state is JobState.FAILED:
            err.print(escape(f"{item.job.job_id}: {item.job.last_error}"), highlight=False, soft_wrap=True)
    if any(item.error or (item.job and item.job.state is not JobState.COMPLETED and wait) for item in done):
        raise typer.Exit(1)


async def _submit(exora: Services, file: Path, patient_id: UUID, priority: int, lane: str | None) -> _Submitted:
    try:
        answer = await exora.submit(read_file(file), patient_id, priority=priority, lane=lane)
    except ExoraError as error:
        return _Submitted(str(file), error=error)
    return _Submitted(str(file), answer)


async def _look(exora: Services, items: list[_Submitted], wait: bool) -> None:
    """See where the jobs are that duplicates name; with ``wait``, all jobs until they have ended."""
    answers = [item.answer.job for item in items if item.answer]
    going = {answer.job_id for answer in answers if wait or answer.outcome == "duplicate"}
    seen: dict[UUID, JobView] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not (wait and err.is_terminal)) as progress:
        bar = progress.add_task("processing", total=len(going))
        while going:
            found = {job.job_id: job for job in await exora.coordinator.get_jobs(list(going))}
            seen |= found
            going = {job_id for job_id, job in found.items() if wait and not job.state.final}
            progress.update(bar, completed=len(seen) - len(going))
            if going:
                await asyncio.sleep(_POLL_S)
    for item in items:
        item.job = seen.get(item.answer.job.job_id) if item.answer else None


def _print(done: list[_Submitted], as_json: bool) -> None:
    if as_json:
        print_json([_json(item) for item in done])
        return
    table = Table(Column("file", overflow="fold"), Column("job", no_wrap=True), "answer", "status")
    for item in done:
        if item.answer is None:
            table.add_row(escape(item.file), "", "[red]refused[/]", item.error.code if item.error else "")
        else:
            job_id, said = item.answer.job.job_id, item.answer.job.outcome
            table.add_row(escape(item.file), str(job_id), said, item.job.state.value if item.job else "pending")
    out.print(table)


def _json(item: _Submitted) -> dict[str, object]:
    shown: dict[str, object] = {"file": item.file}
    if item.answer:
        shown |= {"document_id": item.answer.document_id, "job_id": item.answer.job.job_id}
        shown |= {"outcome": item.answer.job.outcome, "reason": item.answer.job.reason}
    if item.error:
        shown |= {"error": {"code": item.error.code, "message": item.error.message, "remedy": item.error.remedy}}
    if item.job:
        shown |= {"status": item.job.state, "last_error": item.job.last_error}
    return shown
