"""The docs say what the code does."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

import exora
from exora.worker.registry import default_registry

ROOT = Path(__file__).parents[2]


def test_the_reference_of_functions_is_current() -> None:
    module = runpy.run_path(str(ROOT / "docs/reference/functions.py"))
    assert (ROOT / "docs/reference/functions.md").read_text() == module["reference"](), (
        "run: python docs/reference/functions.py"
    )


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/**/*.md")), ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_variable_of_the_table_is_read_and_every_read_one_is_in_the_table() -> None:
    table = set(re.findall(r"`([A-Z][A-Z_]+)`", (ROOT / "README.md").read_text()))
    read = set(re.findall(r'"([A-Z]{2,}[A-Z_]*)"', (ROOT / "src/exora/settings.py").read_text()))
    assert read <= table
    assert table <= read


def test_public_names_are_these() -> None:
    assert sorted(exora.__all__) == ["JobContext", "Need", "__version__", "handler"]
    assert all(hasattr(exora, name) for name in exora.__all__)


def test_the_tutorials_handler_registers() -> None:
    page = (ROOT / "docs/tutorial/first-record.md").read_text()
    [code] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(compile(code, "tutorial", "exec"), {})
    assert "report_generation" in default_registry.job_types
