"""exora jobs enqueue: enqueue a job of any type; with --wait, see what becomes of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Column, Table

from exora.cli.database import ask
from exora.cli.output import JsonOption, out, parse_object, print_json
from exora.coordination.port import Coordinator
from exora.domain.job import EnqueueAnswer, EnqueueRequest, JobState, JobView

_POLL_S = 0.2


def enqueue(
    job_type: Annotated[str, typer.Argument(metavar="JOB_TYPE", help="What kind of work it is.")],
    payload: Annotated[str, typer.Option(metavar="JSON", help="References only: ids, codes, numbers.")] = "{}",
    name: Annotated[str | None, typer.Option(metavar="LABEL", help="A label; never name a patient.")] = None,
    lane: Annotated[str | None, typer.Option(help="Default: the job type's own.")] = None,
    priority: Annotated[int, typer.Option(min=1, max=10, help="1 is the highest.")] = 5,
    in_s: Annotated[float, typer.Option("--in", metavar="SECONDS", min=0, help="Not before so many seconds.")] = 0.0,
    key: Annotated[
        str | None, typer.Option("--key", metavar="KEY", help="Idempotency key: a second job with it is a duplicate.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it has ended; a worker must run.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Enqueue a job. Documents have a command of their own: exora submit."""
    request = EnqueueRequest(
        job_type,
        parse_object(payload, "--payload"),
        name=name,
        lane=lane,
        priority=priority,
        scheduled_at=datetime.now(UTC) + timedelta(seconds=in_s) if in_s else None,
        idempotency_key=key,
    )
    answer, job = ask(lambda verbs: _enqueue(verbs, request, wait))
    _print(answer, job, as_json)
    if wait and job is not None and job.state is not JobState.COMPLETED:
        raise typer.Exit(1)


async def _enqueue(verbs: Coordinator, request: EnqueueRequest, wait: bool) -> tuple[EnqueueAnswer, JobView | None]:
    """The answer, and the job: that a duplicate names, or as it has ended when it is waited for."""
    [answer] = await verbs.enqueue([request])
    while wait or answer.outcome == "duplicate":
        [job] = await verbs.get_jobs([answer.job_id])
        if job.state.final or not wait:
            return answer, job
        await asyncio.sleep(_POLL_S)
    return answer, None


def _print(answer: EnqueueAnswer, job: JobView | None, as_json: bool) -> None:
    if as_json:
        ended = None if job is None else {"status": job.state, "result": job.result, "last_error": job.last_error}
        print_json(answer._asdict() | (ended or {}))
        return
    table = Table(Column("job", no_wrap=True), "answer", "status", "result")
    said = answer.outcome if answer.reason is None else f"{answer.outcome} ({answer.reason})"
    result = "" if job is None else job.last_error or ", ".join(f"{k}={v}" for k, v in (job.result or {}).items())
    table.add_row(str(answer.job_id), said, "pending" if job is None else job.state.value, result)
    out.print(table)
