"""Each item of a record becomes the FHIR resource that says the same, and no more than the record says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exora.documents.fhir_elements import partial_date, ucum
from tests.documents.fhir_bundles import Json, bundle_of, code_of, record, resources

ICD_E119 = {"system": "ICD-10-CM", "code": "E11.9", "display": "Type 2 diabetes mellitus without complications"}


def only(kind: str, **lists: Any) -> Json:
    """The one resource of that type in the bundle of a record with those lists."""
    (found,) = resources(bundle_of(record(**lists)), kind)
    return found


def result(value: str, language: str | None = "en", **fields: Any) -> Json:
    of = record(language, results=[{"name": "Test", "value": value} | fields])
    (found,) = resources(bundle_of(of), "Observation")
    return found


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("Inpatient admission", "IMP"),
        ("Emergency department visit, admitted", "EMER"),
        ("ED", "EMER"),
        ("telehealth", "VR"),
        ("home visit", "HH"),
        ("Office visit", "AMB"),
        ("consultation", "UNK"),
    ],
)
def test_encounter_class_is_coded_only_when_the_kind_says_it(kind: str, expected: str) -> None:
    found = only("Encounter", encounters=[{"kind": kind}])
    assert found["class"]["code"] == expected
    assert found["type"] == [{"text": kind}]


def test_encounter_has_period_provider_and_facility() -> None:
    item = {"kind": "visit", "start": "2024-05-02", "end": "2024-05", "provider": "Dr. Example", "facility": "General"}
    found = only("Encounter", encounters=[item])
    assert found["period"] == {"start": "2024-05-02", "end": "2024-05"}
    assert found["status"] == "finished"
    assert found["participant"] == [{"individual": {"display": "Dr. Example"}}]
    assert found["serviceProvider"] == {"display": "General"}


def test_encounter_never_ends_before_it_starts() -> None:
    found = only("Encounter", encounters=[{"kind": "visit", "start": "2024-05-02", "end": "2024-05-01"}])
    assert found["period"] == {"start": "2024-05-02"}
    assert found["status"] == "unknown"


def test_medication_with_dosage_in_words_and_as_quantity() -> None:
    item = {
        "name": "metformin",
        "dose": "1,000 mg",
        "route": "PO",
        "frequency": "BID",
        "status": "active",
        "date": "2024-05",
        "coding": {"system": "RxNorm", "code": "6809", "display": "metformin"},
    }
    found = only("MedicationStatement", medications=[item])
    assert found["status"] == "active"
    assert found["effectiveDateTime"] == "2024-05"
    assert found["medicationCodeableConcept"] == {
        "text": "metformin",
        "coding": [
            {"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "6809", "display": "metformin"},
        ],
    }
    quantity = {"value": 1000, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
    assert found["dosage"] == [
        {
            "text": "1,000 mg PO BID",
            "timing": {"code": {"text": "BID"}},
            "route": {"text": "PO"},
            "doseAndRate": [{"doseQuantity": quantity}],
        }
    ]


@pytest.mark.parametrize("status", ["active", "stopped", "unknown"])
def test_medication_status_is_kept(status: str) -> None:
    assert only("MedicationStatement", medications=[{"name": "x", "status": status}])["status"] == status


def test_dose_in_a_unit_without_certain_ucum_code_keeps_the_printed_unit_only() -> None:
    (dosage,) = only("MedicationStatement", medications=[{"name": "x", "dose": "2 tablets"}])["dosage"]
    assert dosage["doseAndRate"] == [{"doseQuantity": {"value": 2, "unit": "tablets"}}]


@pytest.mark.parametrize("dose", ["1-2 tablets", "10 mg/5 mL", "as directed", "1,5.0 mg"])
def test_dose_that_is_not_one_number_and_unit_stays_text(dose: str) -> None:
    found = only("MedicationStatement", medications=[{"name": "x", "dose": dose}])
    assert found["dosage"] == [{"text": dose}]


@pytest.mark.parametrize(
    ("negated", "temporality", "clinical", "verification"),
    [
        (False, "current", "active", None),
        (False, "historical", "inactive", None),
        (False, "hypothetical", None, "unconfirmed"),
        (True, "current", None, "refuted"),
        (True, "historical", None, "refuted"),
        (True, "hypothetical", None, "refuted"),
    ],
)
def test_condition_is_active_only_when_the_document_says_so(
    negated: bool, temporality: str, clinical: str | None, verification: str | None
) -> None:
    item = {"name": "Diabetes", "negated": negated, "temporality": temporality, "coding": ICD_E119, "date": "2010"}
    found = only("Condition", conditions=[item])
    statuses = {key: code_of(found[key]) for key in ("clinicalStatus", "verificationStatus") if key in found}
    expected = {
        "clinicalStatus": ("condition-clinical", clinical),
        "verificationStatus": ("condition-ver-status", verification),
    }
    assert statuses == {key: pair for key, pair in expected.items() if pair[1]}
    assert found["code"]["coding"][0]["system"] == "http://hl7.org/fhir/sid/icd-10-cm"
    assert found["recordedDate"] == "2010"


def test_condition_of_the_family_is_never_the_patients() -> None:
    bundle = bundle_of(record(conditions=[{"name": "Diabetes", "subject": "family", "coding": ICD_E119}]))
    assert resources(bundle, "Condition") == []
    (history,) = resources(bundle, "FamilyMemberHistory")
    assert code_of(history["relationship"]) == ("v3-RoleCode", "FAMMEMB")
    assert [part["code"]["text"] for part in history["condition"]] == ["Diabetes"]


@pytest.mark.parametrize(
    ("flags", "told"), [({"negated": True}, "Denied"), ({"temporality": "hypothetical"}, "Mentioned")]
)
def test_condition_the_family_does_not_surely_have_is_a_note(flags: Json, told: str) -> None:
    history = only("FamilyMemberHistory", conditions=[{"name": "Diabetes", "subject": "family"} | flags])
    assert "condition" not in history
    (note,) = history["note"]
    assert note["text"].startswith(told)
    assert note["text"].endswith(": Diabetes")


def test_allergy_with_reaction_and_severity() -> None:
    item = {"name": "Penicillin", "reaction": "hives", "severity": "Severe", "date": "2019"}
    found = only("AllergyIntolerance", allergies=[item])
    assert code_of(found["clinicalStatus"]) == ("allergyintolerance-clinical", "active")
    assert "verificationStatus" not in found
    assert found["reaction"] == [{"manifestation": [{"text": "hives"}], "severity": "severe"}]
    assert found["recordedDate"] == "2019"


def test_allergy_severity_that_fhir_has_no_word_for_is_a_description() -> None:
    found = only("AllergyIntolerance", allergies=[{"name": "Nuts", "severity": "life-threatening"}])
    (reaction,) = found["reaction"]
    assert reaction["description"] == "life-threatening"
    assert "severity" not in reaction
    assert reaction["manifestation"][0]["extension"][0]["valueCode"] == "unknown"


def test_no_known_allergies_is_refuted_text_without_snomed() -> None:
    bundle = bundle_of(record(allergies=[{"name": "No known allergies", "negated": True}]))
    (found,) = resources(bundle, "AllergyIntolerance")
    assert code_of(found["verificationStatus"]) == ("allergyintolerance-verification", "refuted")
    assert code_of(found["clinicalStatus"]) == ("allergyintolerance-clinical", "inactive")
    assert found["code"] == {"text": "No known allergies"}
    assert "snomed" not in json.dumps(bundle)


@pytest.mark.parametrize(
    ("printed", "value", "comparator"),
    [
        ("5.4", 5.4, None),
        ("140", 140, None),
        ("-2.5", -2.5, None),
        (".5", 0.5, None),
        ("<0.01", 0.01, "<"),
        ("> 60", 60, ">"),
        ("≤ 5", 5, "<="),
        (">=7", 7, ">="),
        ("250,000", 250000, None),
    ],
)
def test_plain_number_is_a_quantity(printed: str, value: float, comparator: str | None) -> None:
    quantity = result(printed, unit="mg/dL")["valueQuantity"]
    assert (quantity["value"], quantity.get("comparator")) == (value, comparator)
    assert (quantity["unit"], quantity["system"], quantity["code"]) == ("mg/dL", "http://unitsofmeasure.org", "mg/dL")


@pytest.mark.parametrize("printed", ["positive", "1:80", "3+", "120/80", "5,4", "1e3", "1.2.3", "9" * 16])
def test_value_that_is_no_plain_number_stays_as_printed(printed: str) -> None:
    found = result(printed, unit="mg/dL")
    assert found["valueString"] == f"{printed} mg/dL"
    assert "valueQuantity" not in found


@pytest.mark.parametrize("language", [None, "de", "fr-FR"])
def test_comma_in_a_number_is_not_guessed_outside_english(language: str | None) -> None:
    assert result("250,000", language)["valueString"] == "250,000"


def test_missing_value_says_so() -> None:
    assert code_of(result(" ", unit="mg/dL")["dataAbsentReason"]) == ("data-absent-reason", "unknown")


@pytest.mark.parametrize(
    ("printed", "code"),
    [
        ("MG/DL", "mg/dL"),
        ("mcg / dL", "ug/dL"),
        ("µg/dL", "ug/dL"),
        ("mmHg", "mm[Hg]"),
        ("K/uL", "10*3/uL"),
        ("M/uL", "10*6/uL"),
        ("m/uL", None),
        ("mcg", "ug"),
        ("ng/L", "ng/L"),
        ("beats/minute", "/min"),
        ("g/L", "g/L"),
        ("G/L", None),
        ("°F", "[degF]"),
        ("units", None),
        ("smoots", None),
    ],
)
def test_unit_gets_a_ucum_code_only_where_it_is_certain(printed: str, code: str | None) -> None:
    assert ucum(printed) == code
    quantity = result("1", unit=printed)["valueQuantity"]
    assert quantity["unit"] == printed
    assert quantity.get("code") == code
    assert ("system" in quantity) == (code is not None)


def test_ucum_coding_of_a_result_names_its_unit_not_the_test() -> None:
    found = result("3", unit="units", coding={"system": "UCUM", "code": "[IU]", "display": "int. unit"})
    assert found["valueQuantity"]["code"] == "[IU]"
    assert found["code"] == {"text": "Test"}


def test_result_has_category_range_code_and_date() -> None:
    loinc = {"system": "LOINC", "code": "4548-4", "display": "Hemoglobin A1c/Hemoglobin.total in Blood"}
    found = result("8.1", unit="%", range_low=4.0, range_high=5.6, coding=loinc, date="2024-05-03")
    assert code_of(found["category"][0]) == ("observation-category", "laboratory")
    assert code_of(found["code"]) == ("loinc.org", "4548-4")
    percent = {"unit": "%", "system": "http://unitsofmeasure.org", "code": "%"}
    assert found["referenceRange"] == [{"low": {"value": 4} | percent, "high": {"value": 5.6} | percent}]
    assert found["effectiveDateTime"] == "2024-05-03"
    assert code_of(result("37", category="vital")["category"][0]) == ("observation-category", "vital-signs")


def test_bound_that_is_no_number_is_left_out() -> None:
    (only_high,) = result("1", range_low=float("-inf"), range_high=0.0)["referenceRange"]
    assert only_high == {"high": {"value": 0}}


@pytest.mark.parametrize(
    ("flag", "code"),
    [("H", "H"), ("L", "L"), ("HH", "HH"), ("LL", "LL"), ("A", "A"), ("N", "N"), ("h", "H"), ("High", "H")],
)
def test_flag_is_an_interpretation(flag: str, code: str) -> None:
    (found,) = result("1", flag=flag)["interpretation"]
    assert code_of(found) == ("v3-ObservationInterpretation", code)
    assert found["text"] == flag


def test_flag_without_known_meaning_stays_text() -> None:
    assert result("1", flag="*")["interpretation"] == [{"text": "*"}]


def test_blood_pressure_panel_has_two_components() -> None:
    panel = {"system": "LOINC", "code": "85354-9", "display": "Blood pressure panel"}
    found = result("120/80", unit="mmHg", coding=panel, category="vital")
    values = [(code_of(part["code"])[1], part["valueQuantity"]["value"]) for part in found["component"]]
    assert values == [("8480-6", 120), ("8462-4", 80)]
    assert "valueString" not in found


def test_procedure_and_immunization() -> None:
    cvx = {"system": "CVX", "code": "140", "display": "Influenza, seasonal, injectable, preservative free"}
    given = only("Immunization", immunizations=[{"name": "Flu shot", "date": "2023-10", "coding": cvx}])
    assert (given["status"], given["occurrenceDateTime"]) == ("completed", "2023-10")
    assert given["vaccineCode"]["coding"][0]["system"] == "http://hl7.org/fhir/sid/cvx"
    undated = only("Immunization", immunizations=[{"name": "Flu shot", "date": "last fall"}])
    assert undated["occurrenceString"] == "unknown"
    done = only("Procedure", procedures=[{"name": "Appendectomy", "date": "1999"}])
    assert (done["status"], done["performedDateTime"], done["code"]) == ("completed", "1999", {"text": "Appendectomy"})


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("2024", "2024"),
        ("2024-02", "2024-02"),
        ("2024-02-29", "2024-02-29"),
        ("2024-02-29T10:15", "2024-02-29"),
        ("2023-02-29", None),
        ("2024-13", None),
        ("0000", None),
        ("02/29/2024", None),
        ("", None),
    ],
)
def test_dates_keep_their_precision_and_impossible_ones_are_left_out(printed: str, expected: str | None) -> None:
    assert partial_date(printed) == expected


def test_strings_hold_no_control_characters() -> None:
    found = only("Procedure", procedures=[{"name": "Hip\x00\u00a0repair\x0b\ud800", "date": None}])
    assert found["code"] == {"text": "Hip  repair"}
