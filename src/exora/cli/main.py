"""The entry point: gathers the commands and turns errors into one line and an exit code."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from exora import __version__
from exora.cli import (
    analyze,
    audit,
    capacity,
    dead,
    demo,
    dev,
    jobs,
    lanes,
    migrate,
    patients,
    promote,
    queue,
    record,
    schedules,
    settings,
    submit,
    test,
    usage,
    worker,
    workers,
)
from exora.cli.output import err, fail
from exora.errors import ExoraError
from exora.settings import environment
from exora.variables import warnings_of

app = typer.Typer(
    name="exora",
    help="Medical documents to structured clinical records, coordinated by PostgreSQL.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("dev")(dev.dev)
app.command("worker")(worker.worker)
app.command("submit")(submit.submit)
app.add_typer(jobs.app, name="jobs")
app.add_typer(dead.app, name="dead")
app.add_typer(lanes.app, name="lanes")
app.add_typer(capacity.app, name="capacity")
app.add_typer(queue.app, name="queue")
app.add_typer(schedules.app, name="schedules")
app.add_typer(usage.app, name="usage")
app.command("workers")(workers.workers)
app.command("record")(record.record)
app.command("analyze")(analyze.analyze)
app.add_typer(patients.app, name="patients")
app.add_typer(audit.app, name="audit")
app.command("migrate")(migrate.migrate)
app.add_typer(test.app, name="test")
app.command("doctor")(test.doctor)
app.command("settings")(settings.settings)
app.command("promote")(promote.promote)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"exora {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Medical documents to structured clinical records, coordinated by PostgreSQL."""
    for line in warnings_of(environment()):
        err.print(f"[yellow]warning[/]: {line}", highlight=False, soft_wrap=True)


def main() -> None:
    """Run the command line; the console script."""
    try:
        app()
    except ExoraError as error:
        sys.exit(fail(error))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
