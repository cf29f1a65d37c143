"""The grammars of the analyzer: dates, values, units, ranges, doses; and the rule that guards quotes."""

from __future__ import annotations

import pytest

from exora.documents.analysis.dates import first_date
from exora.documents.analysis.doses import read_medication
from exora.documents.analysis.draft import Draft, clean_name
from exora.documents.analysis.geometry import Run, page_rows
from exora.documents.analysis.headings import read_heading
from exora.documents.analysis.merge import build_items, stands_in
from exora.documents.analysis.text import pages_from_text
from exora.documents.analysis.values import read_range, read_tail, read_value, ucum

LISINOPRIL = "Lisinopril 10 MG Oral Tablet"
METFORMIN = "24 HR Metformin hydrochloride 500 MG Extended Release Oral Tablet"


@pytest.mark.parametrize(
    ("printed", "iso"),
    [
        ("2019-03-12", "2019-03-12"),
        ("03/12/2019", "2019-03-12"),
        ("25/12/2019", "2019-12-25"),
        ("3/4/19", "2019-03-04"),
        ("12 March 2019", "2019-03-12"),
        ("Mar 12, 2019", "2019-03-12"),
        ("12-Mar-2019", "2019-03-12"),
        ("March 2019", "2019-03"),
        ("03/2019", "2019-03"),
        ("2019", "2019"),
        ("O3/l2/2019", "2019-03-12"),
        ("2019-03-12T08:30:00Z", "2019-03-12"),
        ("128/82", None),
        ("13/32/2019", None),
    ],
)
def test_dates_become_iso_8601_with_the_precision_printed(printed: str, iso: str | None) -> None:
    assert first_date(f"on {printed} at noon") == iso


@pytest.mark.parametrize(
    ("printed", "value"),
    [
        ("7.2 %", "7.2"),
        ("<0.04", "<0.04"),
        ("128/82", "128/82"),
        ("l2.5", "12.5"),
        ("1,024 U/L", "1,024"),
        ("Negative", "Negative"),
    ],
)
def test_values_are_read_as_printed_and_misread_digits_repaired(printed: str, value: str) -> None:
    found = read_value(printed)

    assert found is not None
    assert found.text == value


@pytest.mark.parametrize(
    ("printed", "low", "high"),
    [
        ("3.5-5.0", 3.5, 5.0),
        ("4.0 to 5.6", 4.0, 5.6),
        ("<200", None, 200.0),
        (">=60", 60.0, None),
        ("< or = 5.6", None, 5.6),
        ("135 – 146", 135.0, 146.0),
    ],
)
def test_reference_ranges(printed: str, low: float | None, high: float | None) -> None:
    found = read_range(printed)

    assert found is not None
    assert (found.low, found.high) == (low, high)


@pytest.mark.parametrize(
    ("printed", "code"),
    [
        ("mg/dl", "mg/dL"),
        ("mg/dI", "mg/dL"),
        ("x10E3/uL", "10*3/uL"),
        ("10^3/µL", "10*3/uL"),
        ("mmHg", "mm[Hg]"),
        ("blobs", None),
    ],
)
def test_printed_units_map_to_ucum_or_to_nothing(printed: str, code: str | None) -> None:
    assert ucum(printed) == code


def test_unit_range_and_flag_are_read_in_any_order() -> None:
    for tail in (" mg/dL (3.5-5.0) H", " H 3.5 - 5.0 mg/dL", " (H) mg/dL 3.5-5.0"):
        found = read_tail(tail)
        assert found.range is not None
        assert (found.unit, found.range.low, found.range.high, found.flag) == ("mg/dL", 3.5, 5.0, "H")


@pytest.mark.parametrize(
    ("line", "name", "dose", "route", "frequency"),
    [
        ("Metformin 500 mg PO BID", "Metformin", "500 mg", "PO", "BID"),
        ("Albuterol 2 puffs inhaled every 6 hours", "Albuterol", "2 puffs", "inhaled", "every 6 hours"),
        (f"{LISINOPRIL}, 1 tablet by mouth once daily", LISINOPRIL, "1 tablet", "by mouth", "once daily"),
        (METFORMIN, METFORMIN, "500 MG", None, None),
        ("Hydrochlorothiazide 25 MG", "Hydrochlorothiazide 25 MG", "25 MG", None, None),
        ("Insulin glargine 12 units subcut at bedtime", "Insulin glargine", "12 units", "subcut", "at bedtime"),
        ("Heparin q8h", "Heparin", None, None, "q8h"),
    ],
)  # fmt: skip
def test_a_medicine_is_parted_into_name_dose_route_and_frequency(
    line: str, name: str, dose: str | None, route: str | None, frequency: str | None
) -> None:
    sig = read_medication(line)

    assert (line[: sig.name_end], sig.dose, sig.route, sig.frequency) == (name, dose, route, frequency)


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("3. CURRENT MEDICATIONS:", "medications"),
        ("Medicatlons", "medications"),
        ("Past Medical History", "history"),
        ("Results of 03/12/2019", "results"),
        ("Review of systems on admission", "exam"),
        ("Allergies (continued)", "allergies"),
    ],
)
def test_headings_are_known_despite_numbering_dates_and_ocr(title: str, kind: str) -> None:
    heading = read_heading(title)

    assert heading is not None
    assert heading.kind == kind


@pytest.mark.parametrize(
    "prose", ["She takes her medications daily.", "history: father has asthma", "Metformin 500 mg"]
)
def test_prose_is_no_heading(prose: str) -> None:
    assert read_heading(prose) is None


def test_names_lose_bullets_and_loose_punctuation_but_keep_their_brackets() -> None:
    assert clean_name("• 1. Albuterol 0.09 MG/ACTUAT [Proventil],") == "Albuterol 0.09 MG/ACTUAT [Proventil]"
    assert clean_name("- Td (adult) preservative free;") == "Td (adult) preservative free"
    assert clean_name("Asthma)") == "Asthma"


def test_an_item_whose_quote_is_not_on_the_page_is_dropped() -> None:
    pages = pages_from_text("Problems\nAsthma\n")
    other = pages_from_text("Problems\nSciatica and more words than the other page has\n")
    foreign = [row for row in page_rows(other[0]) if "Sciatica" in row.text]
    drafts = [
        Draft("conditions", "Asthma", page_rows(pages[0])[1].run, 0.9),
        Draft("conditions", "Sciatica", foreign[0].run, 0.9),
        Draft("conditions", "Invented", Run(()), 0.9),
    ]

    assert stands_in("Asthma", pages[0])
    assert not stands_in("Invented", pages[0])
    assert [item.name for item in build_items(drafts, pages)["conditions"]] == ["Asthma"]
