"""The docs say what the code does."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
import typer

import exora
from exora.cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/**/*.md"))


@pytest.mark.parametrize("script", sorted((ROOT / "docs/reference").glob("*.py")), ids=lambda path: path.stem)
def test_a_page_of_the_reference_is_current(script: Path) -> None:
    module = runpy.run_path(str(script))
    assert module["PAGE"].read_text() == module["reference"](), "run: make reference"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_variable_of_the_table_is_read_and_every_read_one_is_in_the_table() -> None:
    table = set(re.findall(r"`([A-Z][A-Z_]+)`", (ROOT / "README.md").read_text()))
    read = set(re.findall(r'"([A-Z]{2,}[A-Z_]*)"', (ROOT / "src/exora/settings.py").read_text()))
    assert read <= table
    assert table <= read


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_a_command_that_prose_names_exists_and_has_the_options(page: Path) -> None:
    prose = re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    for said in re.findall(r"`exora ([^`]+)`", prose):
        command, words = typer.main.get_command(app), said.replace("[", " ").split()
        while words and hasattr(command, "commands") and re.fullmatch(r"[a-z]+", words[0]):
            assert words[0] in command.commands, said
            command = command.commands[words.pop(0)]
        known = {"--help"} | {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
        assert {word for word in words if word.startswith("-")} - {"-"} <= known, said


def test_public_names_are_these() -> None:
    assert sorted(exora.__all__) == ["JobContext", "Need", "__version__", "handler"]
    assert all(hasattr(exora, name) for name in exora.__all__)


def test_every_test_that_is_said_to_show_a_promise_exists() -> None:
    page = (ROOT / "docs/explanation/promises.md").read_text()
    named = re.findall(r"`(tests/[\w/.]+)(?:::(\w+))?`", page)
    assert len(named) > 20
    for path, name in named:
        assert (ROOT / path).exists(), path
        assert name in (ROOT / path).read_text() if name else True, (path, name)


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    site = (ROOT / "mkdocs.yml").read_text()
    pages = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").glob("**/*.md")}
    assert pages == set(re.findall(r"[\w/-]+\.md", site))
