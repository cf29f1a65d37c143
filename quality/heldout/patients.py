"""Synthetic patients as what a document about them states, from FHIR R4 bundles."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Item:
    """A name with its date, and value and unit where it is a measurement; the code is the bundle's."""

    name: str
    date: str
    value: str = ""
    unit: str = ""
    code: str = ""


@dataclass
class Patient:
    """What a document states about a patient, by list of the record; each name once, measurements per date."""

    name: str
    born: str
    sex: str
    lists: dict[str, list[Item]] = field(default_factory=dict)


#: Resource type to list of the record, the element that holds the code, and those that may hold the date.
_LISTS = {
    "Condition": ("conditions", "code", ("onsetDateTime",)),
    "MedicationRequest": ("medications", "medicationCodeableConcept", ("authoredOn",)),
    "AllergyIntolerance": ("allergies", "code", ("recordedDate",)),
    "Immunization": ("immunizations", "vaccineCode", ("occurrenceDateTime",)),
    "Procedure": ("procedures", "code", ("performedDateTime",)),
}
#: At most this many items of a list are printed, the latest ones.
_MOST = {"results": 14, "conditions": 8, "medications": 8, "procedures": 6, "immunizations": 8, "allergies": 6}
#: Units as print-outs write them, by UCUM code.
_PRINTED_UNITS = {"mm[Hg]": "mmHg", "10*3/uL": "10^3/uL", "10*6/uL": "10^6/uL", "Cel": "°C", "{score}": "", "1": ""}


def read_patient(path: Path) -> Patient | None:
    """The patient of a bundle, or None if the file holds none."""
    resources = [entry["resource"] for entry in json.loads(path.read_text(encoding="utf-8")).get("entry", [])]
    person = next((r for r in resources if r["resourceType"] == "Patient"), None)
    if person is None:
        return None
    name = person["name"][0]
    given = "".join(c for c in name["given"][0] if not c.isdigit())
    family = "".join(c for c in name["family"] if not c.isdigit())
    patient = Patient(f"{given} {family}", person["birthDate"], person["gender"])
    for resource in resources:
        if resource["resourceType"] in _LISTS:
            list_name, element, dates = _LISTS[resource["resourceType"]]
            date = next((resource[key] for key in dates if key in resource), "")
            date = date or resource.get("performedPeriod", {}).get("start", "")
            _add(patient, list_name, Item(_text(resource[element]), date[:10], code=_code(resource[element])))
        elif resource["resourceType"] == "Observation":
            for part in resource.get("component", [resource]):
                if "valueQuantity" in part:
                    _add(patient, "results", _measured(part, resource.get("effectiveDateTime", "")[:10]))
    for list_name, items in patient.lists.items():
        items.sort(key=lambda item: (item.date, item.name), reverse=True)
        patient.lists[list_name] = items[: _MOST[list_name]]
    return patient


def _add(patient: Patient, list_name: str, item: Item) -> None:
    items = patient.lists.setdefault(list_name, [])
    if all(other.name != item.name or (list_name == "results" and other.date != item.date) for other in items):
        items.append(item)


def _measured(part: dict[str, Any], date: str) -> Item:
    quantity = part["valueQuantity"]
    value = float(quantity["value"])
    printed = f"{value:.1f}" if value >= 10 else f"{value:.2f}"
    code = str(quantity.get("code") or quantity.get("unit") or "")
    unit = _PRINTED_UNITS.get(code, "" if code.startswith("{") else code)
    return Item(_text(part["code"]), date, printed, unit, _code(part["code"]))


def _text(concept: dict[str, Any]) -> str:
    return str(concept.get("text") or concept["coding"][0]["display"]).strip()


def _code(concept: dict[str, Any]) -> str:
    return str(concept.get("coding", [{}])[0].get("code", ""))
