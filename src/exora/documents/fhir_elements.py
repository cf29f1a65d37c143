"""FHIR R4 data types made from the record's plain values: text, dates, quantities, concepts, extensions.

Nothing is guessed here: a date that is no date is left out, a unit gets a UCUM code only where its
printed form can mean one thing, and a value that is no plain number stays text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from exora.documents.analysis.values import ucum as known_unit
from exora.domain.record import Coding

Json = dict[str, Any]

#: Root of the extensions of the bundle; docs/howto/export-fhir.md lists them.
EXTENSION: Final = "urn:exora:fhir:"
LOINC: Final = "http://loinc.org"
UCUM: Final = "http://unitsofmeasure.org"
HL7: Final = "http://terminology.hl7.org/CodeSystem/"

_SYSTEMS: Final = {
    "ICD-10-CM": "http://hl7.org/fhir/sid/icd-10-cm",
    "RxNorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "LOINC": LOINC,
    "CVX": "http://hl7.org/fhir/sid/cvx",
}

# FHIR strings hold no control characters, no half surrogates, and no white space but blank, tab and line ends.
_NOT_IN_STRINGS: Final = re.compile(r"[^\S \t\r\n]|[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_DATE: Final = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(?:[T ].*)?)?)?")
_COMPARED: Final = re.compile(r"(<=|>=|[<>≤≥])?\s*(\S+)")
_NUMBER: Final = re.compile(r"[-−]?[0-9]*\.?[0-9]+")
_GROUPED: Final = re.compile(r"[-−]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
_DOSE: Final = re.compile(r"([0-9.,]+)\s*([A-Za-zµμ]+|%)")
_COMPARATORS: Final = {"≤": "<=", "≥": ">="}

_NOTHING: Final[tuple[object, ...]] = (None, "", [], {})

# A float holds any decimal of 15 significant digits exactly enough to print it back as it was.
_MAX_DIGITS: Final = 15

#: Units a document prints alone, beside a dose, which the analyzer does not look for.
_DOSE_UNITS: Final = {
    "mcg": "ug", "iu": "[IU]", "meq": "meq", "inch": "[in_i]", "second": "s", "x10e12/l": "10*12/L",
}  # fmt: skip
#: Where case decides, only these forms are certain: "M/uL" is million per microliter, "g/L" gram and never giga.
_CASE_DECIDES: Final = {
    "m/ul": ("M/uL",), "m/mm3": ("M/mm3",), "mu/l": ("mU/L", "mu/L"), "g/l": ("g/L", "g/l"), "f": ("F",), "c": ("C",),
}  # fmt: skip


def present(**fields: Any) -> Json:
    """An element of those fields that hold something: FHIR knows neither null nor empty ones.

    A trailing underscore of a name is dropped, for names that are Python's (``class_``).
    """
    return {name.rstrip("_"): value for name, value in fields.items() if value not in _NOTHING}


def text(value: str | None) -> str | None:
    """The value as FHIR string: what a string must not hold becomes a blank; None if nothing is left."""
    return _NOT_IN_STRINGS.sub(" ", value).strip() or None if value else None


def code(value: str | None) -> str | None:
    """The value as FHIR code: no outer white space, single blanks inside; None if nothing is left."""
    cleaned = text(value)
    return " ".join(cleaned.split()) if cleaned else None


def partial_date(value: str | None) -> str | None:
    """An ISO 8601 date with its own precision (year, month or day), valid as FHIR date and dateTime.

    A time of day is cut off, because FHIR demands a zone with it and the record has none. Anything
    that is no date of the calendar gives None.
    """
    match = _DATE.fullmatch(value.strip()) if value else None
    if match is None:
        return None
    year, month, day = match.groups()
    try:
        date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return None
    return "-".join(part for part in (year, month, day) if part)


def number(printed: str, *, grouped: bool) -> float | None:
    """The number that was printed, or None if it is not plainly one.

    Args:
        printed: digits with an optional minus and decimal point.
        grouped: whether a comma separates thousands ("250,000"), as it does in English; elsewhere
            it may be the decimal mark, so such a value is no number.
    """
    if grouped and _GROUPED.fullmatch(printed):
        printed = printed.replace(",", "")
    if not _NUMBER.fullmatch(printed) or sum(map(str.isdigit, printed)) > _MAX_DIGITS:
        return None
    return float(printed.replace("−", "-"))


def ucum(unit: str | None) -> str | None:
    """The UCUM code of a printed unit, where that is certain; else None."""
    if not unit:
        return None
    compact = "".join(unit.split()).replace("µ", "u").replace("μ", "u")
    if compact not in _CASE_DECIDES.get(compact.lower(), (compact,)):
        return None
    return known_unit(compact) or _DOSE_UNITS.get(compact.lower())


def quantity(value: float | None, unit: str | None, unit_code: str | None = None) -> Json | None:
    """A Quantity: the unit as printed, and its UCUM code as given or where certain. None without a finite value."""
    if value is None or not math.isfinite(value):
        return None
    unit_code = unit_code or ucum(unit)
    # 4.0 would claim a decimal place that may not have been printed.
    plain = int(value) if value.is_integer() and abs(value) < 10**_MAX_DIGITS else value
    return present(value=plain, unit=text(unit), system=UCUM if unit_code else None, code=unit_code)


def measured(printed: str, unit: str | None, unit_code: str | None, *, grouped: bool) -> Json | None:
    """The Quantity of a printed value such as "5.4", "<0.01" or "≥ 60"; None if it is no plain number."""
    match = _COMPARED.fullmatch(printed.strip())
    if match is None:
        return None
    found = quantity(number(match[2], grouped=grouped), unit, unit_code)
    if found is not None and match[1]:
        found["comparator"] = _COMPARATORS.get(match[1], match[1])
    return found


def dose(printed: str | None, *, grouped: bool) -> Json | None:
    """The Quantity of a dose that is one number and one unit ("500 mg"); None for any other."""
    match = _DOSE.fullmatch(printed.strip()) if printed else None
    return quantity(number(match[1], grouped=grouped), match[2]) if match else None


def coded(system: str, value: str, display: str | None = None) -> Json:
    """A CodeableConcept of one code; ``system`` is the code system's URI."""
    return {"coding": [present(system=system, code=value, display=display)]}


def concept(name: str | None, coding: Coding | None = None) -> Json | None:
    """A CodeableConcept of the printed name and the item's code; None if there is neither.

    A UCUM code names a unit, never a concept, so it is not one of the codings.
    """
    codings = []
    if coding is not None and coding.system in _SYSTEMS and (value := code(coding.code)):
        codings.append(present(system=_SYSTEMS[coding.system], code=value, display=text(coding.display)))
    return present(coding=codings, text=text(name)) or None


def required(found: Json | None) -> Json:
    """The element, or one that says "unknown" where FHIR demands an element and the record has none."""
    absent = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
    return found or {"extension": [absent]}


def extension(name: str, kind: str, value: Any) -> Json:
    """An extension of this bundle's own; ``kind`` is the FHIR type of the value, e.g. "String"."""
    return {"url": EXTENSION + name, f"value{kind}": value}


def complex_extension(name: str, parts: Iterable[tuple[str, str, Any]]) -> Json:
    """An extension made of parts (name, FHIR type, value), without those parts whose value is None."""
    inner = [{"url": part, f"value{kind}": value} for part, kind, value in parts if value is not None]
    return {"url": EXTENSION + name, "extension": inner}
