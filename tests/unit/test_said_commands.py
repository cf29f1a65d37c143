"""Every command that an error, a remedy, a page or an alert tells people to type is one that can be typed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import typer

from exora.cli.main import app

ROOT = Path(__file__).parents[2]
SAID = re.compile(r"\bexora((?: +(?:\\\n)?[^\s`'\"<>|&;()·]+)+)")
PLACES = (
    "src/**/*.py",
    "src/**/*.sql",
    "src/**/*.html",
    "docs/**/*.md",
    "deploy/**/*",
    "*.md",
    "Makefile",
    "render.yaml",
)


def texts(text: str, suffix: str) -> Iterator[str]:
    """What a file says: of a Python file its strings, of any other its text."""
    if suffix != ".py":
        yield text
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@cache
def root() -> Any:
    """The command line."""
    return typer.main.get_command(app)


def fault(said: list[str]) -> str | None:
    """What is wrong with the words after ``exora``; None: it can be typed, or is no command."""
    command: Any = root()
    for depth, word in enumerate(said):
        commands = getattr(command, "commands", None)
        if commands is None:
            break
        name = word.rstrip(".,:·…")
        if name.startswith("-") or not name.isalpha() or not name.islower():
            break
        if name not in commands:
            return None if depth == 0 else f"no command {name}"
        command = commands[name]
        if name != word:  # the sentence ends or goes on
            return None
    known = {"--help", "--install-completion", "--show-completion"}
    known |= {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    given = [word.partition("=")[0].rstrip(".,:") for word in said if re.match(r"--?[a-z]", word)]
    return next((f"no option {option}" for option in given if option not in known), None)


def test_what_is_said_can_be_typed() -> None:
    files = [path for place in PLACES for path in ROOT.glob(place) if path.is_file() and path.suffix != ".png"]
    phrases = {
        match[0]: (path.relative_to(ROOT), match[1].split())
        for path in files
        if "exora " in (whole := path.read_text(encoding="utf-8"))
        for text in texts(whole, path.suffix)
        for match in SAID.finditer(text)
    }
    assert len(phrases) > 100
    assert not {f"{path}: {said}": why for said, (path, words) in phrases.items() if (why := fault(words))}


def test_a_wrong_one_is_seen() -> None:
    assert fault(["jobs", "list", "--state", "failed"]) == "no option --state"
    assert fault(["jobs", "lost"]) == "no command lost"
    assert fault(["jobs", "list", "--status", "failed"]) is None
