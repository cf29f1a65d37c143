"""The analyzer on pages with word boxes: tables, wrapped cells, two columns, skewed scans, pages that go on."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from exora.documents.analysis import ANALYZER
from exora.documents.analysis.local import analyze
from exora.domain.document import Box, Line, PageText, Word
from exora.domain.record import Record

WIDTH, HEIGHT = 612.0, 792.0
LETTER, SIZE = 5.0, 9.0
Printed = tuple[float, float, str]


def page(printed: Sequence[Printed], *, number: int = 1, skew: float = 0.0, confidence: float = 1.0) -> PageText:
    """A page of text pieces (x and y in points), turned by ``skew`` degrees about its top left corner."""
    lines = []
    for x, y, text in printed:
        words, left = [], x
        for part in text.split(" "):
            right = left + LETTER * len(part)
            words.append(Word(part, turned(left, y, right, y + SIZE, skew), confidence))
            left = right + 0.55 * LETTER
        lines.append(Line(tuple(words)))
    return PageText(number, WIDTH, HEIGHT, tuple(lines), "text-layer", "pdfium")


def turned(x0: float, y0: float, x1: float, y1: float, degrees: float) -> Box:
    slope = math.radians(degrees)
    middle_x, middle_y = (x0 + x1) / 2, (y0 + y1) / 2
    x = middle_x * math.cos(slope) - middle_y * math.sin(slope)
    y = middle_x * math.sin(slope) + middle_y * math.cos(slope)
    half_w, half_h = (x1 - x0) / 2, (y1 - y0) / 2
    return Box((x - half_w) / WIDTH, (y - half_h) / HEIGHT, (x + half_w) / WIDTH, (y + half_h) / HEIGHT)


def rows(top: float, pitch: float, columns: Sequence[float], table: Sequence[Sequence[str]]) -> list[Printed]:
    return [
        (columns[column], top + index * pitch, cell)
        for index, cells in enumerate(table)
        for column, cell in enumerate(cells)
        if cell
    ]


def read(*pages: PageText) -> Record:
    return analyze(pages, sha256="0" * 64)


LABS = [
    ["Test", "Result", "Units", "Reference range", "Flag", "Date"],
    ["Hemoglobin A1c", "7.2", "%", "4.0-5.6", "H", "2019-03-12"],
    ["Low Density Lipoprotein Cholesterol", "88", "mg/dL", "<100", "", "2019-03-12"],
    ["Leukocytes [#/volume] in Blood by Automated count", "6.2", "10*3/uL", "4.5 - 11.0", "", "2019-03-12"],
]
LAB_COLUMNS = [40, 320, 360, 420, 510, 540]


@pytest.mark.parametrize("skew", [0.0, 1.6, -1.9])
def test_a_results_table_is_read_by_column_even_when_the_scan_is_skewed(skew: float) -> None:
    record = read(page([(40, 60, "LABORATORY REPORT"), *rows(100, 16, LAB_COLUMNS, LABS)], skew=skew))

    found = [(r.name, r.value, r.unit, r.range_low, r.range_high, r.flag, r.date) for r in record.results]
    assert found == [
        ("Hemoglobin A1c", "7.2", "%", 4.0, 5.6, "H", "2019-03-12"),
        ("Low Density Lipoprotein Cholesterol", "88", "mg/dL", None, 100.0, None, "2019-03-12"),
        ("Leukocytes [#/volume] in Blood by Automated count", "6.2", "10*3/uL", 4.5, 11.0, None, "2019-03-12"),
    ]
    assert [r.coding.code for r in record.results if r.coding] == ["4548-4", "18262-6", "6690-2"]
    assert {r.category for r in record.results} == {"laboratory"}
    assert record.document.type == "laboratory_report"


def test_rows_without_wide_gaps_still_fall_into_their_columns() -> None:
    table = [
        ["Medication", "Dose", "Route", "Frequency"],
        ["Fexofenadine hydrochloride 30", "1 tablet", "oral", "twice daily"],
        ["Naproxen sodium 220 MG capsules", "2 tablets", "oral", "every 8 hours"],
    ]
    record = read(page([(40, 40, "Medication List"), *rows(70, 14, [40, 205, 260, 300], table)]))

    assert [(m.name, m.dose, m.route, m.frequency) for m in record.medications] == [
        ("Fexofenadine hydrochloride 30", "1 tablet", "oral", "twice daily"),
        ("Naproxen sodium 220 MG capsules", "2 tablets", "oral", "every 8 hours"),
    ]


def test_a_name_that_wraps_in_a_narrow_cell_stays_whole_wherever_the_other_cells_stand() -> None:
    printed = [
        (40, 40, "Immunization Record"),
        (40, 70, "Vaccine"), (200, 70, "Date given"),
        (40, 92, "Influenza, seasonal,"), (40, 103, "injectable,"), (40, 114, "preservative free"),
        (200, 103, "2018-10-02"),
        (40, 136, "Td (adult)"), (200, 136, "2015-06-01"),
    ]  # fmt: skip
    record = read(page(printed))

    assert [(i.name, i.date) for i in record.immunizations] == [
        ("Influenza, seasonal, injectable, preservative free", "2018-10-02"),
        ("Td (adult)", "2015-06-01"),
    ]
    assert record.immunizations[0].coding is not None
    assert record.immunizations[0].coding.code == "140"


def test_an_immunization_card_gives_one_item_for_each_dose() -> None:
    table = [
        ["Vaccine", "Dose 1", "Dose 2", "Dose 3"],
        ["DTaP", "09/02/2019", "11/04/2019", "02/03/2020"],
        ["MMR", "08/03/2020"],
    ]
    record = read(page([(40, 40, "Immunization Record"), *rows(70, 14, [40, 200, 290, 380], table)]))

    assert [(i.name, i.date) for i in record.immunizations] == [
        ("DTaP", "2019-09-02"),
        ("DTaP", "2019-11-04"),
        ("DTaP", "2020-02-03"),
        ("MMR", "2020-08-03"),
    ]
    assert record.results == []


def test_a_table_goes_on_over_a_page_break_with_and_without_its_header() -> None:
    head = LABS[:2]
    second = [LABS[0], ["Sodium", "139", "mmol/L", "135-146", "", "2019-03-12"]]
    third = [["Potassium", "4.4", "mmol/L", "3.5-5.3", "", "2019-03-12"]]
    record = read(
        page(rows(100, 16, LAB_COLUMNS, head)),
        page(rows(60, 16, LAB_COLUMNS, second), number=2),
        page(rows(60, 16, LAB_COLUMNS, third), number=3),
    )

    assert [(r.name, r.source.page) for r in record.results] == [
        ("Hemoglobin A1c", 1),
        ("Sodium", 2),
        ("Potassium", 3),
    ]


def test_panel_titles_inside_a_table_of_results_do_not_end_it() -> None:
    table = [LABS[0], ["LIPID PANEL"], ["Triglycerides", "188", "mg/dL", "<150", "H", "2019-03-12"]]
    record = read(page(rows(100, 16, LAB_COLUMNS, table)))

    assert [(r.name, r.value, r.unit, r.flag) for r in record.results] == [("Triglycerides", "188", "mg/dL", "H")]


def test_columns_of_dates_hold_one_result_for_each_day() -> None:
    table = [
        ["Lipids", "Unit", "Reference", "06/28/2011", "02/10/2015"],
        ["Total cholesterol", "mg/dL", "<200", "187", "175 H"],
    ]
    record = read(page([(40, 40, "Laboratory results"), *rows(70, 14, [40, 180, 240, 320, 420], table)]))

    assert [(r.name, r.value, r.unit, r.flag, r.date) for r in record.results] == [
        ("Total cholesterol", "187", "mg/dL", None, "2011-06-28"),
        ("Total cholesterol", "175", "mg/dL", "H", "2015-02-10"),
    ]


def test_columns_of_tests_give_a_pressure_as_two_vital_signs() -> None:
    table = [["Date", "BP (mmHg)", "Weight (kg)"], ["03/12/2019", "128/82", "80.5"]]
    record = read(page([(40, 40, "Vital signs"), *rows(70, 14, [40, 160, 280], table)]))

    assert [(r.name, r.value, r.unit, r.category, r.date) for r in record.results] == [
        ("Systolic blood pressure", "128", "mmHg", "vital", "2019-03-12"),
        ("Diastolic blood pressure", "82", "mmHg", "vital", "2019-03-12"),
        ("Weight", "80.5", "kg", "vital", "2019-03-12"),
    ]


def test_two_columns_of_lists_are_read_one_after_the_other() -> None:
    left = [(40.0, 100.0 + 14 * i, text) for i, text in enumerate(["Problems", "• Hypertension", "• Sprain of ankle"])]
    right = [
        (320.0, 103.0 + 14 * i, text)
        for i, text in enumerate(["Medications", "• Clopidogrel 75 MG Oral Tablet", "Allergies", "• Shellfish allergy"])
    ]
    record = read(page([*left, *right, (40, 200, "Results"), (40, 216, "Glucose 99 mg/dL (70-99)")]))

    assert [c.name for c in record.conditions] == ["Hypertension", "Sprain of ankle"]
    assert [m.name for m in record.medications] == ["Clopidogrel 75 MG Oral Tablet"]
    assert [a.name for a in record.allergies] == ["Shellfish allergy"]
    assert [(r.name, r.value, r.range_low, r.range_high) for r in record.results] == [("Glucose", "99", 70.0, 99.0)]


def test_every_item_is_quoted_and_boxed_where_it_stands() -> None:
    scanned = page([(40, 60, "Allergies"), (40, 80, "Penicillin - hives (moderate)")], confidence=0.8)
    (allergy,) = read(scanned).allergies

    assert (allergy.name, allergy.reaction, allergy.severity) == ("Penicillin", "hives", "moderate")
    assert allergy.source.quote == "Penicillin - hives (moderate)"
    assert allergy.source.quote in scanned.text
    start = scanned.text.index(allergy.source.quote)
    assert allergy.source.box == scanned.box_at(start, start + len(allergy.source.quote))
    assert allergy.confidence < 0.8


def test_conditions_that_a_table_says_are_resolved_are_historical() -> None:
    table = [
        ["Condition", "Onset", "Resolved", "Status"],
        ["Viral sinusitis (disorder)", "2020-08-17", "2020-08-31", "resolved"],
        ["Body mass index 30+ - obesity (finding)", "2015-10-07", "", "active"],
    ]
    record = read(page([(40, 40, "Diagnoses"), *rows(70, 14, [40, 280, 360, 440], table)]))

    assert [(c.name, c.date, c.temporality) for c in record.conditions] == [
        ("Viral sinusitis (disorder)", "2020-08-17", "historical"),
        ("Body mass index 30+ - obesity (finding)", "2015-10-07", "current"),
    ]
    assert record.results == []


def test_the_record_names_its_readers_and_an_empty_document_is_empty() -> None:
    record = read(PageText(1, WIDTH, HEIGHT, (), "ocr", "tesseract"), page([], number=2))

    assert record.engines.ocr == "tesseract+pdfium"
    assert record.engines.analyzer == ANALYZER == "local/4"
    assert set(record.item_counts().values()) == {0}
    assert record.document.pages == 2
