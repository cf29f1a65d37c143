"""exora settings: what is in force, and where it comes from."""

from __future__ import annotations

from rich.table import Column, Table

from exora.cli.output import JsonOption, out, print_json
from exora.settings import environment, read_settings
from exora.variables import effective, warnings_of


def settings(as_json: JsonOption = False) -> None:
    """Show the settings in force and the variable each comes from. Secrets are not shown."""
    env = environment()
    found = effective(read_settings(env), env)
    if as_json:
        print_json({"settings": found, "warnings": warnings_of(env)})
        return
    table = Table(Column("setting", no_wrap=True), Column("value", overflow="fold"), "from")
    for item in found:
        table.add_row(item.name, item.value, f"[dim]{item.source}[/]" if item.source == "default" else item.source)
    out.print(table)
