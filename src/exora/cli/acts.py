"""What every act of an operator shares: who and why for the audit trail, and a question before what is for good."""

from __future__ import annotations

import os
import pwd
import re
import sys
from typing import Annotated

import typer

from exora.cli.output import err
from exora.domain.operations import Act
from exora.errors import BadInput

WhyOption = Annotated[
    str | None,
    typer.Option("--why", metavar="CODE", help="A ticket or a few words, for the audit trail; never name a patient."),
]
ByOption = Annotated[
    str | None, typer.Option("--by", metavar="NAME", help="Who acts, for the audit trail; default: the system's user.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def act(by: str | None, why: str | None) -> Act:
    """Who and why as codes: blanks become hyphens."""
    return Act(by or _user(), None if why is None else re.sub(r"\s+", "-", why.strip()))


def confirm(question: str, yes: bool) -> None:
    """Ask before what cannot be undone.

    Raises:
        BadInput: nobody is there to answer.
        typer.Abort: the answer was no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise BadInput("this asks first, and nobody is there to answer", field="--yes", remedy="Add --yes")
    err.print(question, end="", highlight=False)
    if not typer.confirm("", err=True):
        raise typer.Abort


def _user() -> str | None:
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return None
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:64]
