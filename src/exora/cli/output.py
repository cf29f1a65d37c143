"""How commands speak: tables for people, JSON for programs, one clear line for an error."""

from __future__ import annotations

import contextlib
import json
import sys
import traceback
from collections.abc import Collection, Coroutine, Iterator
from dataclasses import asdict, is_dataclass
from datetime import date, timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, TextIO, TypeVar
from uuid import UUID

import typer
import uvloop
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from exora.domain.phi import describe_error
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
    err.print(f"[bold red]error[/]{escape(f'{where}: {error.one_line()}')}", highlight=False, soft_wrap=True)
    return exit_code(type(error))


def exit_code(error: type[ExoraError]) -> int:
    """What a command that ends in an error of this class exits with."""
    return next((code for kind, code in _EXIT_CODES.items() if issubclass(error, kind)), 1)


def fail_unexpectedly(error: Exception) -> int:
    """Print where an error that nobody expected was raised, without its text, which may quote a document or a row;
    returns the exit code."""
    for frame in traceback.extract_tb(error.__traceback__):
        err.print(f"  {frame.filename}:{frame.lineno} in {frame.name}", highlight=False, soft_wrap=True, style="dim")
    info = describe_error(error)
    err.print(
        f"[bold red]error[/]: {info.summary}. This is a defect of exora: report it with the lines above",
        highlight=False,
        soft_wrap=True,
    )
    return 1


def table(*heads: str | Column, numbers: Collection[str] = (), title: str | None = None) -> Table:
    """A table whose columns named in ``numbers`` are set to the right."""
    columns = (Column(head, justify="right") if isinstance(head, str) and head in numbers else head for head in heads)
    return Table(*columns, title=title)


def print_json(value: Any) -> None:
    """Print a value as JSON on stdout: dataclasses, ids and times included."""
    print_whole(json.dumps(value, default=_plain, ensure_ascii=False, indent=2))


def print_whole(text: str) -> None:
    """Print a text on stdout to its end.

    With PYTHONUNBUFFERED set, as in many containers, a signal (a child's end) can cut one large write short, and
    nothing tries again: hence the loop.
    """
    sys.stdout.flush()
    rest = memoryview(f"{text}\n".encode())
    while rest:
        rest = rest[sys.stdout.buffer.write(rest) :]
    sys.stdout.buffer.flush()


def json_line(value: Any) -> str:
    """A value as JSON on a line of its own."""
    return json.dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":")) + "\n"


@contextlib.contextmanager
def writing(path: Path | None) -> Iterator[TextIO]:
    """A new file for what the user asked to have written; standard output when none is named.

    Raises:
        BadInput: it exists, or cannot be written.
    """
    if path is None:
        yield sys.stdout
        return
    try:
        stream = path.open("x", encoding="utf-8")
    except FileExistsError:
        raise BadInput(f"{path} exists", field="--output", remedy="Name a new file") from None
    except OSError as error:
        raise BadInput(
            f"{path} cannot be written ({type(error).__name__})", field="--output", remedy="Check the path"
        ) from error
    with stream:
        yield stream


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, date):  # a datetime is one
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


def parse_object(text: str, field: str) -> dict[str, Any]:
    """Read a JSON object from the command line.

    Raises:
        BadInput: it is none.
    """
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise BadInput("the payload is not a JSON object", field=field, remedy='Use the form {"limit": 100}')
    return value


def parse_limit(text: str, field: str, kind: type[int] | type[float] = int) -> float | None:
    """Read a limit from the command line: a number, or ``none`` for no limit.

    Raises:
        BadInput: it is neither.
    """
    if text == "none":
        return None
    try:
        return kind(text)
    except ValueError:
        raise BadInput("this is not a number", field=field, remedy="Give a number, or none") from None


def read_file(path: Path) -> bytes:
    """Read a file the user named; ``-`` is standard input.

    Raises:
        BadInput: it cannot be read.
    """
    try:
        return sys.stdin.buffer.read() if path == Path("-") else path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"{path} cannot be read: {error.strerror}", field="FILE", remedy="Check the path and its permissions"
        ) from error
