"""Documents as clinics print them: lists that run on in a letter, details below names, a row for each date."""

from __future__ import annotations

import pytest

from exora.documents.analysis.columns import role_of
from exora.documents.analysis.local import analyze_text
from exora.documents.analysis.running import list_spans
from exora.documents.analysis.wording import kind_of_title
from exora.domain.record import Record
from tests.documents.test_analysis_layouts import page, read, rows


def text(content: str) -> Record:
    return analyze_text(content, sha256="0" * 64)


@pytest.mark.parametrize(
    ("printed", "entries"),
    [
        ("Peanuts, Latex, Eggs and Lisinopril.", ["Peanuts", "Latex", "Eggs", "Lisinopril"]),
        ("MMR; Influenza, seasonal; HPV, 9-valent", ["MMR", "Influenza, seasonal", "HPV, 9-valent"]),
        ("Gout, Chronic kidney disease, stage 3", ["Gout", "Chronic kidney disease, stage 3"]),
        ("Cesarean section and CT of the abdomen and pelvis", ["Cesarean section", "CT of the abdomen and pelvis"]),
        ("hypertension, gout and asthma", ["hypertension", "gout", "asthma"]),
        ("Nausea and vomiting", ["Nausea and vomiting"]),
    ],
)
def test_a_list_that_runs_on_is_cut_where_names_start(printed: str, entries: list[str]) -> None:
    assert [printed[a:b].strip() for a, b in list_spans(printed)] == entries


def test_a_letter_lists_what_its_sentences_announce() -> None:
    record = text(
        "Dear Colleague,\n\nThank you for seeing this patient.\n\n"
        "He is allergic to Peanuts, Latex and Codeine.\n\n"
        "He takes Lisinopril 10 mg, Metformin 500 mg and Aspirin 81 mg.\n\n"
        "He is known to have Hypertension, Gout and Asthma.\n\n"
        "Latest readings were as follows: Heart rate 68 bpm, Creatinine 0.95 mg/dL, Weight 66.3 kg.\n\n"
        "Kind regards,\nDr A. Morgan\n"
    )

    assert [a.name for a in record.allergies] == ["Peanuts", "Latex", "Codeine"]
    assert [(m.name, m.dose) for m in record.medications] == [
        ("Lisinopril", "10 mg"),
        ("Metformin", "500 mg"),
        ("Aspirin", "81 mg"),
    ]
    assert [c.name for c in record.conditions] == ["Hypertension", "Gout", "Asthma"]
    assert [(r.name, r.value) for r in record.results] == [
        ("Heart rate", "68"),
        ("Creatinine", "0.95"),
        ("Weight", "66.3"),
    ]


def test_details_below_a_name_belong_to_it() -> None:
    printed = [
        (40.0, 40.0, "Allergies"), (40.0, 54.0, "Peanuts"), (52.0, 66.0, "Noted 3 May 2016"),
        (52.0, 78.0, "Reaction: hives"), (40.0, 90.0, "Latex"), (52.0, 102.0, "Noted 4 June 2017"),
        (40.0, 130.0, "Test results"), (40.0, 144.0, "Creatinine"), (52.0, 156.0, "Your value: 0.95 mg/dL"),
        (52.0, 168.0, "Collected on 2020-11-02"),
    ]  # fmt: skip
    record = read(page(printed))

    assert [(a.name, a.date, a.reaction) for a in record.allergies] == [
        ("Peanuts", "2016-05-03", "hives"),
        ("Latex", "2017-06-04", None),
    ]
    assert [(r.name, r.value, r.unit, r.date) for r in record.results] == [
        ("Creatinine", "0.95", "mg/dL", "2020-11-02")
    ]


def test_a_row_for_each_date_and_a_column_for_each_test() -> None:
    table = [
        ["Date", "Heart rate", "Diastolic Blood", "Oddity index"],
        ["", "", "Pressure", ""],
        ["Unit", "bpm", "mmHg", ""],
        ["2020-11-02", "68", "70.4", "1.5"],
        ["2020-08-03", "72", "", "1.8"],
    ]
    record = read(page([(40, 40, "Results"), *rows(60, 12, [40, 150, 250, 380], table)]))

    assert [(r.name, r.value, r.unit, r.date) for r in record.results] == [
        ("Heart rate", "68", "bpm", "2020-11-02"),
        ("Diastolic Blood Pressure", "70.4", "mmHg", "2020-11-02"),
        ("Oddity index", "1.5", None, "2020-11-02"),
        ("Heart rate", "72", "bpm", "2020-08-03"),
        ("Oddity index", "1.8", None, "2020-08-03"),
    ]


def test_the_clock_over_a_chart_of_medicines_is_no_column_of_results() -> None:
    table = [
        ["Drug", "Route", "Frequency", "08:00", "20:00"],
        ["Lisinopril 10 mg", "PO", "daily", "JM", "-"],
        ["Metformin 500 mg", "PO", "BID", "JM", "KL"],
    ]
    record = read(page([(40, 40, "Drug chart"), *rows(60, 14, [40, 200, 260, 340, 400], table)]))

    assert [(m.name, m.route) for m in record.medications] == [("Lisinopril", "PO"), ("Metformin", "PO")]
    assert record.results == []


def test_a_progress_note_is_cut_at_its_letters() -> None:
    record = text(
        "S:\nFeels well, no new concerns.\nAllergies: Bee venom, Eggs\nO:\nHeart rate 68 bpm; Weight 66.3 kg\n"
        "A:\n1. Peripheral neuropathy\n2. Gout\n- well controlled\nP:\nReturn in three months.\n"
    )

    assert [a.name for a in record.allergies] == ["Bee venom", "Eggs"]
    assert [c.name for c in record.conditions] == ["Peripheral neuropathy", "Gout"]


def test_names_tell_what_a_column_headed_product_holds() -> None:
    table = [["Product", "Given"], ["Influenza, seasonal, injectable", "2019-03-12"], ["Hep A, adult", "2020-01-02"]]
    record = read(page([(40, 40, "Vaccinations"), *rows(60, 14, [40, 250], table)]))

    assert [i.name for i in record.immunizations] == ["Influenza, seasonal, injectable", "Hep A, adult"]
    assert record.medications == []


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Vaccine Passport", "immunizations"),
        ("Drug Reactions", "allergies"),
        ("Chronic Disease Register", "conditions"),
    ],
)
def test_a_title_by_its_place_is_named_by_any_of_its_words(title: str, kind: str) -> None:
    assert kind_of_title(title) == kind


@pytest.mark.parametrize(
    ("header", "role"),
    [
        ("Procedure / Test", "procedure"), ("Substance/Food", "allergen"), ("Dose / Route", "sig"),
        ("Reaction To", "allergen"), ("Vax Date", "date"), ("Completed On", "date"), ("Completed", None),
    ],
)  # fmt: skip
def test_a_column_named_twice_has_one_role(header: str, role: str | None) -> None:
    assert role_of(header) == role


def test_fields_parted_by_bars_are_read_with_or_without_a_line_that_names_them() -> None:
    record = text(
        "PROBLEMS\n------------------\nGout | 2019-03-12\nChronic kidney disease, stage 3 | 2018-09-02\n\n"
        "LABORATORY PANEL\n------------------\nTest | Quantity | Unit | Date\n"
        "Sodium | 139 | mmol/L | 2020-01-19\nINR | 1.1 | | 2020-01-19\n"
    )

    assert [(c.name, c.date) for c in record.conditions] == [
        ("Gout", "2019-03-12"),
        ("Chronic kidney disease, stage 3", "2018-09-02"),
    ]
    assert [(r.name, r.value, r.unit, r.date) for r in record.results] == [
        ("Sodium", "139", "mmol/L", "2020-01-19"),
        ("INR", "1.1", None, "2020-01-19"),
    ]


def test_cards_side_by_side_are_read_one_below_the_other() -> None:
    cards = [
        ["Procedure Title: Hernia repair", "Procedure Title: CT of the abdomen"],
        ["Theatre Date: 2019-03-12", "and pelvis"],
        ["", "Theatre Date: 2020-01-02"],
    ]
    record = read(page([(40, 40, "Procedures"), *rows(60, 12, [40, 300], cards)]))

    assert [(p.name, p.date) for p in record.procedures] == [
        ("Hernia repair", "2019-03-12"),
        ("CT of the abdomen and pelvis", "2020-01-02"),
    ]


def test_letters_in_brackets_number_a_list() -> None:
    record = text("Diagnoses\n(a) Gout, 2019-03-12\n(b) Psoriasis (2014)\n")

    assert [c.name for c in record.conditions] == ["Gout", "Psoriasis"]


def test_short_hand_before_an_equals_sign_is_a_heading() -> None:
    record = text("PMHx = Gout; Psoriasis; Asthma\n\nAll = Peanuts, Latex, Eggs\n")

    assert [c.name for c in record.conditions] == ["Gout", "Psoriasis", "Asthma"]
    assert [a.name for a in record.allergies] == ["Peanuts", "Latex", "Eggs"]


def test_a_figure_overrules_the_key_before_it() -> None:
    record = text("Results\nName of Test: Sodium\nObserved: 139 mmol/L\nResulted: 2020-01-19\n")

    assert [(r.name, r.value, r.unit, r.date) for r in record.results] == [("Sodium", "139", "mmol/L", "2020-01-19")]


def test_results_among_other_entries_are_known_by_the_word_before_them() -> None:
    record = text(
        "Timeline\n2020-01-19\nProblem: Gout\nResult: Body weight 81 kg\nResult: Body height 171 cm\n2019-03-12\n"
        "Problem: Psoriasis\nResult: Sodium 139 mmol/L\n"
    )

    assert [c.name for c in record.conditions] == ["Gout", "Psoriasis"]
    assert [(r.name, r.value) for r in record.results] == [
        ("Body weight", "81"),
        ("Body height", "171"),
        ("Sodium", "139"),
    ]
