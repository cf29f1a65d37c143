"""Writes settings.md from the variables that Exora reads."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from exora.settings import read_settings
from exora.variables import VARIABLES, Variable, effective

PAGE = Path(__file__).with_suffix(".md")
_HEAD = """# Settings

Exora is configured by environment variables alone, and needs none: with nothing set it runs on an embedded PostgreSQL.
What is malformed, contradicts another variable, or is missing in staging and production, is an error at start that
names the variable and what to do. `exora settings` shows what is in force and where it comes from; a variable that
starts with `EXORA_` and that nothing reads gets a warning.

Where a setting has several names, the first that is set counts. A flag is on with `1`, `true`, `yes` or `on`.

This page is made by `make reference`.
"""


def reference() -> str:
    """The page."""
    defaults = {one.name: one.value for one in effective(read_settings({}), {})}
    parts = [_HEAD]
    for group, variables in groupby(VARIABLES, lambda one: one.group):
        parts.append(f"\n## {group}\n\n| variable | meaning | default |\n| --- | --- | --- |\n")
        parts += [_row(one, defaults[one.names[0]]) for one in variables]
    return "".join(parts)


def _row(one: Variable, default: str) -> str:
    names = ", ".join(f"`{name}`" for name in one.names)
    shown = one.absent or (f"`{default}`" if default else "")
    return f"| {names} | {one.meaning} | {shown} |\n"


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
