"""Layouts and wordings that no list holds: abbreviated headings, tables side by side, lists within a line."""

from __future__ import annotations

import pytest

from exora.documents.analysis.columns import role_of
from exora.documents.analysis.headings import heading_kind, read_heading
from exora.documents.analysis.inference import kind_of_names
from exora.documents.analysis.local import analyze_text
from exora.documents.analysis.reading import rows_in_order
from exora.domain.record import Record
from tests.documents.test_analysis_layouts import page, read, rows


def text(content: str) -> Record:
    return analyze_text(content, sha256="0" * 64)


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Imms Given", "immunizations"),
        ("Vax Record", "immunizations"),
        ("PMH / Active Dx", "conditions"),
        ("Known Drug and Food Allergies", "allergies"),
        ("Allergies/ADRs", "allergies"),
        ("Labs/Vitals", "results"),
        ("Measured Values", "results"),
        ("Current Rx:", "medications"),
        ("Tests and Procedures Done", "procedures"),
        ("Vital Signs Flowsheet", "vitals"),
    ],
)
def test_a_title_made_of_the_words_of_titles_is_a_heading(title: str, kind: str) -> None:
    assert heading_kind(title) == kind


@pytest.mark.parametrize(
    "entry",
    [
        "Drug allergy", "Food allergy", "Medication review in clinic", "1) Drug Allergy Status", "Chronic pain",
        "current medications given", "Documentation of current medications", "Surgery", "History of Procedure X",
    ],
)  # fmt: skip
def test_an_entry_of_a_list_is_none(entry: str) -> None:
    assert heading_kind(entry) is None


@pytest.mark.parametrize(
    ("header", "role"),
    [
        ("Admin Dt", "date"),
        ("Coll. Date", "date"),
        ("Noted On", "date"),
        ("Date Resolved", "end"),
        ("Entered By", "provider"),
        ("Vaccine Product", "vaccine"),
        ("Dx", "condition"),
        ("Allergic To", "allergen"),
        ("Px", "procedure"),
        ("Lab Test", "test"),
        ("Val", "value"),
    ],
)
def test_a_column_is_known_by_the_words_of_its_header(header: str, role: str) -> None:
    assert role_of(header) == role


def test_a_heading_may_be_two_letters_and_a_colon() -> None:
    heading = read_heading("Rx: Aspirin 81 mg")
    assert heading is not None
    assert (heading.kind, heading.rest) == ("medications", 3)


def test_two_groups_of_columns_are_two_tables() -> None:
    table = [
        ["Test", "Value", "Units", "Test", "Value", "Units"],
        ["Sodium", "139", "mmol/L", "Potassium", "4.1", "mmol/L"],
        ["Glucose", "98", "mg/dL", "Calcium", "9.2", "mg/dL"],
    ]
    record = read(page([(40, 40, "Labs/Vitals"), *rows(70, 14, [40, 130, 180, 300, 390, 440], table)]))

    assert [(r.name, r.value, r.unit) for r in record.results] == [
        ("Sodium", "139", "mmol/L"),
        ("Glucose", "98", "mg/dL"),
        ("Potassium", "4.1", "mmol/L"),
        ("Calcium", "9.2", "mg/dL"),
    ]


def test_headings_side_by_side_are_no_header_of_a_table() -> None:
    printed = [
        (40.0, 60.0, "Allergies"), (300.0, 60.0, "Shots Given"),
        (40.0, 76.0, "Penicillin"), (300.0, 76.0, "Influenza vaccine (3/4/2019)"),
        (40.0, 90.0, "Latex"), (300.0, 90.0, "MMR (5/6/2001)"),
        (300.0, 104.0, "Zoster vaccine (5/6/2015)"),
    ]  # fmt: skip
    record = read(page(printed))

    assert [item.name for item in record.allergies] == ["Penicillin", "Latex"]
    assert [item.date for item in record.immunizations] == ["2019-03-04", "2001-05-06", "2015-05-06"]


def test_a_unit_beside_the_name_is_the_unit_of_its_row() -> None:
    table = [["Parameter", "2020-01-19", "2019-01-13"], ["Body Weight (kg)", "82.6", "80.9"]]
    record = read(page([(40, 40, "Measured Values"), *rows(70, 14, [40, 250, 350], table)]))

    assert [(r.name, r.value, r.unit, r.date) for r in record.results] == [
        ("Body Weight", "82.6", "kg", "2020-01-19"),
        ("Body Weight", "80.9", "kg", "2019-01-13"),
    ]


def test_a_paragraph_parted_by_semicolons_is_a_list_wherever_its_lines_break() -> None:
    record = text(
        "Meds: Lisinopril 10 MG Oral Tablet; Acetaminophen 21.7 MG/ML / Codeine 2\n"
        "MG/ML Oral Solution; Metformin 500 MG Oral Tablet; Atorvastatin 20 MG\n"
        "Oral Tablet\n"
    )

    assert [item.name for item in record.medications] == [
        "Lisinopril 10 MG Oral Tablet",
        "Acetaminophen 21.7 MG/ML / Codeine 2 MG/ML Oral Solution",
        "Metformin 500 MG Oral Tablet",
        "Atorvastatin 20 MG Oral Tablet",
    ]


def test_a_value_after_a_key_an_arrow_or_dots_is_read() -> None:
    record = text(
        "Measurement: Body weight 81 kg\nMeasurement: Body height 171 cm\n\n"
        "Test results\n1) Sodium -> 139 mmol/L [2020-01-19]\n2) Potassium ..... 4.1 mmol/L\n"
    )

    assert {(r.name, r.value, r.unit) for r in record.results} == {
        ("Body weight", "81", "kg"),
        ("Body height", "171", "cm"),
        ("Sodium", "139", "mmol/L"),
        ("Potassium", "4.1", "mmol/L"),
    }


def test_a_table_of_plain_text_whose_columns_run_together_is_read_line_by_line() -> None:
    record = text(
        "CHEMISTRY\nTest Result Flag Reference range Units\n"
        "Glucose 92 65 - 99 mg/dL\nHemoglobin 12.2 L 13.2 - 17.1 g/dL\nSodium 141 135 - 146 mmol/L\n"
    )

    assert [(r.name, r.value, r.unit, r.range_low, r.flag) for r in record.results] == [
        ("Glucose", "92", "mg/dL", 65, None),
        ("Hemoglobin", "12.2", "g/dL", 13.2, "L"),
        ("Sodium", "141", "mmol/L", 135, None),
    ]


def test_the_end_of_a_cell_that_stands_twice_near_the_edges_is_no_running_head() -> None:
    first = [
        (40.0, 40.0, "Clinic of Springfield"),
        *rows(640, 14, [40], [["Results review"], ["Score"], ["[Reported]"]]),
    ]
    second = [
        (40.0, 40.0, "Clinic of Springfield"),
        (40.0, 80.0, "Score"),
        (40.0, 94.0, "[Reported]"),
        (40.0, 108.0, "x"),
    ]
    printed = [row.text for row in rows_in_order([page(first), page(second, number=2)])]

    assert printed.count("[Reported]") == 2
    assert printed.count("Clinic of Springfield") == 1


def test_an_unknown_vaccination_status_is_no_vaccine() -> None:
    table = [["Vaccine", "Date", "Status"], ["Unknown Immunization Status", "Nov 1999", "Completed"]]
    assert read(page([(40, 40, "Immunizations"), *rows(70, 14, [40, 250, 350], table)])).immunizations == []


@pytest.mark.parametrize("unit", ["10X9cells/L", "x10E3/uL", "uug"])
def test_rare_units_are_units(unit: str) -> None:
    [result] = text(f"Results\nWBC 5.2 {unit}\n").results
    assert result.unit == unit


def test_a_table_under_words_that_no_list_holds_is_read_by_what_stands_in_it() -> None:
    table = [
        ["Preparation", "Commenced", "Keyed By"],
        ["Lisinopril 10 MG Oral Tablet", "2019-03-12", "Clinic"],
        ["Metformin 500 MG Oral Tablet", "2020-01-02", "Clinic"],
    ]
    record = read(page([(40, 40, "Pharmacopoeia of Jane"), *rows(70, 14, [40, 250, 350], table)]))

    assert [(m.name, m.date) for m in record.medications] == [
        ("Lisinopril 10 MG Oral Tablet", "2019-03-12"),
        ("Metformin 500 MG Oral Tablet", "2020-01-02"),
    ]


def test_figures_under_a_word_for_something_else_are_values() -> None:
    table = [["Study", "Finding", "U/M"], ["Sodium", "139", "mmol/L"], ["Potassium", "4.1", "mmol/L"]]
    record = read(page([(40, 40, "Outcome of the Day"), *rows(70, 14, [40, 250, 350], table)]))

    assert [(r.name, r.value, r.unit) for r in record.results] == [
        ("Sodium", "139", "mmol/L"),
        ("Potassium", "4.1", "mmol/L"),
    ]
    assert record.conditions == []


def test_a_list_under_an_unknown_heading_is_what_its_entries_look_like() -> None:
    record = text(
        "Past Illnesses\n1) Asthma\n2) Hypertension\n\nJabs and Such\n1) MMR\n2) Influenza vaccine\n\n"
        "Sundries of Treatment: Lisinopril 10 MG Oral Tablet; Metformin 500 MG Oral Tablet\n"
    )

    assert [c.name for c in record.conditions] == ["Asthma", "Hypertension"]
    assert [v.name for v in record.immunizations] == ["MMR", "Influenza vaccine"]
    assert [m.name for m in record.medications] == ["Lisinopril 10 MG Oral Tablet", "Metformin 500 MG Oral Tablet"]


@pytest.mark.parametrize(
    "names", [["Jane Roe", "John Doe"], ["Room 4", "Ward B"], [], ["He was seen by us in May and is well."]]
)
def test_a_list_of_something_else_stays_unread(names: list[str]) -> None:
    assert kind_of_names(names) is None


def test_a_table_ends_where_a_title_stands_over_another_one() -> None:
    first = [["Shot", "Received"], ["MMR", "2001-05-06"]]
    second = [["Remedy", "Put On"], ["Lisinopril 10 MG Oral Tablet", "2019-03-12"]]
    printed = [
        (40.0, 40.0, "Vaccines"), *rows(60, 14, [40, 250], first),
        (40.0, 104.0, "Pills & Doses"), *rows(124, 14, [40, 250], second),
    ]  # fmt: skip
    record = read(page(printed))

    assert [v.name for v in record.immunizations] == ["MMR"]
    assert [m.name for m in record.medications] == ["Lisinopril 10 MG Oral Tablet"]


def test_a_title_of_several_words_for_columns_is_no_header() -> None:
    record = text("Reactions to Substances\nPenicillin\n\nProblems\nAsthma\n")
    assert [c.name for c in record.conditions] == ["Asthma"]


def test_two_words_for_columns_over_cells_that_reach_across_are_one_header() -> None:
    table = [
        ["Prescribed Item", "Dispensed", "Recorded By"],
        ["Lisinopril 10 MG Oral Tablet", "2019-03-12", "Clinic"],
        ["Metformin 500 MG Oral Tablet", "2020-01-02", "Clinic"],
    ]
    record = read(page([(40, 40, "Medication List"), *rows(70, 14, [40, 300, 420], table)]))

    assert [m.name for m in record.medications] == ["Lisinopril 10 MG Oral Tablet", "Metformin 500 MG Oral Tablet"]
