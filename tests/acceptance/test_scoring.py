"""The scorer: what raises and lowers precision and recall, and what it rightly forgives."""

from __future__ import annotations

from typing import Any

import pytest

from exora.domain.record import Record
from tests.acceptance.scoring import Scores, Tally, likeness, normal_unit, score, sum_of

SOURCE = {"page": 1, "box": [0.1, 0.1, 0.2, 0.2], "quote": "as printed"}

TRUTH: dict[str, Any] = {
    "medications": [
        {"name": "Lisinopril", "dose": "10 mg", "route": "by mouth", "frequency": "once daily"},
        {"name": "Metformin", "dose": "500 mg", "route": "by mouth", "frequency": "twice daily"},
    ],
    "results": [
        {"name": "Hemoglobin", "value": "13.4", "unit": "g/dL", "category": "laboratory", "date": "2020-11-13"},
        {"name": "Systolic blood pressure", "value": "128", "unit": "mmHg", "category": "vital", "date": None},
        {"name": "Diastolic blood pressure", "value": "82", "unit": "mmHg", "category": "vital", "date": None},
    ],
    "conditions": [
        {"name": "Essential hypertension", "negated": False, "temporality": "current", "subject": "patient"},
        {"name": "Chest pain", "negated": True, "temporality": "current", "subject": "patient"},
        {"name": "Heart failure", "negated": False, "temporality": "historical", "subject": "family"},
    ],
    "allergies": [{"name": "Penicillin", "negated": False}],
    "immunizations": [{"name": "Influenza, seasonal", "date": "2020-01-19"}],
    "procedures": [{"name": "Colonoscopy", "date": "2019-03-05"}],
    "encounters": [{"kind": "Office visit", "start": "2020-05-19", "end": None, "provider": None, "facility": None}],
}


def found(**changed: list[dict[str, Any]]) -> Record:
    """A record that holds exactly the truth, with some lists replaced."""
    drop = {"accepted"}
    lists = {
        name: [
            {key: value for key, value in entry.items() if key not in drop} | {"source": SOURCE, "confidence": 0.9}
            for entry in changed.get(name, TRUTH[name])
        ]
        for name in TRUTH
    }
    return Record.model_validate(
        {
            "document": {"type": "other", "pages": 1, "sha256": "0" * 64},
            "engines": {"ocr": "none", "analyzer": "none"},
            **lists,
        }
    )


def with_change(name: str, index: int, /, **fields: Any) -> Record:
    """The perfect record with one field of one item changed."""
    entries = [dict(entry) for entry in TRUTH[name]]
    entries[index] |= fields
    return found(**{name: entries})


def test_perfect_record_scores_one_everywhere() -> None:
    scores = score(found(), TRUTH)
    assert scores.main == Tally(matched=8, found=8, expected=8)
    assert scores.details == Tally(matched=6, found=6, expected=6)
    assert all(tally.precision == tally.recall == 1 for tally in scores.lists.values())


def test_missing_item_lowers_recall_only() -> None:
    tally = score(found(medications=TRUTH["medications"][:1]), TRUTH).lists["medications"]
    assert tally == Tally(matched=1, found=1, expected=2)
    assert (tally.precision, tally.recall) == (1.0, 0.5)


def test_invented_item_lowers_precision_only() -> None:
    invented = [*TRUTH["medications"], {"name": "Warfarin"}]
    tally = score(found(medications=invented), TRUTH).lists["medications"]
    assert tally == Tally(matched=2, found=3, expected=2)
    assert (tally.recall, round(tally.precision, 3)) == (1.0, 0.667)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("results", {"value": "14.3"}),
        ("results", {"unit": "g/L"}),
        ("results", {"name": "Hematocrit"}),
        ("conditions", {"negated": True}),
        ("conditions", {"subject": "family"}),
        ("medications", {"name": "Losartan"}),
        ("allergies", {"negated": True}),
        ("immunizations", {"date": "2021-01-19"}),
        ("procedures", {"name": "Gastroscopy"}),
        ("encounters", {"start": "2020-05-20"}),
    ],
)
def test_wrong_field_lowers_both_figures_of_its_own_list(name: str, fields: dict[str, Any]) -> None:
    scores = score(with_change(name, 0, **fields), TRUTH)
    size = len(TRUTH[name])
    assert scores.lists[name] == Tally(matched=size - 1, found=size, expected=size)
    assert all(tally.matched == tally.expected for other, tally in scores.lists.items() if other != name)


def test_wrong_dose_keeps_the_medication_but_shows_in_the_details() -> None:
    scores = score(with_change("medications", 0, dose="100 mg"), TRUTH)
    assert scores.lists["medications"].matched == 2
    assert scores.details == Tally(matched=5, found=6, expected=6)


@pytest.mark.parametrize(
    ("index", "fields"),
    [
        (0, {"name": "Hemogiobin"}),
        (0, {"name": "HEMOGLOBIN:"}),
        (0, {"value": "13.40"}),
        (0, {"unit": "g / dL"}),
        (1, {"name": "BP systolic"}),
        (1, {"name": "Systolic Blood Pressure [Mass]"}),
        (1, {"unit": "mm[Hg]"}),
        (2, {"name": "DBP"}),
    ],
)
def test_other_spelling_of_the_same_result_is_forgiven(index: int, fields: dict[str, Any]) -> None:
    tally = score(with_change("results", index, **fields), TRUTH).lists["results"]
    assert tally == Tally(matched=3, found=3, expected=3)


def test_accepted_reading_of_the_same_words_counts_as_the_name() -> None:
    truth = TRUTH | {"conditions": [{**TRUTH["conditions"][0], "accepted": ["Hypertension"]}]}
    tally = score(with_change("conditions", 0, name="Hypertension"), truth).lists["conditions"]
    assert tally.matched == tally.expected == 1


def test_item_printed_twice_may_be_found_once_or_twice_but_not_three_times() -> None:
    truth = TRUTH | {"conditions": [TRUTH["conditions"][0]] * 2}
    tallies = [
        score(found(conditions=[TRUTH["conditions"][0]] * times), truth).lists["conditions"] for times in (1, 2, 3)
    ]
    assert tallies == [Tally(1, 1, 1), Tally(1, 1, 1), Tally(1, 2, 1)]


def test_same_value_at_two_times_is_expected_twice() -> None:
    pulse = {"name": "Pulse", "value": "72", "unit": "bpm", "category": "vital"}
    truth = TRUTH | {"results": [pulse | {"date": "2020-11-10T08:00"}, pulse | {"date": "2020-11-10T12:00"}]}
    assert score(found(results=[pulse]), truth).lists["results"] == Tally(1, 1, 2)
    assert score(found(results=[pulse, pulse]), truth).lists["results"] == Tally(2, 2, 2)


def test_mention_without_a_dose_repeats_the_one_with_a_dose() -> None:
    truth = TRUTH | {"medications": [*TRUTH["medications"], {"name": "metformin", "dose": None}]}
    assert score(found(), truth).lists["medications"] == Tally(2, 2, 2)


def test_two_doses_of_one_medicine_are_two_medications() -> None:
    raised = TRUTH["medications"][0] | {"dose": "20 mg"}
    truth = TRUTH | {"medications": [*TRUTH["medications"], raised]}
    assert score(found(), truth).lists["medications"] == Tally(2, 2, 3)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("hyperkalemia", "hypokalemia"),
        ("type 1 diabetes mellitus", "type 2 diabetes mellitus"),
        ("Vitamin B6", "Vitamin B12"),
    ],
)
def test_names_that_differ_in_the_telling_part_are_not_alike(one: str, other: str) -> None:
    assert likeness(one, other) == 0


@pytest.mark.parametrize("spelling", ["10^3/uL", "10*3/uL", "x10³/µL", "10^3 / μL"])
def test_spellings_of_one_unit_are_equal(spelling: str) -> None:
    assert normal_unit(spelling) == "103/ul"


def test_totals_are_micro_averaged() -> None:
    good = Scores({"medications": Tally(9, 9, 10), "results": Tally(), "conditions": Tally()})
    bad = Scores({"medications": Tally(0, 1, 0), "results": Tally(), "conditions": Tally()})
    assert sum_of([good, bad]).main == Tally(9, 10, 10)
