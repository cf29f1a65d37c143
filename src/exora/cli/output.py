"""How commands speak: tables for people, JSON for programs, one clear line for an error."""

from __future__ import annotations

import json
import sys
from collections.abc import Coroutine
from dataclasses import asdict, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer
import uvloop
from rich.console import Console

from exora.errors import BadInput, ExoraError, NotFound

T = TypeVar("T")

#: Wide enough that nothing is cut where no terminal says how wide it is: people grep and copy ids.
_PIPE_WIDTH = 240

out = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
err = Console(stderr=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

_EXIT_CODES: dict[type[ExoraError], int] = {BadInput: 2, NotFound: 3}


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine on the fast event loop."""
    return uvloop.run(main)


def fail(error: ExoraError) -> int:
    """Print an error as one line on stderr and return the exit code: 2 bad input, 3 not found, 1 anything else."""
    where = f" [{error.field}]" if error.field else ""
    err.print(f"[bold red]error[/]{where}: {error.one_line()}", highlight=False, soft_wrap=True)
    return next((code for kind, code in _EXIT_CODES.items() if isinstance(error, kind)), 1)


def print_json(value: Any) -> None:
    """Print a value as JSON on stdout: dataclasses, ids and times included."""
    typer.echo(json.dumps(value, default=_plain, ensure_ascii=False, indent=2))


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, UUID | Path):
        return str(value)
    raise TypeError(f"cannot print {type(value).__name__} as JSON")


def parse_uuid(text: str, field: str) -> UUID:
    """Read an id from the command line.

    Raises:
        BadInput: it is none.
    """
    try:
        return UUID(text)
    except ValueError:
        raise BadInput(
            "this is not a UUID", field=field, remedy="Use the form 01234567-89ab-7cde-8f01-23456789abcd"
        ) from None


def read_file(path: Path) -> bytes:
    """Read a file the user named.

    Raises:
        BadInput: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"{path} cannot be read ({type(error).__name__})", field="FILE", remedy="Check the path and its permissions"
        ) from error
