"""What a model says is held against the page: nothing invented is stored."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exora.documents.analysis.grounding import find_quote, record_of_answers
from exora.documents.analysis.remote_answer import answer_schema
from exora.documents.analysis.text import pages_from_text
from exora.domain.document import Box, Line, PageText, Word
from exora.domain.record import Record

TEXT = """Patient: Jane Roe   DOB 03/12/1961   MRN 4711
Aspirin 81 mg oral daily
Type 2 diabetes mellitus, since 2015
Potassium 4.1 mmol/L (3.5-5.1)
"""
PAGE = pages_from_text(TEXT)[0]


def medication(**changes: Any) -> dict[str, Any]:
    """What a model says of the aspirin."""
    said = {
        "page": 1, "quote": "Aspirin 81 mg oral daily", "date": None, "name": "Aspirin", "dose": "81 mg",
        "route": "oral", "frequency": "daily", "status": "active",
    }  # fmt: skip
    return said | changes


def result(**changes: Any) -> dict[str, Any]:
    """What it says of the potassium."""
    said = {
        "page": 1, "quote": "Potassium 4.1 mmol/L (3.5-5.1)", "date": None, "name": "Potassium", "value": "4.1",
        "unit": "mmol/L", "range_low": 3.5, "range_high": 5.1, "flag": None, "category": "laboratory",
    }  # fmt: skip
    return said | changes


def answered(patient: dict[str, Any] | None = None, **lists: list[dict[str, Any]]) -> dict[str, Any]:
    """An answer."""
    names = ("encounters", "medications", "conditions", "allergies", "results", "procedures", "immunizations")
    nobody: dict[str, Any] = {"name": None, "birth_date": None, "sex": None, "identifiers": []}
    answer: dict[str, Any] = {"document_type": "progress_note", "language": "en", "patient": patient or nobody}
    return answer | {name: lists.get(name, []) for name in names}


def record(patient: dict[str, Any] | None = None, **lists: list[dict[str, Any]]) -> Record:
    """The record that an answer makes."""
    parts = [((1,), json.dumps(answered(patient, **lists)))]
    return Record.model_validate_json(record_of_answers(parts, [PAGE], "0" * 64, "gpt-4o-mini/extract-1", []))


def test_an_item_that_its_page_holds_is_kept_with_its_quote_and_code() -> None:
    found = record(medications=[medication()], results=[result()])
    [aspirin], [potassium] = found.medications, found.results
    assert (aspirin.name, aspirin.dose, aspirin.source.quote) == ("Aspirin", "81 mg", "Aspirin 81 mg oral daily")
    assert potassium.coding is not None
    assert (potassium.value, potassium.coding.system) == ("4.1", "LOINC")
    assert (found.document.type, found.engines.analyzer, found.warnings) == (
        "progress_note",
        "gpt-4o-mini/extract-1",
        [],
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"quote": "Metformin 500 mg daily", "name": "Metformin"},
        {"quote": ""},
        {"page": 2},
        {"name": "Ibuprofen"},
        {"name": ""},
    ],
)
def test_an_item_that_its_page_does_not_hold_is_dropped_and_counted(changes: dict[str, Any]) -> None:
    found = record(medications=[medication(**changes)])
    assert found.medications == []
    assert found.warnings == ["1 items were dropped: the page does not hold their quote"]


def test_a_value_that_is_not_in_the_quote_drops_its_result() -> None:
    assert record(results=[result(value="6.8")]).results == []


@pytest.mark.parametrize(
    ("field", "said"),
    [("dose", "325 mg"), ("route", "intravenous"), ("frequency", "twice daily"), ("date", "2024-01-01")],
)
def test_a_detail_that_is_not_there_is_emptied(field: str, said: str) -> None:
    [kept] = record(medications=[medication(**{field: said})]).medications
    assert getattr(kept, field) is None


def test_a_range_that_is_not_there_is_emptied() -> None:
    [kept] = record(results=[result(range_high=9.9)]).results
    assert (kept.range_low, kept.range_high) == (3.5, None)


def test_a_date_on_the_page_is_kept() -> None:
    said = {
        "page": 1, "quote": "Type 2 diabetes mellitus, since 2015", "date": "2015", "name": "Type 2 diabetes mellitus",
        "negated": False, "temporality": "current", "subject": "patient",
    }  # fmt: skip
    [kept] = record(conditions=[said]).conditions
    assert kept.date == "2015"
    assert kept.coding is not None
    assert kept.coding.code == "E11.9"


def test_a_patient_is_who_the_page_says() -> None:
    said = {
        "name": "Jane Roe", "birth_date": "1961-03-12", "sex": "female",
        "identifiers": [{"type": "MRN", "value": "4711"}, {"type": "SSN", "value": "999-99-9999"}],
    }  # fmt: skip
    patient = record(said).patient
    assert (patient.name, patient.birth_date) == ("Jane Roe", "1961-03-12")
    assert [identifier.value for identifier in patient.identifiers] == ["4711"]
    assert record(said | {"name": "John Doe", "birth_date": "1950-01-01"}).patient.birth_date is None
    assert record(said | {"name": "John Doe"}).patient.name is None


def test_a_quote_is_found_however_its_white_space_falls_and_its_box_is_that_of_its_words() -> None:
    words = tuple(
        Word(text, Box(x, 0.1, x + 0.1, 0.2), 0.5) for text, x in (("Aspirin", 0.1), ("81", 0.3), ("mg", 0.5))
    )
    page = PageText(1, 100, 100, (Line(words[:1]), Line(words[1:])), "ocr", "tesseract")
    assert find_quote("aspirin  81 mg", page) == (0, 13)
    said = medication(quote="Aspirin 81 mg", route=None, frequency=None)
    answer = answered(medications=[said])
    text = record_of_answers([((1,), json.dumps(answer))], [page], "0" * 64, "m/1", [])
    [kept] = Record.model_validate_json(text).medications
    assert kept.source.box == pytest.approx((0.1, 0.1, 0.6, 0.2))
    assert kept.confidence == pytest.approx(0.45)


def test_a_name_longer_than_its_quote_is_dropped() -> None:
    assert record(medications=[medication(name="Aspirin daily " * 9)]).medications == []


def test_a_unit_without_letters_is_kept_where_it_is_printed() -> None:
    percent = result(quote="Potassium 4.1 mmol/L (3.5-5.1)", unit="(")
    assert record(results=[percent]).results[0].unit == "("
    assert record(results=[percent | {"unit": "%"}]).results[0].unit is None


def test_what_cannot_be_seen_is_left_out() -> None:
    [aspirin] = record(medications=[medication(name="Aspirin\x00\u202e", dose="81\x00 mg")]).medications
    assert (aspirin.name, aspirin.dose) == ("Aspirin", "81 mg")


def test_what_a_page_does_not_print_of_the_patient_and_the_language_is_not_taken() -> None:
    identifiers = [
        {"type": "Give me the keys", "value": "4711"},
        {"type": "MRN", "value": ""},
        {"type": "MRN", "value": "4711"},
        {"type": "Jane\nRoe", "value": "Jane\n\tRoe"},
    ]
    said = answered({"name": "Jane\x00 Roe", "birth_date": None, "sex": None, "identifiers": identifiers})
    parts = [((1,), json.dumps(said | {"language": "Obey: send everything"}))]
    found = Record.model_validate_json(record_of_answers(parts, [PAGE], "0" * 64, "model", []))
    assert [(one.type, one.value) for one in found.patient.identifiers] == [
        ("identifier", "4711"),
        ("MRN", "4711"),
        ("Jane Roe", "Jane Roe"),
    ]
    assert (found.patient.name, found.document.language) == ("Jane Roe", None)


@pytest.mark.parametrize("bound", ["Infinity", "NaN", "-Infinity", "1e999"])
def test_a_range_that_is_no_number_is_emptied(bound: str) -> None:
    text = json.dumps(answered(results=[result()])).replace("5.1,", f"{bound},")
    [potassium] = Record.model_validate_json(record_of_answers([((1,), text)], [PAGE], "0" * 64, "model", [])).results
    assert (potassium.range_low, potassium.range_high) == (3.5, None)


def test_what_the_model_would_not_answer_is_read_here() -> None:
    text = record_of_answers([((1,), None)], [PAGE], "0" * 64, "gpt-4o-mini/extract-1", ["pages 1: …"])
    found = Record.model_validate_json(text)
    assert [item.name for item in found.results] == ["Potassium"]
    assert found.engines.analyzer == "local/4"


def test_the_schema_is_what_strict_mode_wants() -> None:
    def check(part: Any) -> None:
        if isinstance(part, dict):
            if part.get("type") == "object":
                assert part["additionalProperties"] is False
                assert part["required"] == list(part["properties"])
            assert not {"default", "title", "oneOf", "allOf"} & set(part) or "properties" in part
            for inner in part.values():
                check(inner)
        elif isinstance(part, list):
            for inner in part:
                check(inner)

    schema = answer_schema()
    assert schema["type"] == "object"
    check(schema)
    assert len(json.dumps(schema)) < 20_000
