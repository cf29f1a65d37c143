"""exora migrate: bring the database to this version, or check that it is there."""

from __future__ import annotations

from typing import Annotated

import typer

from exora.app import migrate_schema, verify_schema
from exora.cli.database import direct_database
from exora.cli.output import JsonOption, out, print_json, run
from exora.settings import read_settings


def migrate(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail unless the database serves this version.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Apply migrations, functions and grants. Safe to repeat, and to run from two machines at once."""
    with direct_database(read_settings()) as dsn:
        if check:
            current = run(verify_schema(dsn))
            where = "at this version" if current else "at a newer version, which serves this one too"
            print_json({"current": current}) if as_json else out.print(f"The database is {where}.")
            return
        applied = run(migrate_schema(dsn))
    if as_json:
        print_json(applied)
    elif applied.versions:
        out.print(f"Applied {len(applied.versions)} migration(s): " + ", ".join(f"{v:04d}" for v in applied.versions))
    else:
        out.print("Functions and grants renewed." if applied.code_renewed else "Nothing to do.")
