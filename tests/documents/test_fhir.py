"""The FHIR bundle of a record is valid R4, complete and traceable, and the pages that describe both are true."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import pytest
from fhir.resources.R4B.bundle import Bundle
from hypothesis import given, settings
from hypothesis import strategies as st

from exora.documents.fhir import to_bundle
from exora.domain.record import Coding, Condition, DocumentInfo, Engines, Patient, Record, Source
from tests.documents.fhir_bundles import (
    CREATED,
    DOCUMENT_ID,
    PATIENT_ID,
    SHA256,
    Json,
    assert_sound,
    bundle_of,
    code_of,
    record,
    resources,
)

DOCS = Path(__file__).parents[2] / "docs"


def test_an_empty_record_is_a_bundle_of_the_patient_and_the_document() -> None:
    of = record(language=None)
    bundle = bundle_of(of)
    assert_sound(bundle, of)
    assert [entry["resource"]["resourceType"] for entry in bundle["entry"]] == ["Patient", "DocumentReference"]
    assert bundle["type"] == "collection"
    assert bundle["timestamp"] == "2024-05-07T09:30:00+00:00"


def test_a_full_record_loses_no_item_and_invents_none() -> None:
    temporalities = ("current", "historical", "hypothetical")
    of = record(
        encounters=[{"kind": "office visit", "start": "2024-05-02"}],
        medications=[{"name": "x", "status": status} for status in ("active", "stopped", "unknown")],
        conditions=[
            {"name": "x", "negated": negated, "temporality": temporality, "subject": subject}
            for negated in (False, True)
            for temporality in temporalities
            for subject in ("patient", "family")
        ],
        allergies=[{"name": "x", "negated": negated} for negated in (False, True)],
        results=[
            {"name": "x", "value": "1", "flag": flag, "category": category}
            for flag in (None, "H", "L", "HH", "LL", "A", "N", "*")
            for category in ("laboratory", "vital")
        ],
        procedures=[{"name": "x"}],
        immunizations=[{"name": "x"}],
    )
    bundle = bundle_of(of)
    assert_sound(bundle, of)
    assert Counter(entry["resource"]["resourceType"] for entry in bundle["entry"]) == {
        "Patient": 1,
        "DocumentReference": 1,
        "Encounter": 1,
        "MedicationStatement": 3,
        "Condition": 6,
        "FamilyMemberHistory": 6,
        "AllergyIntolerance": 2,
        "Observation": 16,
        "Procedure": 1,
        "Immunization": 1,
        "Provenance": 36,
    }


def test_patient_as_printed_under_the_id_of_the_registered_patient() -> None:
    of = record()
    of.patient = Patient.model_validate(
        {
            "name": "Jordan Example",
            "birth_date": "1958-03",
            "sex": "female",
            "identifiers": [{"type": "MRN", "value": "000-EX"}, {"type": "Account", "value": "7"}],
        }
    )
    (patient,) = resources(bundle_of(of), "Patient")
    assert patient["id"] == str(PATIENT_ID)
    assert patient["name"] == [{"text": "Jordan Example"}]
    assert (patient["birthDate"], patient["gender"]) == ("1958-03", "female")
    record_number, account = patient["identifier"]
    assert (record_number["value"], code_of(record_number["type"])) == ("000-EX", ("v2-0203", "MR"))
    assert account == {"type": {"text": "Account"}, "value": "7"}


def test_document_carries_its_sha256_outside_the_sha1_field() -> None:
    of = record()
    of.warnings = ["page 2 could not be read"]
    (document,) = resources(bundle_of(of, content_type="application/pdf"), "DocumentReference")
    attachment = document["content"][0]["attachment"]
    assert attachment["extension"] == [{"url": "urn:exora:fhir:sha256", "valueString": SHA256}]
    assert "hash" not in attachment
    assert (attachment["contentType"], attachment["language"]) == ("application/pdf", "en")
    assert document["masterIdentifier"]["value"] == f"urn:uuid:{DOCUMENT_ID}"
    assert document["type"] == {"text": "Discharge summary"}
    assert [list(entry.values()) for entry in document["extension"]] == [
        ["urn:exora:fhir:pages", 2],
        ["urn:exora:fhir:warning", "page 2 could not be read"],
    ]


def test_provenance_leads_back_to_the_words_on_the_page() -> None:
    bundle = bundle_of(record(procedures=[{"name": "Appendectomy"}]))
    (provenance,) = resources(bundle, "Provenance")
    (procedure,) = resources(bundle, "Procedure")
    (document,) = resources(bundle, "DocumentReference")
    assert provenance["target"] == [{"reference": f"urn:uuid:{procedure['id']}"}]
    assert [agent["who"]["display"] for agent in provenance["agent"]] == ["pdfium 1", "local 1"]
    (entity,) = provenance["entity"]
    assert (entity["role"], entity["what"]) == ("source", {"reference": f"urn:uuid:{document['id']}"})
    (source,) = entity["extension"]
    assert source["url"] == "urn:exora:fhir:source"
    assert {tuple(part.values()) for part in source["extension"]} == {
        ("page", 2),
        ("x0", 0.1),
        ("y0", 0.2),
        ("x1", 0.5),
        ("y1", 0.25),
        ("quote", "as it stands there"),
        ("confidence", 0.9),
    }


def test_provenance_of_plain_text_has_offsets_instead_of_a_box() -> None:
    of = record()
    of.conditions = [Condition(name="x", source=Source(page=1, quote="x", start=0, end=1), confidence=1)]
    (provenance,) = resources(bundle_of(of), "Provenance")
    parts = {part["url"] for part in provenance["entity"][0]["extension"][0]["extension"]}
    assert parts == {"page", "start", "end", "quote", "confidence"}


def test_created_without_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="created must have a time zone"):
        to_bundle(record(), document_id=DOCUMENT_ID, patient_id=PATIENT_ID, created=datetime(2024, 5, 7))


def test_created_is_written_in_utc() -> None:
    local = datetime(2024, 5, 7, 11, 30, tzinfo=timezone(timedelta(hours=2)))
    of = record(procedures=[{"name": "x"}])
    assert to_bundle(of, document_id=DOCUMENT_ID, patient_id=PATIENT_ID, created=local) == bundle_of(of)


# Texts that look like what documents hold, next to anything at all.
TEXTS = st.text(max_size=12) | st.sampled_from(["5.4", "<1", "120/80", "mg/dL", "H", "500 mg", "2024-02-30", "\x00"])
DATES = st.dates().map(str) | st.sampled_from(["2024", "2024-05", "0000"]) | TEXTS
OFFSETS = st.none() | st.integers(0, 2**31 - 1)
SPECIAL: dict[str, Any] = {
    "confidence": st.floats(0, 1),
    "date": st.none() | DATES,
    "start": st.none() | DATES,
    "end": st.none() | DATES,
    "coding": st.none() | st.builds(Coding, code=st.sampled_from(["85354-9", "E11.9"]) | TEXTS, display=TEXTS),
    "source": st.builds(Source, page=st.integers(1, 2**31 - 1), quote=TEXTS, start=OFFSETS, end=OFFSETS),
}


def generated(name: str) -> st.SearchStrategy[list[Any]]:
    """Lists of that field's items: dates, codes and sources as above, any text, and the rest by type."""
    (model,) = get_args(Record.model_fields[name].annotation)
    texts = {str: TEXTS, str | None: st.none() | TEXTS}
    fields = {field: SPECIAL.get(field, texts.get(info.annotation, ...)) for field, info in model.model_fields.items()}
    return st.lists(st.builds(model, **fields), max_size=3)


RECORDS = st.builds(
    Record,
    document=st.builds(DocumentInfo, pages=st.integers(0, 300), sha256=TEXTS, language=st.none() | TEXTS),
    patient=st.builds(Patient, name=st.none() | TEXTS, birth_date=st.none() | DATES),
    engines=st.builds(Engines, ocr=TEXTS, analyzer=TEXTS),
    warnings=st.lists(TEXTS, max_size=2),
    **{name: generated(name) for name in record().item_counts()},
)


@settings(max_examples=60, deadline=None)
@given(RECORDS, st.none() | TEXTS)
def test_any_record_is_a_valid_and_complete_bundle(of: Record, content_type: str | None) -> None:
    bundle = bundle_of(of, content_type=content_type)
    assert_sound(bundle, of)
    assert bundle == bundle_of(of.model_copy(deep=True), content_type=content_type), "ids are stable"


def test_ids_differ_between_documents_but_not_for_the_patient() -> None:
    of = record(procedures=[{"name": "x"}])
    first = bundle_of(of)
    other = to_bundle(of, document_id=UUID(int=5), patient_id=PATIENT_ID, created=CREATED)
    shared = {entry["fullUrl"] for entry in first["entry"]} & {entry["fullUrl"] for entry in other["entry"]}
    assert shared == {f"urn:uuid:{PATIENT_ID}"}


def code_blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)


def test_published_schema_is_the_models() -> None:
    published = json.loads((DOCS / "reference/record.schema.json").read_text("utf-8"))
    assert published == Record.model_json_schema(by_alias=True)


def test_example_of_the_reference_is_a_record_with_every_field() -> None:
    (example,) = code_blocks("reference/record.md", "json")
    assert json.loads(Record.model_validate_json(example).to_json()) == json.loads(example)


def test_reference_names_every_field_of_the_record() -> None:
    page = (DOCS / "reference/record.md").read_text("utf-8")
    schema = Record.model_json_schema(by_alias=True)
    names = {name for model in [schema, *schema["$defs"].values()] for name in model["properties"]}
    assert {name for name in names if f"`{name}`" not in page and f"`coding.{name}`" not in page} == set()


def test_code_of_the_howto_runs_as_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = code_blocks("reference/record.md", "json")
    (tmp_path / "record.json").write_text(example)
    monkeypatch.chdir(tmp_path)
    scope: Json = {}
    for block in code_blocks("howto/export-fhir.md", "python"):
        exec(compile(block, "export-fhir.md", "exec"), scope)
    assert_sound(json.loads(scope["fhir_json"]), Record.model_validate_json(example))
    assert scope["transaction"]["entry"][0]["request"] == {"method": "PUT", "url": f"Patient/{PATIENT_ID}"}
    Bundle.model_validate(scope["transaction"])
