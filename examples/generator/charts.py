"""Read the Synthea bundles: the person, and what was measured, given and done, by date."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

#: The LOINC code of a bundle's observation → the key the documents use for it.
_KEYS = {
    "8302-2": "height",
    "29463-7": "weight",
    "39156-5": "bmi",
    "8480-6": "systolic",
    "8462-4": "diastolic",
    "8310-5": "temperature",
    "8331-1": "temperature",
    "6690-2": "wbc",
    "789-8": "rbc",
    "718-7": "hemoglobin",
    "4544-3": "hematocrit",
    "787-2": "mcv",
    "785-6": "mch",
    "786-4": "mchc",
    "777-3": "platelets",
    "32623-1": "mpv",
    "2093-3": "cholesterol",
    "2571-8": "triglycerides",
    "18262-6": "ldl",
    "2085-9": "hdl",
}


@dataclass(frozen=True)
class Chart:
    """One synthetic person.

    Attributes:
        measured: key (see ``_KEYS``) → ISO date → value in the bundle's unit.
        vaccines: (ISO date, name as in the bundle), oldest first.
        conditions: (name, onset, abatement or ""), as in the bundle, oldest first.
        procedures: (ISO date, name), oldest first.
    """

    given: str
    family: str
    sex: str
    born: date
    street: str
    city: str
    phone: str
    mrn: str
    measured: dict[str, dict[str, float]] = field(default_factory=dict)
    vaccines: list[tuple[str, str]] = field(default_factory=list)
    conditions: list[tuple[str, str, str]] = field(default_factory=list)
    procedures: list[tuple[str, str]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Given name, then family name."""
        return f"{self.given} {self.family}"

    @property
    def name_reversed(self) -> str:
        """As a hospital's register prints it: FAMILY, Given."""
        return f"{self.family.upper()}, {self.given}"

    def us(self, iso: str | None = None) -> str:
        """An ISO date as MM/DD/YYYY; without one, the date of birth."""
        day = self.born if iso is None else date.fromisoformat(iso)
        return day.strftime("%m/%d/%Y")

    def age(self, iso: str) -> int:
        """Completed years on that day."""
        day = date.fromisoformat(iso)
        return day.year - self.born.year - ((day.month, day.day) < (self.born.month, self.born.day))

    def value(self, key: str, iso: str, digits: int = 1) -> str:
        """What was measured on that day, rounded as a page prints it.

        Raises:
            KeyError: nothing of that kind was measured on that day.
        """
        number = self.measured[key][iso]
        return f"{number:.{digits}f}"

    def blood_pressure(self, iso: str) -> str:
        """Systolic over diastolic of that day."""
        return f"{self.value('systolic', iso, 0)}/{self.value('diastolic', iso, 0)}"


def load_chart(folder: Path, family: str) -> Chart:
    """The chart of the person whose bundle's file name holds the family name.

    Raises:
        FileNotFoundError: ``folder`` has no such bundle.
    """
    paths = sorted(folder.glob(f"*_{family}_*.json"))
    if not paths:
        raise FileNotFoundError(f"no bundle for one of the patients in {folder}")
    bundle = json.loads(paths[0].read_text(encoding="utf-8"))
    resources: list[dict[str, Any]] = [entry["resource"] for entry in bundle["entry"]]
    person = next(resource for resource in resources if resource["resourceType"] == "Patient")
    address = person["address"][0]
    chart = Chart(
        given=person["name"][0]["given"][0],
        family=person["name"][0]["family"],
        sex=person["gender"],
        born=date.fromisoformat(person["birthDate"]),
        street=address["line"][0],
        city=f"{address['city']}, MA {address.get('postalCode', '01944')}",
        phone=person["telecom"][0]["value"],
        # A hospital's number has digits only; the bundle's is a UUID.
        mrn=f"{int(person['id'].replace('-', '')[:12], 16) % 10**8:08d}",
    )
    for resource in resources:
        _add(chart, resource)
    for entries in (chart.vaccines, chart.procedures):
        entries.sort()
    chart.conditions.sort(key=lambda condition: condition[1])
    return chart


def _add(chart: Chart, resource: dict[str, Any]) -> None:
    kind = resource["resourceType"]
    if kind == "Observation":
        day = resource["effectiveDateTime"][:10]
        for code, number in _quantities(resource):
            if code in _KEYS:
                chart.measured.setdefault(_KEYS[code], {})[day] = number
    elif kind == "Immunization":
        chart.vaccines.append((resource["occurrenceDateTime"][:10], resource["vaccineCode"]["text"]))
    elif kind == "Condition":
        name = resource["code"]["text"].removesuffix(" (disorder)")
        chart.conditions.append((name, resource["onsetDateTime"][:10], resource.get("abatementDateTime", "")[:10]))
    elif kind == "Procedure":
        name = resource["code"]["text"].removesuffix(" (procedure)")
        chart.procedures.append((resource["performedPeriod"]["start"][:10], name))


def _quantities(observation: dict[str, Any]) -> Iterator[tuple[str, float]]:
    for part in [observation, *observation.get("component", [])]:
        if "valueQuantity" in part:
            yield part["code"]["coding"][0]["code"], float(part["valueQuantity"]["value"])
