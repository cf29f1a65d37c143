"""exora audit: see, export and verify the audit trail, and print the anchor that is to be kept elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from exora.cli.acts import act
from exora.cli.database import ask
from exora.cli.output import JsonOption, err, json_line, out, print_json, read_file, writing
from exora.coordination.port import Coordinator
from exora.domain.audit import Anchor, AuditFinding, new_anchor, read_anchor
from exora.errors import BadInput
from exora.settings import read_settings

app = typer.Typer(help="See the audit trail, and show that nobody has changed it.", no_args_is_help=True)

TAMPERED = 4
_SEAL = 10000
_SHOWN = 50


@app.command("anchor")
def anchor() -> None:
    """Seal what can be sealed and print the heads of all chains as JSON. Keep it where the database's owner cannot
    write; signed when EXORA_AUDIT_KEY is set."""
    settings = read_settings()

    async def main(verbs: Coordinator) -> Anchor:
        await _seal(verbs)
        return new_anchor(datetime.now(UTC), await verbs.audit_heads())

    taken = ask(main)
    print_json((taken if settings.audit_key is None else taken.signed(settings.audit_key)).as_json())


@app.command("verify")
def verify(
    anchor: Annotated[
        Path | None, typer.Option("--anchor", metavar="FILE", help="What `exora audit anchor` once printed.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Verify the whole audit trail. Exit code 0: whole; 4: tampered with."""
    settings = read_settings()
    kept = None if anchor is None else read_anchor(read_file(anchor))
    signature = None if kept is None else _checked(kept, settings.audit_key)

    async def main(verbs: Coordinator) -> tuple[int, list[AuditFinding]]:
        await _seal(verbs)
        events, findings = await _verify(verbs, kept)
        tampering = sum(finding.tampering for finding in findings)
        signed = act(None, None)
        await verbs.note_audit_check(events, tampering, anchored=kept is not None, act=signed)
        return events, findings

    events, findings = ask(main)
    whole = not any(finding.tampering for finding in findings)
    if as_json:
        print_json({"whole": whole, "events": events, "anchor": signature, "findings": findings})
    else:
        _print(events, findings, signature)
    if not whole:
        raise typer.Exit(TAMPERED)


@app.command("show")
def show(
    limit: Annotated[int, typer.Option(min=1, max=10000, help="How many.")] = 50,
    event: Annotated[str | None, typer.Option("--event", metavar="CODE", help="Only of this kind.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the newest events, newest first. The events of one job: exora jobs show JOB."""
    found = ask(lambda verbs: verbs.list_audit(limit, event))
    if as_json:
        print_json(found)
        return
    table = Table("at", Column("event", no_wrap=True), Column("job", no_wrap=True), "actor", "worker", "detail")
    for one in found:
        detail = ", ".join(f"{key}={value}" for key, value in (one.detail or {}).items())
        table.add_row(
            f"{one.at:%Y-%m-%d %H:%M:%S}", one.event, str(one.job_id or ""), one.actor, one.worker_id or "", detail
        )
    out.print(table)


@app.command("export")
def export(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to; default: standard output.")
    ] = None,
) -> None:
    """Export all sealed events as JSON, one a line, in the order of sealing."""

    async def main(verbs: Coordinator) -> int:
        await _seal(verbs)
        window, count = await verbs.audit_window(), 0
        while True:
            for one in await verbs.export_audit(window):
                stream.write(json_line(one))
                count += 1
            if window.to_run is None:
                return count
            window = await verbs.audit_window(window.to_run)

    with writing(output) as stream:
        count = ask(main)
    err.print(f"{count} event(s) exported.")


def _checked(kept: Anchor, key: str | None) -> str:
    signature = kept.check(key)
    if signature == "bad":
        raise BadInput(
            "the anchor was changed, or signed with another key",
            field="--anchor",
            remedy="Set EXORA_AUDIT_KEY to the key it was made with, or use another copy of the anchor",
        )
    return signature


async def _seal(coordinator: Coordinator) -> None:
    while await coordinator.seal_audit(_SEAL) >= _SEAL:
        pass


async def _verify(coordinator: Coordinator, kept: Anchor | None) -> tuple[int, list[AuditFinding]]:
    total = sum(head.events for head in await coordinator.audit_heads())
    done, findings, last = 0, list[AuditFinding](), False
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task("events verified", total=total)
        window = await coordinator.audit_window()
        while not last:
            last = window.to_run is None
            findings += await coordinator.verify_audit(window, kept.heads if kept is not None and last else None)
            done += window.events
            progress.update(bar, completed=done)
            if window.to_run is not None:
                window = await coordinator.audit_window(window.to_run)
    return done, findings


def _print(events: int, findings: list[AuditFinding], signature: str | None) -> None:
    tampering = [finding for finding in findings if finding.tampering]
    for warning in (finding for finding in findings if not finding.tampering):
        err.print(f"[yellow]warning[/]: {warning.events} event(s) of over an hour ago are not sealed: {warning.detail}")
    if signature in ("unsigned", "unchecked"):
        why = "is not signed" if signature == "unsigned" else "is signed, but EXORA_AUDIT_KEY is not set"
        err.print(f"[yellow]warning[/]: the anchor {why}; trust it as far as the place it was kept in")
    if not tampering:
        out.print(f"The audit trail is whole: {events} sealed event(s) verified.")
        return
    table = Table("finding", "chain", "seal", "event", "events", "at", "what it means")
    for finding in tampering[:_SHOWN]:
        numbers = (finding.chain, finding.seq, finding.event_id, finding.events)
        at = "" if finding.at is None else f"{finding.at:%Y-%m-%d %H:%M:%S}"
        table.add_row(finding.kind, *("" if n is None else str(n) for n in numbers), at, finding.detail)
    out.print(table)
    if len(tampering) > _SHOWN:
        out.print(f"… and {len(tampering) - _SHOWN} more: add --json to see all")
    err.print(f"[bold red]The audit trail was tampered with[/]: {len(tampering)} finding(s).")
