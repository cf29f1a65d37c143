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


def test_any_request_is_answered_without_a_fault_or_a_leak(embedded_dsn: str) -> None:
    outcomes = thrown("worker http", embedded_dsn, 80).outcomes
    assert {"200"} <= set(outcomes)


def test_any_request_to_the_gateway_is_answered_as_postgrest_would(embedded_dsn: str) -> None:
    outcomes = thrown("gateway http", embedded_dsn, 60).outcomes
    assert {"200", "400"} <= set(outcomes)


def test_a_payload_is_references_or_refused_by_field(embedded_dsn: str) -> None:
    outcomes = thrown("payloads", embedded_dsn, 200).outcomes
    assert {"accepted", "PT400"} <= set(outcomes)


def test_a_mutated_file_ends_in_pages_or_a_typed_error() -> None:
    outcomes = thrown("files", "", 20).outcomes
    assert any(outcome.endswith("pages") for outcome in outcomes)
    assert any(outcome.endswith("document_corrupt") for outcome in outcomes)


def test_whatever_a_model_answers_the_record_holds_what_the_page_prints() -> None:
    outcomes = thrown("model answers", "", 40).outcomes
    assert {"liar/extract-1", ANALYZER} <= set(outcomes)
