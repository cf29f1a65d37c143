"""exora test: smoke tests of what the configuration names. exora doctor: those, and where work gets stuck."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.table import Column, Table

from exora.app import Target, migrate_schema, open_remote, open_services, open_transport
from exora.cli.database import database, services
from exora.cli.output import JsonOption, out, print_json, run
from exora.doctor.apis import check_openai, check_vision
from exora.doctor.check import Check, Status, from_error, passed
from exora.doctor.connection import check_connection
from exora.doctor.recognition import check_recognition
from exora.doctor.troubles import check_troubles
from exora.errors import ConfigurationError, ExoraError
from exora.observe.logs import configure_logs
from exora.settings import Settings, read_settings
from exora.worker.config import new_worker_id

#: What answers the smallest call no sooner is not well.
_PATIENCE_S = 20.0

app = typer.Typer(help="Test what the configuration names. Exit code 1: something failed.", no_args_is_help=True)

_COLORS = {Status.OK: "green", Status.WARNING: "yellow", Status.FAILED: "red", Status.UNKNOWN: "dim"}


@app.command("connection")
def connection(as_json: JsonOption = False) -> None:
    """Test the way to the database: name, encryption, key, role, schema, functions, pooler, clock, a job and back."""
    _finish(_connection(), as_json)


@app.command("apis")
def apis(as_json: JsonOption = False) -> None:
    """Test the remote APIs that are configured: one small call to each, through the gate; what is wrong if it fails."""
    configure_logs("error")
    try:
        settings = read_settings()
        with database(settings) as target:
            _finish(run(_apis(settings, target)), as_json)
    except ExoraError as error:
        _finish([from_error("settings" if isinstance(error, ConfigurationError) else "apis", error)], as_json)


async def _apis(settings: Settings, target: Target) -> list[Check]:
    async with (
        services(settings, target) as exora,
        open_remote(exora, new_worker_id("test"), settings.vision, settings.openai, timeout_s=_PATIENCE_S) as remote,
    ):
        return [
            *await check_vision(remote.gate, remote.vision),
            *await check_openai(remote.gate, exora.coordinator, remote.openai, remote.model),
        ]


def doctor(as_json: JsonOption = False) -> None:
    """Look for what is wrong: the connection first, then workers, lanes, limits, heartbeats and dead letters."""
    checks = _connection()
    if passed(checks):
        checks += _troubles()
    checks += check_recognition()
    _finish(checks, as_json)


def _connection() -> list[Check]:
    configure_logs("error")
    try:
        settings = read_settings()
        with database(settings) as target:
            return run(of_target(target, embedded=settings.database_url is None and settings.project is None))
    except ConfigurationError as error:
        return [from_error("settings", error)]
    except ExoraError as error:
        return [from_error("connection", error)]


async def of_target(target: Target, embedded: bool) -> list[Check]:
    """The checks of a connection; the embedded database is migrated first."""
    if embedded and isinstance(target, str):
        await migrate_schema(target)
    transport = open_transport(target)
    try:
        return await check_connection(target, transport)
    finally:
        await transport.close()


def _troubles() -> list[Check]:
    async def main(target: Target) -> list[Check]:
        async with open_services(target, verify=False) as exora:
            return await check_troubles(exora.coordinator)

    try:
        with database(read_settings()) as target:
            return run(main(target))
    except ExoraError as error:
        return [from_error("troubles", error)]


def _finish(checks: list[Check], as_json: bool) -> None:
    if as_json:
        print_json({"ok": passed(checks), "checks": checks})
    else:
        show(checks, out)
    if not passed(checks):
        raise typer.Exit(1)


def show(checks: list[Check], console: Console) -> None:
    """Print checks as a table."""
    table = Table("check", "", Column("found", overflow="fold"), Column("what to do", overflow="fold"))
    for check in checks:
        color = _COLORS[check.status]
        table.add_row(check.name, f"[{color}]{check.status.value}[/]", check.detail, check.remedy)
    console.print(table)
