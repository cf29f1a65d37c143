"""A short, always equal part of `make fuzz`: hostile input at every surface ends in what it may end in."""

from __future__ import annotations

import asyncio

import pytest

from exora.documents.analysis import ANALYZER
from tests.security import fuzz

pytestmark = pytest.mark.xdist_group("fuzz")


def thrown(name: str, dsn: str, inputs: int) -> fuzz.Counts:
    """What came of some inputs."""
    counts = fuzz.Counts()
    with asyncio.Runner() as runner, fuzz.opened(runner, name, dsn) as target:
        fuzz.run(runner, target, counts, inputs, None)
    return counts


def deep(counts: fuzz.Counts, *outcomes: str) -> float:
    """The share of the inputs that got past the first checks: those with one of these outcomes."""
    reached = sum(count for outcome, count in counts.outcomes.items() if outcome.startswith(outcomes))
    return reached / sum(counts.outcomes.values())


def test_any_request_is_answered_without_a_fault_or_a_leak(embedded_dsn: str) -> None:
    counts = thrown("worker http", embedded_dsn, 150)
    assert deep(counts, "200", "303") > 1 / 3
    assert {"200", "303", "400", "403", "404"} <= set(counts.outcomes)


def test_any_request_to_the_gateway_is_answered_as_postgrest_would(embedded_dsn: str) -> None:
    counts = thrown("gateway http", embedded_dsn, 150)
    assert deep(counts, "200", "204") > 1 / 4
    assert {"200", "400", "404"} <= set(counts.outcomes)


def test_a_payload_is_references_or_refused_by_field(embedded_dsn: str) -> None:
    counts = thrown("payloads", embedded_dsn, 150)
    assert deep(counts, "accepted") > 1 / 3
    assert "PT400" in counts.outcomes


def test_a_mutated_file_ends_in_pages_or_a_typed_error() -> None:
    counts = thrown("files", "", 24)
    assert {outcome.rpartition(" ")[2] for outcome in counts.outcomes} >= {"pages", "document_corrupt"}


def test_whatever_a_model_answers_the_record_holds_what_the_page_prints() -> None:
    counts = thrown("model answers", "", 50)
    assert deep(counts, "liar/extract-1: items") > 1 / 3
    assert any(outcome.startswith(ANALYZER) for outcome in counts.outcomes)
