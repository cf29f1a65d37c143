"""The sequence models: tokens, word lists, short forms, what they find, and that training is reproducible."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from exora.documents.analysis.expressions import expression_marks, points_in_time
from exora.documents.analysis.features import WordList, abbreviations, phrase_key, tokenize
from exora.documents.analysis.grammars import Entity, with_points_in_time, without_references
from exora.documents.analysis.sequence import (
    chemicals_and_diseases,
    clinical_entities,
    read_sentences,
    repeat,
    with_tags,
)
from quality.models.classes import word_classes
from quality.models.corpora import Document, without_overlaps
from quality.models.corpora import Entity as Annotated
from quality.models.train import labels, train_abstracts

REPORT = (
    "A 54-year-old woman presented with chest pain and fever. Her hemoglobin was 9.1 g/dL. "
    "She was treated with metoprolol 50 mg daily and underwent coronary angiography in March 2012."
)


def test_letters_digits_and_marks_are_tokens_of_their_own() -> None:
    assert [token.text for token in tokenize("5-HT2A, 0.5 mg/kg")] == [
        "5", "-", "HT", "2", "A", ",", "0", ".", "5", "mg", "/", "kg"
    ]  # fmt: skip


def test_a_word_list_marks_the_longest_phrase_across_hyphens() -> None:
    known = WordList(map(phrase_key, ["heart failure", "heart", "alpha-methyldopa"]))
    tokens = tokenize("Heart failure after alpha-methyldopa")
    places = [i for i, token in enumerate(tokens) if token.text[0].isalnum()]

    marks = known.marks([tokens[i].text.lower() for i in places], places, len(tokens))

    assert marks == ["B", "E", "", "B", "I", "E"]


def test_a_short_form_is_explained_by_the_words_before_it() -> None:
    text = "He had atrial fibrillation (AF) and chronic obstructive pulmonary disease (COPD), not (a) or (Fig)."

    assert abbreviations(text) == {"AF": "atrial fibrillation", "COPD": "chronic obstructive pulmonary disease"}


@pytest.mark.parametrize(
    ("text", "name"),
    [("two weeks later", "T>"), ("March 2012", "TD"), ("5 mg/kg", "QD"), ("9.1 g/dL", "QC"), ("twice daily", "QF")],
)
def test_times_and_quantities_are_marked_whole(text: str, name: str) -> None:
    marks = expression_marks(text, [(token.start, token.end) for token in tokenize(text)])

    assert marks[0] == name + "B"
    assert set(marks[1:]) <= {name + "I"}


def test_points_in_time_are_dates_and_spans_are_not() -> None:
    text = (
        "In May 2010, two weeks later, on the 14th POD and at the age of 35 he had pain for the past year, within 2 "
        "hours, on days 1 to 5 and with a two-day history. OCT was done and cyclin D1 seen; 72/34/47 mmHg."
    )

    assert [text[a:b] for a, b in points_in_time(text)] == [
        "May 2010", "two weeks later", "the 14th POD", "at the age of 35"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "point",
    [
        "the second day", "more than [10 years ago]", "underwent prostatectomy [seven years before]", "[months ago]",
        "[the week prior to onset]", "At [the day of admission]", "[at his 4-year follow-up]",
        "[At the 7-month follow-up] time point", "[One month back]", "[three weeks postdischarge]",
        "[6 months beforehand]", "[At approximately 6 months of age]", "between April [and June]", "[in 10 days]",
        "[At 12- month follow- up] he", "[one-month and three-month follow-up] visits", "resolved [within one week] of",
        "[When the girl was approximately 2 years old]", "[at the time of writing] this", "[At 37], she gave birth",
    ],
)  # fmt: skip
def test_a_point_in_time_is_known_by_how_it_is_told(point: str) -> None:
    text = point.replace("[", "").replace("]", "")
    told = point[point.find("[") + 1 : point.find("]")] if "[" in point else point

    assert told in [text[a:b] for a, b in points_in_time(text)]


@pytest.mark.parametrize(
    "text",
    [
        "on d 22 to 24", "(NRS 2002)", "for almost two years before", "at 6-month intervals", "at 8 weeks of life",
        "the 2006 Sapporo criteria", "over the previous week", "for the first day", "during the previous year",
    ],
)  # fmt: skip
def test_spans_and_names_are_no_points_in_time(text: str) -> None:
    assert points_in_time(text) == []


def test_ranges_of_reference_are_no_values() -> None:
    text = (
        "Hemoglobin was 8.6 g/dL (12–16 g/dL), CRP 0.2 mg/dL (RV: 0.0–0.5), "
        "amylase (227 IU/L, normal range 43-116 IU/L), length 47 cm (<10th percentile). Calcium was normal (9.7 mg/dl)."
    )
    values = [
        "8.6 g/dL",
        "12–16 g/dL",
        "0.2 mg/dL",
        "0.0–0.5",
        "227 IU/L",
        "43-116 IU/L",
        "47 cm",
        "<10th percentile",
        "9.7 mg/dl",
    ]
    found = [Entity(text.index(value), text.index(value) + len(value), "value", 0.9) for value in values]
    named = Entity(text.index("normal range"), text.index("normal range") + 12, "test", 0.9)

    kept = [text[e.start : e.end] for e in without_references(text, [*found, named])]

    assert kept == ["8.6 g/dL", "0.2 mg/dL", "227 IU/L", "47 cm", "<10th percentile", "9.7 mg/dl"]


def test_hours_and_intervals_are_no_dates_however_sure_the_model_is() -> None:
    text = "Seen at 6-month intervals. Few minutes later on d 22 to 24 he was better in week twelve."
    told = ["6-month intervals", "Few minutes later", "22 to 24", "in week twelve"]
    found = [Entity(text.index(each), text.index(each) + len(each), "date", 0.95) for each in told]

    assert [text[e.start : e.end] for e in with_points_in_time(text, found)] == ["in week twelve"]


def test_a_point_in_time_is_nothing_else_and_stands_by_nothing_that_reaches_beyond_it() -> None:
    text = "On 1st POD he was seen; pain after two weeks later, at 36+2 gestational weeks."
    found = [
        Entity(text.index("1st POD"), text.index(" he"), "value", 0.6),
        Entity(text.index("pain"), text.index(","), "problem", 0.6),
    ]

    assert [(text[e.start : e.end], e.kind) for e in with_points_in_time(text, found)] == [
        ("1st POD", "date"), ("pain after two weeks later", "problem"), ("36+2 gestational weeks", "date")
    ]  # fmt: skip


def test_a_case_report_is_taken_apart() -> None:
    found = {(REPORT[e.start : e.end], e.kind) for e in clinical_entities(REPORT)}

    assert {
        ("pain", "problem"),
        ("fever", "problem"),
        ("hemoglobin", "test"),
        ("9.1 g/dL", "value"),
        ("metoprolol", "drug"),
        ("coronary angiography", "test"),
        ("March 2012", "date"),
    } <= found


def test_probabilities_are_of_the_entity_found() -> None:
    for entity in clinical_entities(REPORT):
        assert 0.3 <= entity.probability <= 1.0001


def test_threads_share_a_model() -> None:
    texts = [REPORT, "Fever.", "No chest pain was found at the visit in May 2010. " * 3, "She takes aspirin 81 mg."] * 8
    alone = [clinical_entities(text) for text in texts]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # so that threads meet within a sentence
    try:
        with ThreadPoolExecutor(4) as threads:
            assert list(threads.map(clinical_entities, texts)) == alone
    finally:
        sys.setswitchinterval(before)


def test_a_name_passed_over_in_one_place_is_found_through_another() -> None:
    text = "Atrial fibrillation (AF) is common. AF was treated."
    found = [Entity(0, 19, "disease", 0.9)]

    more = repeat(text, found, ["disease"])

    assert [(text[e.start : e.end], e.kind) for e in more] == [
        ("Atrial fibrillation", "disease"),
        ("AF", "disease"),
        ("AF", "disease"),
    ]


def test_chemicals_and_diseases_of_an_abstract() -> None:
    text = "Acetaminophen-induced hepatotoxicity in mice. Acetaminophen caused liver injury."

    assert [(text[e.start : e.end], e.kind) for e in chemicals_and_diseases(text)] == [
        ("Acetaminophen", "chemical"),
        ("hepatotoxicity", "disease"),
        ("Acetaminophen", "chemical"),
        ("liver injury", "disease"),
    ]


def test_of_overlapping_annotations_the_longer_one_is_trained() -> None:
    spans = [Annotated(0, 4, "a"), Annotated(0, 10, "b"), Annotated(12, 14, "a")]

    kept = without_overlaps(spans)

    assert kept == [Annotated(0, 10, "b"), Annotated(12, 14, "a")]
    assert labels(tokenize("abcd efghi jk"), [Annotated(0, 10, "b")], ends=True) == ["B-b", "E-b", "O"]


def test_words_in_the_same_company_are_of_one_group() -> None:
    said = [f"She was given {drug} for severe pain. " for drug in ("aspirin", "ibuprofen", "once")]
    texts = [text * 3 for text in said[:2]] + said[2:] + ["Her liver was enlarged on palpation. " * 3]

    groups = word_classes(texts)

    assert groups["aspirin"] == groups["ibuprofen"] != groups["liver"]
    assert "once" not in groups
    assert groups == word_classes(texts)


def test_the_model_of_case_reports_sees_the_likes_of_a_word_and_what_was_told_before() -> None:
    first, second = read_sentences("The tumor was seen. Then the tumor (round) grew.")
    tags = ["O"] * len(second.tokens)

    rows = dict(zip([t.text for t in second.tokens], with_tags(second, tags, {"tumor": (7, 3)}).features, strict=True))

    assert {"c=7", "C=3", "seen"} <= set(rows["tumor"])
    assert {"-1c=7", "-1C=3", "in("} <= set(rows["("])
    assert "in(" in rows["round"]
    assert "in(" not in rows["grew"]
    assert "seen" not in with_tags(first, tags[: len(first.tokens)], {}).features[1]


def test_training_twice_gives_the_same_model_bit_for_bit() -> None:
    documents = [
        Document("1", "Aspirin for pain.", [Annotated(0, 7, "chemical"), Annotated(12, 16, "disease")]),
        Document("2", "Aspirin causes pain.", [Annotated(0, 7, "chemical"), Annotated(15, 19, "disease")]),
    ]

    assert train_abstracts(documents) == train_abstracts(documents)
