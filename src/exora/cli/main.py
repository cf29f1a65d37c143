"""The entry point: gathers the commands and turns errors into one line and an exit code."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from exora import __version__
from exora.cli.commands import Commands
from exora.cli.output import err, fail, fail_unexpectedly
from exora.errors import ExoraError
from exora.settings import environment
from exora.variables import warnings_of

app = typer.Typer(
    name="exora",
    cls=Commands,
    help="Medical documents to structured clinical records, coordinated by PostgreSQL.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


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
    except Exception as error:
        sys.exit(fail_unexpectedly(error))


if __name__ == "__main__":
    main()
