"""C-CDA: coded entries are taken as they are, with their codes and their place in the narrative."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from exora.documents.analyze import add_coded_entries, analyze_pages
from exora.documents.ccda.read import with_entries
from exora.documents.ocr.local import LocalOcr
from exora.documents.page_reader import open_document
from exora.documents.pages import read_pages
from exora.documents.pool import ChildPool
from exora.domain.document import DocumentLimits, PageText
from exora.domain.record import Coding, DocumentInfo, Engines, Record
from exora.errors import CorruptDocument, DocumentError, UnsupportedFormat
from tests.documents.reading import read_page
from tests.documents.test_pages import NOTE, pdf, text

LIMITS = DocumentLimits()
CONTENT = (Path(__file__).parents[1] / "data" / "summary.ccda.xml").read_bytes()
EMPTY = Record(document=DocumentInfo(pages=1, sha256="0" * 64), engines=Engines(ocr="c-cda", analyzer="none"))


@pytest.fixture(scope="module")
def record() -> Record:
    return with_entries(EMPTY, CONTENT, LIMITS)


def document(body: str) -> bytes:
    return f'<ClinicalDocument xmlns="urn:hl7-org:v3"><component>{body}</component></ClinicalDocument>'.encode()


def wrapped(content: bytes) -> bytes:
    encoded = base64.encodebytes(content).decode()
    return document(f'<nonXMLBody><text representation="B64">{encoded}</text></nonXMLBody>')


def open_and_read(content: bytes) -> PageText:
    open_document(content, LIMITS)
    return read_page(content, 1, LIMITS)


# --- narrative --------------------------------------------------------------------------------------


def test_the_narrative_is_text_with_columns() -> None:
    page = read_page(CONTENT, 1, LIMITS)
    assert page.layout is not None
    assert page.layout.splitlines()[:3] == ["Summary of Care", "Patient: Ada Q Testcase", "Date of birth: 1961-05-01"]
    rows = {line.split("   ")[0]: line for line in page.layout.splitlines() if "   " in line}
    assert rows["Test"].index("Value") == rows["Potassium"].index("5.9 mmol/L")
    assert "Denies chest pain." in page.text
    assert "- Walk 30 minutes a day" in page.layout


def test_spanning_cells_keep_their_columns() -> None:
    table = (
        "<table><tbody><tr><td rowspan='2'>Panel</td><td>Sodium</td><td>140</td></tr>"
        "<tr><td>Potassium</td><td>4.1</td></tr><tr><td colspan='2'>Total</td><td>2</td></tr></tbody></table>"
    )
    section = f"<component><section><title>Results</title><text>{table}</text></section></component>"
    page = read_page(document(f"<structuredBody>{section}</structuredBody>"), 1, LIMITS)
    assert page.layout is not None
    rows = page.layout.splitlines()[-3:]
    assert rows[0].index("Sodium") == rows[1].index("Potassium")
    assert rows[0].index("140") == rows[1].index("4.1") == rows[2].index("2")


# --- entries ----------------------------------------------------------------------------------------


def test_the_header_says_who_the_patient_is(record: Record) -> None:
    assert (record.patient.name, record.patient.birth_date, record.patient.sex) == (
        "Ada Q Testcase",
        "1961-05-01",
        "female",
    )
    assert [(each.type, each.value) for each in record.patient.identifiers] == [("MRN", "TEST-0001")]
    assert (record.document.type, record.document.language) == ("discharge_summary", "en-US")


def test_a_medication_keeps_dose_route_frequency_and_code(record: Record) -> None:
    first, second = record.medications
    assert (first.name, first.dose, first.route, first.frequency, first.status, first.date) == (
        "Lisinopril 20 MG Oral Tablet",
        "1",
        "ORAL",
        "every 12 hours",
        "active",
        "2021-03-04",
    )
    assert first.coding == Coding(system="RxNorm", code="314077", display="Lisinopril 20 MG Oral Tablet")
    assert (second.name, second.dose, second.frequency, second.status) == ("Melatonin", "3 mg", "at bedtime", "stopped")


def test_problems_keep_their_context_and_icd_code(record: Record) -> None:
    found = {each.name: each for each in record.conditions}
    assert found["Essential hypertension"].coding == Coding(
        system="ICD-10-CM", code="I10", display="Essential (primary) hypertension"
    )
    assert found["Pneumonia"].temporality == "historical"
    assert found["Diabetes mellitus"].negated
    assert (found["Breast cancer"].subject, found["Breast cancer"].coding) == ("family", None)


def test_an_allergy_keeps_reaction_and_severity(record: Record) -> None:
    allergy, none = record.allergies
    assert (allergy.name, allergy.reaction, allergy.severity) == ("codeine", "Nausea", "Severe")
    assert allergy.date == "2010-03"
    assert none.negated


def test_results_keep_value_unit_range_and_flag(record: Record) -> None:
    found = {each.name: each for each in record.results}
    potassium = found["Potassium"]
    assert (potassium.value, potassium.unit, potassium.range_low, potassium.range_high, potassium.flag) == (
        "5.9",
        "mmol/L",
        3.5,
        5.1,
        "H",
    )
    assert potassium.coding is not None
    assert (potassium.coding.system, potassium.coding.code) == ("LOINC", "2823-3")
    assert (found["Troponin"].value, found["Troponin"].unit) == ("<0.01", "ng/mL")
    assert (found["Urine culture"].value, found["Urine culture"].unit) == ("No growth", None)
    assert found["Heart rate"].category == "vital"


def test_procedures_immunizations_and_encounters_are_taken(record: Record) -> None:
    assert [(each.name, each.date) for each in record.procedures] == [("Colonoscopy", "2015-11-20")]
    (vaccine,) = record.immunizations
    assert vaccine.coding is not None
    assert (vaccine.name, vaccine.date, vaccine.coding.code) == ("influenza, seasonal, injectable", "2020-10-01", "141")
    (visit,) = record.encounters
    assert (visit.kind, visit.start, visit.end, visit.provider, visit.facility) == (
        "Office visit",
        "2021-03-04",
        "2021-03-04",
        "Dr. Pat Sample",
        "Test Clinic",
    )


def test_what_is_planned_refused_or_null_is_no_item(record: Record) -> None:
    names = {each.name for each in record.medications} | {each.name for each in record.procedures}
    names |= {each.name for each in record.immunizations} | {each.name for each in record.results}
    assert not names & {"Atorvastatin", "Knee replacement", "Hepatitis B vaccine", "Sodium"}


def test_an_item_is_quoted_from_the_narrative_it_points_to(record: Record) -> None:
    layout = read_page(CONTENT, 1, LIMITS).layout
    assert layout is not None
    potassium = next(each for each in record.results if each.name == "Potassium")
    assert potassium.source.quote == "Potassium 5.9 mmol/L 3.5-5.1 High"
    assert " ".join(layout[potassium.source.start : potassium.source.end].split()) == potassium.source.quote
    # What only the code says is quoted from there, at no place in the text.
    heart = next(each for each in record.results if each.name == "Heart rate")
    assert (heart.source.quote, heart.source.start) == ("Heart rate", None)


async def test_narrative_without_entries_is_analyzed_and_coded_sections_are_not_told_twice() -> None:
    async with ChildPool(1) as pool:
        pages = await read_pages(CONTENT, pool=pool, ocr=LocalOcr(), limits=LIMITS, key="document")
        told = await analyze_pages(pages, sha256="0" * 64, pool=pool, limits=LIMITS, key="document")
        record = await add_coded_entries(told, CONTENT, pool=pool, limits=LIMITS, key="document")
    assert any("chest pain" in each.name.lower() and each.negated for each in record.conditions)
    assert [each.name for each in record.medications] == ["Lisinopril 20 MG Oral Tablet", "Melatonin"]


# --- unstructured and hostile -----------------------------------------------------------------------


async def test_a_wrapped_file_is_read_as_itself_with_the_headers_patient() -> None:
    header = b"<recordTarget><patientRole><patient><name>Ada Testcase</name></patient></patientRole></recordTarget>"
    content = wrapped(pdf(text(NOTE), text(NOTE))).replace(b"<component>", header + b"<component>")
    assert open_document(content, LIMITS).pages == 2
    async with ChildPool(1) as pool:
        pages = await read_pages(content, pool=pool, ocr=LocalOcr(), limits=LIMITS, key="document")
        told = await analyze_pages(pages, sha256="0" * 64, pool=pool, limits=LIMITS, key="document")
        record = await add_coded_entries(told, content, pool=pool, limits=LIMITS, key="document")
    assert (pages[0].text, pages[0].source, pages[0].words[0].box is None) == (NOTE, "text-layer", False)
    assert record.patient.name == "Ada Testcase"
    assert record.medications[0].source.box is not None


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (wrapped(wrapped(b"seen today")), UnsupportedFormat),
        (wrapped(b"\x00\x01"), UnsupportedFormat),
        (document('<nonXMLBody><text representation="B64">=</text></nonXMLBody>'), CorruptDocument),
        (document('<nonXMLBody><text><reference value="file:///etc/passwd"/></text></nonXMLBody>'), UnsupportedFormat),
        (document("<structuredBody>"), CorruptDocument),
        (b'<!DOCTYPE x SYSTEM "http://192.0.2.1/x.dtd">' + document(""), UnsupportedFormat),
        (b'<!DOCTYPE x [<!ENTITY a "b">]>' + document("&a;"), UnsupportedFormat),
        (b"<x>" + document("") + b"</x>", UnsupportedFormat),
    ],
    ids=["nested", "unknown", "base64", "reference", "malformed", "external type", "entity", "other root"],
)
def test_a_hostile_document_ends_in_a_typed_error(content: bytes, expected: type[DocumentError]) -> None:
    with pytest.raises(DocumentError) as refusal:
        open_and_read(content)
    assert type(refusal.value) is expected


def test_codes_and_numbers_of_any_shape_do_not_break_the_reader() -> None:
    broken = CONTENT
    for old, new in ((b'value="5.9"', b'value="9e999"'), (b"20210304", b"not a date"), (b'value="12"', b'value="x"')):
        assert old in broken
        broken = broken.replace(old, new)
    assert with_entries(EMPTY, broken, LIMITS).medications[0].frequency is None
