"""exora jobs: list jobs, show one with its audit trail, say why it is where it is, and act on it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Column, Table

from exora.cli.acts import ByOption, WhyOption, YesOption, act, confirm
from exora.cli.database import ask
from exora.cli.enqueue import enqueue
from exora.cli.output import JsonOption, out, parse_uuid, print_json
from exora.coordination.port import Coordinator
from exora.domain.job import AuditEvent, JobState, JobView
from exora.domain.operations import Act
from exora.errors import NotFound

app = typer.Typer(help="Enqueue jobs, see them and act on them.", no_args_is_help=True)
app.command("enqueue")(enqueue)

JobArgument = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")]

_COLORS = {
    JobState.PENDING: "cyan",
    JobState.PROCESSING: "yellow",
    JobState.COMPLETED: "green",
    JobState.FAILED: "red",
    JobState.CANCELLED: "dim",
}


@app.command("list")
def list_(
    state: Annotated[JobState | None, typer.Option("--status", help="Only jobs in this state.")] = None,
    patient: Annotated[str | None, typer.Option("--patient", metavar="UUID", help="Only jobs of this patient.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10000, help="How many.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List jobs, newest first."""
    patient_id = None if patient is None else parse_uuid(patient, "--patient")
    found = ask(lambda verbs: verbs.list_jobs(state=state, patient_id=patient_id, limit=limit))
    if as_json:
        print_json(found)
        return
    table = Table(Column("job", no_wrap=True), "type", "status", "lane", "tries", "created", "took", "last error")
    for job in found:
        table.add_row(
            str(job.job_id),
            job.job_type,
            f"[{_COLORS[job.state]}]{job.state.value}[/]",
            job.lane,
            str(job.attempt),
            f"{job.created_at:%Y-%m-%d %H:%M:%S}",
            "" if job.duration is None else f"{job.duration.total_seconds():.1f} s",
            _code(job),
        )
    out.print(table)
    if not found:
        out.print("No jobs. Submit a document: exora submit FILE --patient UUID")


@app.command("show")
def show(job: JobArgument, as_json: JsonOption = False) -> None:
    """Show one job: its facts and its audit trail."""
    job_id = parse_uuid(job, "JOB")

    async def main(verbs: Coordinator) -> tuple[list[JobView], list[AuditEvent]]:
        return await verbs.get_jobs([job_id]), await verbs.timeline(job_id)

    found, events = ask(main)
    if not found:
        raise NotFound("no job of this id", field="JOB", remedy="See: exora jobs list")
    if as_json:
        print_json({"job": found[0], "timeline": events})
        return
    _print_job(found[0], events)


@app.command("explain")
def explain(job: JobArgument, as_json: JsonOption = False) -> None:
    """Say why a job is where it is, and what can be done about it."""
    job_id = parse_uuid(job, "JOB")
    found = ask(lambda verbs: verbs.explain_job(job_id))
    if as_json:
        print_json(found)
        return
    out.print(f"[bold]{found.sentence}[/]", highlight=False)
    for fact in found.facts:
        out.print(f"\n  {fact.fact}", highlight=False)
        out.print(f"  [green]→[/] {fact.remedy}", highlight=False)


@app.command("redrive")
def redrive(
    jobs: Annotated[list[str], typer.Argument(metavar="JOB…", help="Ids of dead letters.")],
    why: WhyOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring dead letters back to the queue, with their history."""
    job_ids = [parse_uuid(job, "JOB") for job in jobs]
    count = ask(lambda verbs: verbs.redrive(job_ids, act(by, why)))
    print_json({"redriven": count}) if as_json else out.print(f"{count} of {len(job_ids)} job(s) redriven.")


@app.command("cancel")
def cancel(
    job: JobArgument, why: WhyOption = None, by: ByOption = None, yes: YesOption = False, as_json: JsonOption = False
) -> None:
    """Give a job up, for good. A running one is stopped with its next heartbeat."""
    said = {"cancelled": "Cancelled.", "requested": "It runs; its worker stops it with the next heartbeat."}
    _act_on(
        job, "cancel", said, "Nothing to cancel: it is {}.", act(by, why), as_json, question=None if yes else "Give up"
    )


@app.command("retry")
def retry(job: JobArgument, why: WhyOption = None, by: ByOption = None, as_json: JsonOption = False) -> None:
    """Let a job run now: one that waits for its time, was put off or is held; a dead letter is redriven."""
    said = {"ready": "It may be claimed now.", "redriven": "Redriven."}
    _act_on(job, "retry_job", said, "Nothing to do: it is {}.", act(by, why), as_json)


@app.command("hold")
def hold(job: JobArgument, why: WhyOption = None, by: ByOption = None, as_json: JsonOption = False) -> None:
    """Keep a waiting job from running until `exora jobs retry` lets it go."""
    _act_on(
        job,
        "hold_job",
        {"held": f"Held. Let it go: exora jobs retry {job}"},
        "Only a waiting job can be held: it is {}.",
        act(by, why),
        as_json,
    )


def _act_on(
    job: str, verb: str, said: dict[str, str], otherwise: str, signed: Act, as_json: bool, question: str | None = None
) -> None:
    job_id = parse_uuid(job, "JOB")
    if question is not None:
        confirm(f"{question} job {job_id}?", yes=False)

    async def main(verbs: Coordinator) -> str:
        answer: str = await getattr(verbs, verb)(job_id, signed)
        return answer

    answer = ask(main)
    print_json({"answer": answer}) if as_json else out.print(said.get(answer, otherwise.format(answer)))


def _print_job(job: JobView, events: list[AuditEvent]) -> None:
    facts = Table(show_header=False, box=None)
    facts.add_row("job", str(job.job_id))
    facts.add_row("type", f"{job.job_type} ({job.lane}, priority {job.priority})")
    facts.add_row("status", f"[{_COLORS[job.state]}]{job.state.value}[/]")
    facts.add_row("tries", f"{job.attempt} ({job.retry_count} of {job.max_retries} retries, {job.crash_count} crashes)")
    if job.state is JobState.PENDING:
        facts.add_row("scheduled", f"{job.scheduled_at:%Y-%m-%d %H:%M:%S}")
    if job.worker_id:
        facts.add_row("worker", job.worker_id)
    if job.dead_letter_at:
        facts.add_row("dead letter", f"{job.dead_letter_cause}, since {job.dead_letter_at:%Y-%m-%d %H:%M:%S}")
    if job.last_error:
        facts.add_row("last error", job.last_error)
    if job.state is JobState.FAILED:
        facts.add_row("next", f"exora jobs redrive {job.job_id}")
    if job.state is JobState.COMPLETED:
        facts.add_row("next", f"exora record {job.job_id}")
    out.print(facts)
    trail = Table("at", Column("event", no_wrap=True), "attempt", Column("worker", overflow="fold"), "detail")
    for event in events:
        detail = ", ".join(f"{key}={value}" for key, value in (event.detail or {}).items())
        attempt = "" if event.attempt is None else str(event.attempt)
        trail.add_row(f"{event.at:%H:%M:%S.%f}"[:-3], event.event, attempt, event.worker_id or "", detail)
    out.print(trail)


def _code(job: JobView) -> str:
    return "" if job.error_details is None else str(job.error_details["code"])
