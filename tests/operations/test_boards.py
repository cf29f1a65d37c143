"""Alert rules and the Grafana board: every query parses and names metrics and labels that a scrape has; every alert has
a runbook whose commands exist."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import typer
import yaml
from prometheus_client.core import Metric

from exora.cli.main import app
from exora.domain.capacity import ApiCapacity
from exora.domain.job import LaneStats
from exora.domain.outcome import Completed
from exora.http.metrics import Metrics
from exora.http.watch import Picture
from exora.observe.calls import CallTally
from exora.observe.tally import Tally
from tests.operations.test_metrics import TestTally

ROOT = Path(__file__).parents[2]
RULES = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"][0]["rules"]
BOARD = json.loads((ROOT / "deploy/grafana/exora.json").read_text())
QUERIES = [(rule["alert"], rule["expr"]) for rule in RULES] + [
    (panel["title"], target["expr"]) for panel in BOARD["panels"] for target in panel["targets"]
]


class Told:
    """A worker that did one job, as /metrics reads it."""

    worker_id, version, state, slots, active_jobs, heartbeat_age_s, listening = "w", "1", "working", 1, 0, 0.0, True

    def __init__(self) -> None:
        self.tally = Tally()
        self.tally.ended(TestTally.JOB, Completed({"pages": 1, "ocr": "tesseract"}), 0.1)
        self.calls = CallTally()
        calls = self.calls.of("openai", "gpt-4o-mini")
        calls.deny("requests_per_minute")
        calls.fail("provider_unavailable")


@pytest.fixture(scope="module")
def labels() -> dict[str, set[str]]:
    """Every sample's name with the names of its labels."""
    api = ApiCapacity("p", "e", "available", None, None, 1, 2, 1, 2, 1, 2, 0.1, 1.0, 0, 1, "active")
    lane = LaneStats("l", 1, 0, 0, 0, 0, 1.0, None, None)
    metrics = Metrics(Told())  # type: ignore[arg-type]
    metrics.render(Picture(fault=None, lanes=[lane], capacity=[api]))
    families: list[Metric] = list(metrics._registry.collect())
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


@pytest.mark.parametrize(("place", "query"), QUERIES, ids=[place for place, _ in QUERIES])
def test_a_query_parses_and_names_what_a_scrape_has(place: str, query: str, labels: dict[str, set[str]]) -> None:
    parsed = promql_parser.parse(query.replace("$__rate_interval", "5m")).prettify()
    names = set(re.findall(r"\b(?:exora|process)_[a-z_]+", parsed))
    assert names
    assert names <= set(labels)
    known = set().union(*(labels[name] for name in names)) | {"instance"}
    used = set(re.findall(r"(\w+)\s*(?:=~|!=|=)\s*\"", parsed))
    for clause in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", parsed):
        used |= {label.strip() for label in clause.split(",")}
    assert used <= known | {"le"}


def test_every_metric_of_calls_is_on_the_board_and_in_the_documentation(labels: dict[str, set[str]]) -> None:
    names = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in labels if name.startswith("exora_api_")}
    assert len(names) == 7
    page = (ROOT / "docs/howto/monitor.md").read_text()
    for name in names:
        assert any(name in query for _, query in QUERIES), name
        assert f"`{name}`" in page, name


def test_the_board_is_as_it_is_made() -> None:
    assert runpy.run_path(str(ROOT / "deploy/grafana/make.py"))["dashboard"]() == BOARD
    spots = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in BOARD["panels"]]
    assert len(spots) == len(set(spots))


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alert_has_a_runbook_that_names_it(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"].endswith(".")
    assert f"`{rule['alert']}`" in (ROOT / rule["annotations"]["runbook"]).read_text()


def _exists(words: list[str]) -> bool:
    command: Any = typer.main.get_command(app)
    for word in words:
        if not hasattr(command, "commands"):
            return True
        if word not in command.commands:
            return False
        command = command.commands[word]
    return True


@pytest.mark.parametrize("page", sorted((ROOT / "docs/runbooks").glob("*.md")), ids=lambda page: page.stem)
def test_every_command_of_a_runbook_exists(page: Path) -> None:
    commands = re.findall(r"`exora ([^`]+)`", page.read_text())
    assert commands or page.stem in ("polling-only", "claims-lost", "retries")
    for command in commands:
        words = [word for word in command.split() if re.fullmatch(r"[a-z]+", word)]
        assert _exists(words), command


def test_the_remedies_of_explain_are_commands_too() -> None:
    for file in (ROOT / "src/exora/sql/functions").glob("explain_*.sql"):
        for command in re.findall(r"exora ((?:[a-z]+ ?)+)", file.read_text().replace("exora.", "")):
            words = command.split()
            assert _exists(words[:2]), (file.name, command)
