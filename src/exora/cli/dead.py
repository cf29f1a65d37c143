"""exora dead: dead letters by the error they died of; redrive or export them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.table import Column, Table

from exora.cli.acts import ByOption, WhyOption, YesOption, act, confirm
from exora.cli.database import ask
from exora.cli.output import JsonOption, err, json_line, out, print_json, writing
from exora.coordination.port import Coordinator
from exora.domain.job import JobState, JobView
from exora.errors import BadInput, NotFound

app = typer.Typer(help="See dead letters by the error they died of, and bring them back.", no_args_is_help=True)

_BATCH = 1000
FingerprintArgument = Annotated[str, typer.Argument(metavar="FINGERPRINT", help="As `exora dead list` shows it.")]


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the kinds of error that jobs died of, the most frequent first."""
    found = ask(lambda verbs: verbs.dead_groups(1000))
    if as_json:
        print_json(found)
        return
    table = Table(
        Column("jobs", justify="right"),
        Column("fingerprint", no_wrap=True),
        "cause",
        "code",
        "lanes",
        "last",
        "what happened",
    )
    for group in found:
        row = (group.fingerprint, group.cause, group.code or "", ", ".join(group.lanes or ()))
        table.add_row(f"{group.jobs:,}", *row, f"{group.last_at:%Y-%m-%d %H:%M}", group.summary or "")
    out.print(table)
    if not found:
        out.print("Nothing is dead.")


@app.command("show")
def show(
    fingerprint: FingerprintArgument,
    limit: Annotated[int, typer.Option(min=1, max=10000, help="How many jobs.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Show the jobs that died of one error, the newest first."""
    found = ask(lambda verbs: verbs.list_jobs(state=JobState.FAILED, fingerprint=fingerprint, limit=limit))
    if not found:
        raise NotFound("no dead letter has this fingerprint", field="FINGERPRINT", remedy="See: exora dead list")
    if as_json:
        print_json([_letter(job) for job in found])
        return
    out.print(found[0].last_error or "", highlight=False)
    table = Table(Column("job", no_wrap=True), "lane", "cause", "tries", "crashes", "died")
    for job in found:
        counts = (str(job.attempt), str(job.crash_count))
        died = "" if job.dead_letter_at is None else f"{job.dead_letter_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(str(job.job_id), job.lane, job.dead_letter_cause or "", *counts, died)
    out.print(table)
    out.print(f"All of them again: exora dead redrive --fingerprint {fingerprint}", highlight=False)


@app.command("redrive")
def redrive(
    fingerprint: Annotated[str | None, typer.Option("--fingerprint", help="Those of this error.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that are dead now.")] = False,
    why: WhyOption = None,
    by: ByOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Bring dead letters of one error, or all, back to the queue. What dies again meanwhile stays dead."""
    if (fingerprint is None) is not everything:
        raise BadInput("say which: --fingerprint or --all", field="--fingerprint", remedy="See: exora dead list")
    confirm(f"Redrive {'all dead letters' if everything else 'the dead letters of ' + str(fingerprint)}?", yes)

    async def main(verbs: Coordinator) -> int:
        until, count, signed = None, 0, act(by, why)
        while True:
            moved, until = await verbs.redrive_group(fingerprint, until, _BATCH, signed)
            count += moved
            if moved < _BATCH:
                return count

    count = ask(main)
    print_json({"redriven": count}) if as_json else out.print(f"{count} job(s) redriven.")


@app.command("export")
def export(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to; default: standard output.")
    ] = None,
) -> None:
    """Export all dead letters as JSON, one a line: ids, codes and counts, no payload."""
    with writing(output) as stream:
        count = ask(lambda verbs: _export(verbs, stream))
    err.print(f"{count} dead letter(s) exported.")


async def _export(coordinator: Coordinator, stream: TextIO) -> int:
    count, before = 0, None
    while page := await coordinator.list_jobs(state=JobState.FAILED, before=before, limit=_BATCH):
        for job in page:
            stream.write(json_line(_letter(job)))
        count, before = count + len(page), page[-1].job_id
    return count


def _letter(job: JobView) -> dict[str, Any]:
    return {
        "job_id": job.job_id,
        "job_type": job.job_type,
        "lane": job.lane,
        "cause": job.dead_letter_cause,
        "error": job.error_details,
        "summary": job.last_error,
        "attempt": job.attempt,
        "retry_count": job.retry_count,
        "crash_count": job.crash_count,
        "created_at": job.created_at,
        "dead_letter_at": job.dead_letter_at,
        "correlation_id": job.correlation_id,
    }
