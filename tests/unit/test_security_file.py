"""SECURITY.md covers what it must, and every test it names is there and collected."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
HIPAA = ("(a)(1)", "(a)(2)(i)", "(a)(2)(ii)", "(a)(2)(iii)", "(a)(2)(iv)", "(b)", "(c)(1)", "(c)(2)", "(d)", "(e)(1)",
         "(e)(2)(i)", "(e)(2)(ii)")  # fmt: skip
ASVS = ("12.2.1", "12.3.1", "12.3.2", "13.1.2", "13.1.3", "13.2.2", "13.2.4", "13.3.1", "13.4.2", "13.4.5", "14.2.1",
        "14.2.4", "16.2.5", "16.3.1", "16.3.2", "16.4.1", "16.4.2", "16.5.1", "16.5.2", "16.5.3", "16.5.4")  # fmt: skip
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def node(file: str, function: str) -> str:
    """The test's full name, with its class if it is in one; fails if there is none."""
    names = [function]
    for found in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
        if isinstance(found, ast.ClassDef) and any(getattr(inner, "name", None) == function for inner in found.body):
            names.insert(0, found.name)
        elif isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef) and found.name == function:
            return "::".join([file, *names])
    raise AssertionError(f"SECURITY.md names {file}::{function}, which does not exist")


@pytest.mark.parametrize("item", [*HIPAA, *ASVS])
def test_every_item_has_a_control_and_tests_that_show_it(item: str) -> None:
    [row] = [line for line in TEXT.splitlines() if line.startswith(f"| {item} ")]
    _, control, shown_by = row.strip("| ").split(" | ")
    assert len(control) > 20
    assert _TEST.fullmatch(shown_by.split(", ")[0])


def test_every_test_that_is_named_exists_and_is_collected(request: pytest.FixtureRequest) -> None:
    named = {node(*found) for found in _TEST.findall(TEXT)}
    assert len(named) > 50
    assert len(named) == len(set(re.findall(r"`tests/[^`]*::[^`]*`", TEXT))), "every name is a file and a function"
    collected = {re.split(r"[\[@]", item.nodeid)[0] for item in request.session.items}
    files = {name.split("::")[0] for name in collected}
    whole = request.config.args_source is pytest.Config.ArgsSource.TESTPATHS
    assert {name for name in named if whole or name.split("::")[0] in files} - collected == set()
