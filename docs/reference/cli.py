"""Writes cli.md from the commands themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer

from exora.cli.main import app

PAGE = Path(__file__).with_suffix(".md")
_HEAD = """# Command line

Every command takes `--help`. Those that print a table take `--json` for programs. They work on the database that the
[settings](settings.md) name, and on the embedded one when they name none.

| exit code | meaning |
| --- | --- |
| 0 | done |
| 1 | it failed, or what was looked for is so: a check failed, a document was refused |
| 2 | bad input; the message names the argument |
| 3 | there is no such job, document or record |
| 4 | the audit trail was tampered with (`exora audit verify`) |
| 130 | interrupted |

This page is made by `make reference`.
"""


def reference() -> str:
    """The page."""
    return _HEAD + "".join(_sections(typer.main.get_command(app), "exora"))


def _sections(command: Any, name: str) -> Iterator[str]:
    if hasattr(command, "commands"):
        if name != "exora":
            yield f"\n## {name}\n\n{_text(command.help)}\n"
        for sub, inner in command.commands.items():
            yield from _sections(inner, f"{name} {sub}")
        return
    depth = "###" if name.count(" ") > 1 else "##"
    parameters = [one for one in command.params if one.name != "help"]
    usage = " ".join([name, *_usage(parameters)])
    yield f"\n{depth} {name}\n\n{_text(command.help)}\n\n```text\n{usage}\n```\n"
    if parameters:
        yield "\n| argument or option | meaning | default |\n| --- | --- | --- |\n"
        yield from (f"| {_names(one)} | {_meaning(one)} | {_default(one)} |\n" for one in parameters)


def _usage(parameters: list[Any]) -> Iterator[str]:
    for one in parameters:
        if one.param_type_name == "argument":
            shown = _metavar(one)
            yield shown if one.required or shown.startswith("[") else f"[{shown}]"
        elif one.required:
            yield f"{one.opts[0]} {_metavar(one)}"
    if any(one.param_type_name == "option" and not one.required for one in parameters):
        yield "[OPTIONS]"


def _names(one: Any) -> str:
    if one.param_type_name == "argument":
        return f"`{_metavar(one)}`"
    flag = getattr(one, "is_flag", False)
    names = [f"`{name}`" if flag else f"`{name} {_metavar(one)}`" for name in one.opts if name.startswith("--")]
    names += [f"`{name}`" for name in one.opts if not name.startswith("--")]
    return ", ".join([*names, *(f"`{name}`" for name in one.secondary_opts)])


def _metavar(one: Any) -> str:
    if one.metavar:
        return str(one.metavar)
    kind = one.type_descriptor.annotation
    if get_origin(kind) is not Literal:
        inner = [each for each in get_args(kind) if each is not type(None)]  # of list[str], and of str | None
        kind = inner[0] if inner else kind
    if get_origin(kind) is Literal:
        return "\\|".join(get_args(kind))
    if issubclass(kind, Enum):
        return "\\|".join(str(choice.value) for choice in kind)
    return {int: "N", float: "N", Path: "PATH"}.get(kind, "TEXT")


def _meaning(one: Any) -> str:
    low, high = one.min, one.max
    bounds = "" if low is None else f" From {low:g}." if high is None else f" {low:g} to {high:g}."
    repeat = " May be repeated." if one.multiple and "repeated" not in (one.help or "") else ""
    return _text(one.help).replace("|", "\\|") + bounds + repeat


def _default(one: Any) -> str:
    if one.required:
        return "required"
    value = one.default
    if value is None or value is False or value in ((), []):
        return ""
    return f"`{one.opts[0]}`" if value is True else f"`{getattr(value, 'value', value)}`"


def _text(text: str | None) -> str:
    return " ".join(inspect.cleandoc(text or "").split())


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
