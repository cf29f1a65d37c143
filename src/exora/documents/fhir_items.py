"""One FHIR R4 resource per item of the record's lists, without id and type of its own bundle entry."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from exora.documents.fhir_elements import (
    HL7,
    LOINC,
    Json,
    code,
    coded,
    concept,
    dose,
    measured,
    number,
    partial_date,
    present,
    quantity,
    required,
    text,
)
from exora.domain.record import Allergy, Condition, Encounter, Immunization, Medication, Procedure, Result

# Words of Encounter.kind -> code of v3-ActCode. Tried in this order: "emergency admission" is an emergency.
_ENCOUNTER_CLASSES: Final = (
    ("EMER", "emergency", re.compile(r"(?i:emergency)|\bER\b|\bED\b")),
    ("IMP", "inpatient encounter", re.compile(r"inpatient|admission|admitted|hospitali[sz]ation|hospital stay", re.I)),
    ("VR", "virtual", re.compile(r"virtual|telehealth|telemedicine|video|telephone", re.I)),
    ("HH", "home health", re.compile(r"home (health|visit)", re.I)),
    ("AMB", "ambulatory", re.compile(r"outpatient|ambulatory|\boffice\b|\bclinic\b", re.I)),
)

_INTERPRETATIONS: Final = {
    "H": "High",
    "L": "Low",
    "HH": "Critical high",
    "LL": "Critical low",
    "A": "Abnormal",
    "AA": "Critical abnormal",
    "N": "Normal",
}
_INTERPRETATION_BY_NAME: Final = {name.lower(): key for key, name in _INTERPRETATIONS.items()}

_BLOOD_PRESSURE_PANELS: Final = frozenset({"85354-9", "55284-4"})
_BLOOD_PRESSURE: Final = re.compile(r"([0-9]{2,3})\s*/\s*([0-9]{2,3})")
_BLOOD_PRESSURE_PARTS: Final = (("8480-6", "Systolic blood pressure"), ("8462-4", "Diastolic blood pressure"))


@dataclass(frozen=True, slots=True)
class Context:
    """What every resource of a bundle shares.

    Attributes:
        patient: the Reference to the Patient.
        grouped: whether a comma in a number separates thousands (the document is in English).
    """

    patient: Json
    grouped: bool


def encounter(item: Encounter, context: Context) -> Json:
    """An Encounter; its class comes from the words of ``kind``, else it is the null flavor "unknown"."""
    start = partial_date(item.start) or partial_date(item.date)
    end = partial_date(item.end)
    # Dates of different precision compare on what both have; a period must not end before it starts (per-1).
    if start and end and end[: len(start)] < start[: len(end)]:
        end = None
    kind = concept(item.kind, item.coding)
    provider, facility = text(item.provider), text(item.facility)
    return present(
        resourceType="Encounter",
        status="finished" if end else "unknown",
        class_=_encounter_class(item.kind),
        type=[kind] if kind else None,
        subject=context.patient,
        participant=[{"individual": {"display": provider}}] if provider else None,
        period=present(start=start, end=end),
        serviceProvider=present(display=facility),
    )


def _encounter_class(kind: str) -> Json:
    for value, display, words in _ENCOUNTER_CLASSES:
        if words.search(kind):
            return {"system": HL7 + "v3-ActCode", "code": value, "display": display}
    return {"system": HL7 + "v3-NullFlavor", "code": "UNK", "display": "unknown"}


def medication(item: Medication, context: Context) -> Json:
    """A MedicationStatement; the dose is also a quantity where it is one number and one unit."""
    parts = [part for part in (text(item.dose), text(item.route), text(item.frequency)) if part]
    route, frequency, amount = concept(item.route), concept(item.frequency), dose(item.dose, grouped=context.grouped)
    dosage = present(
        text=" ".join(parts),
        timing={"code": frequency} if frequency else None,
        route=route,
        doseAndRate=[{"doseQuantity": amount}] if amount else None,
    )
    return present(
        resourceType="MedicationStatement",
        status=item.status,
        medicationCodeableConcept=required(concept(item.name, item.coding)),
        subject=context.patient,
        effectiveDateTime=partial_date(item.date),
        dosage=[dosage] if dosage else None,
    )


def condition(item: Condition, context: Context) -> Json:
    """A Condition, or a FamilyMemberHistory for one of the family.

    What is negated or hypothetical has no clinical status. A historical condition is "inactive" and
    not "resolved", because the document does not say that it cannot return.
    """
    if item.subject == "family":
        return _family_history(item, context)
    clinical = {"current": "active", "historical": "inactive"}.get(item.temporality) if not item.negated else None
    verification = "refuted" if item.negated else "unconfirmed" if item.temporality == "hypothetical" else None
    return present(
        resourceType="Condition",
        clinicalStatus=coded(HL7 + "condition-clinical", clinical) if clinical else None,
        verificationStatus=coded(HL7 + "condition-ver-status", verification) if verification else None,
        code=concept(item.name, item.coding),
        subject=context.patient,
        recordedDate=partial_date(item.date),
    )


def _family_history(item: Condition, context: Context) -> Json:
    """FamilyMemberHistory.condition cannot be negated or doubted, so such a one is told in a note."""
    asserted = not item.negated and item.temporality != "hypothetical"
    name = text(item.name) or "condition without a name"
    told = "Denied for the family" if item.negated else "Mentioned for the family as a possibility"
    return present(
        resourceType="FamilyMemberHistory",
        status="partial",
        patient=context.patient,
        date=partial_date(item.date),
        relationship=coded(HL7 + "v3-RoleCode", "FAMMEMB", "family member"),
        note=None if asserted else [{"text": f"{told}: {name}"}],
        condition=[{"code": required(concept(item.name, item.coding))}] if asserted else None,
    )


def allergy(item: Allergy, context: Context) -> Json:
    """An AllergyIntolerance; FHIR demands a clinical status (ait-1), "inactive" for a negated one."""
    verification = coded(HL7 + "allergyintolerance-verification", "refuted") if item.negated else None
    manifestation, severity = concept(item.reaction), code(item.severity)
    grade = severity.lower() if severity and severity.lower() in ("mild", "moderate", "severe") else None
    reaction = present(
        manifestation=[required(manifestation)],
        description=severity if not grade else None,
        severity=grade,
    )
    return present(
        resourceType="AllergyIntolerance",
        clinicalStatus=coded(HL7 + "allergyintolerance-clinical", "inactive" if item.negated else "active"),
        verificationStatus=verification,
        code=concept(item.name, item.coding),
        patient=context.patient,
        recordedDate=partial_date(item.date),
        reaction=[reaction] if manifestation or severity else None,
    )


def result(item: Result, context: Context) -> Json:
    """An Observation: a quantity where the value is a plain number, else the value as printed."""
    category = "vital-signs" if item.category == "vital" else "laboratory"
    flag = concept(item.flag)
    unit_code = code(item.coding.code) if item.coding and item.coding.system == "UCUM" else None
    components = _blood_pressure(item)
    amount = measured(item.value, item.unit, unit_code, grouped=context.grouped) if not components else None
    printed = " ".join(part for part in (text(item.value), text(item.unit)) if part) if text(item.value) else None
    has_value = bool(components or amount or printed)
    low, high = quantity(item.range_low, item.unit, unit_code), quantity(item.range_high, item.unit, unit_code)
    return present(
        resourceType="Observation",
        status="unknown",
        category=[coded(HL7 + "observation-category", category)],
        code=required(concept(item.name, item.coding)),
        subject=context.patient,
        effectiveDateTime=partial_date(item.date),
        valueQuantity=amount,
        valueString=printed if not amount and not components else None,
        dataAbsentReason=None if has_value else coded(HL7 + "data-absent-reason", "unknown"),
        interpretation=[_interpretation(flag)] if flag else None,
        referenceRange=[present(low=low, high=high)] if low or high else None,
        component=components,
    )


def _interpretation(flag: Json) -> Json:
    printed = flag["text"]
    key = _INTERPRETATION_BY_NAME.get(printed.lower(), printed.upper())
    if key not in _INTERPRETATIONS:
        return flag
    return flag | coded(HL7 + "v3-ObservationInterpretation", key, _INTERPRETATIONS[key])


def _blood_pressure(item: Result) -> list[Json]:
    """Systolic and diastolic components of a value such as "120/80", only under a blood pressure panel's code."""
    if item.coding is None or item.coding.system != "LOINC" or item.coding.code not in _BLOOD_PRESSURE_PANELS:
        return []
    match = _BLOOD_PRESSURE.fullmatch(item.value.strip())
    if match is None:
        return []
    return [
        {
            "code": coded(LOINC, part, display),
            "valueQuantity": quantity(number(digits, grouped=False), item.unit),
        }
        for (part, display), digits in zip(_BLOOD_PRESSURE_PARTS, match.groups(), strict=True)
    ]


def procedure(item: Procedure, context: Context) -> Json:
    """A Procedure that was done."""
    return present(
        resourceType="Procedure",
        status="completed",
        code=concept(item.name, item.coding),
        subject=context.patient,
        performedDateTime=partial_date(item.date),
    )


def immunization(item: Immunization, context: Context) -> Json:
    """An Immunization that was given; FHIR demands an occurrence, so one without a date says "unknown"."""
    given = partial_date(item.date)
    return present(
        resourceType="Immunization",
        status="completed",
        vaccineCode=required(concept(item.name, item.coding)),
        patient=context.patient,
        occurrenceDateTime=given,
        occurrenceString=None if given else "unknown",
    )
