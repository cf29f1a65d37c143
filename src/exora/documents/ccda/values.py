"""Quantities of a C-CDA as the record writes them: measured values, ranges, doses and frequencies."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import NamedTuple
from xml.etree.ElementTree import Element

from exora.documents.ccda.concepts import name_of
from exora.documents.ccda.xml import attribute, children, first, plain, value_type

#: UCUM units of time by the words that follow a number.
_TIME_UNITS = {"s": "second", "min": "minute", "h": "hour", "d": "day", "wk": "week", "mo": "month", "a": "year"}
#: Events of HL7's TimingEvent that a dose may be tied to.
_EVENTS = {
    "AC": "before meals",
    "ACD": "before lunch",
    "ACM": "before breakfast",
    "ACV": "before dinner",
    "C": "with meals",
    "CM": "with breakfast",
    "CD": "with lunch",
    "CV": "with dinner",
    "HS": "at bedtime",
    "PC": "after meals",
    "PCM": "after breakfast",
    "PCD": "after lunch",
    "PCV": "after dinner",
    "WAKE": "upon waking",
}


class Measured(NamedTuple):
    """A value as it is printed, and its unit."""

    value: str
    unit: str | None


def _quantity(element: Element | None) -> Measured | None:
    value = attribute(element, "value")
    if value is None:
        return None
    unit = attribute(element, "unit")
    return Measured(value, None if unit == "1" else unit)


def measured(value: Element | None, referenced: Mapping[str, str]) -> Measured | None:
    """The value of an observation, whatever its data type; None when there is none."""
    if value is None or value.get("nullFlavor") is not None:
        return None
    match value_type(value):
        case "IVL_PQ" | "IVL_INT" | "IVL_REAL":
            return _interval(value)
        case "CD" | "CE" | "CO" | "CV" | "CS":
            name = name_of(value, referenced)
            return Measured(name, None) if name else None
        case "ST" | "ED":
            pointer = (attribute(first(value, "reference"), "value") or "").lstrip("#")
            text = plain(value) or referenced.get(pointer, "")
            return Measured(text, None) if text else None
        case "BL":
            return Measured(value.get("value", ""), None) if value.get("value") else None
    return _quantity(value)


def _interval(value: Element) -> Measured | None:
    low, high = (_quantity(first(value, name)) for name in ("low", "high"))
    if low and high:
        return Measured(f"{low.value}-{high.value}", high.unit or low.unit)
    for bound, name, sign in ((low, "low", ">"), (high, "high", "<")):
        if bound:
            closed = (attribute(first(value, name), "inclusive") or "true") == "true"
            return Measured(f"{sign}{'=' if closed else ''}{bound.value}", bound.unit)
    return None


def reference_range(observation: Element) -> tuple[float | None, float | None]:
    """The bounds of the first reference range given in numbers."""
    for given in children(observation, "referenceRange"):
        value = first(given, "observationRange", "value")
        bounds = [_number(attribute(first(value, name), "value")) for name in ("low", "high")]
        if bounds != [None, None]:
            return bounds[0], bounds[1]
    return None, None


def _number(text: str | None) -> float | None:
    with contextlib.suppress(TypeError, ValueError):
        number = float(text or "")
        return number if abs(number) < 1e12 else None
    return None


def dose_of(administration: Element) -> str | None:
    """The amount taken at a time, e.g. "2 mL"."""
    quantity = first(administration, "doseQuantity")
    found = _quantity(quantity) or _quantity(first(quantity, "center")) or _quantity(first(quantity, "low"))
    return " ".join(part for part in found if part) if found else None


def frequency_of(administration: Element) -> str | None:
    """How often, from the periodic or event-related time, e.g. "every 6 hours" or "at bedtime"."""
    for time in children(administration, "effectiveTime"):
        event = attribute(first(time, "event"), "code")
        if event in _EVENTS:
            return _EVENTS[event]
        if (period := first(time, "period")) is not None and (often := _every(period)):
            return often
    return None


def _every(period: Element) -> str | None:
    single = _quantity(period)
    bounds = [single] if single else [_quantity(first(period, name)) for name in ("low", "high")]
    known = [bound for bound in bounds if bound and _number(bound.value) is not None]
    unit = _TIME_UNITS.get(known[-1].unit or "") if known else None
    if unit is None:
        return None
    numbers = list(dict.fromkeys(f"{float(bound.value):g}" for bound in known))
    if numbers == ["1"]:
        return "daily" if unit == "day" else f"every {unit}"
    return f"every {'-'.join(numbers)} {unit}s"
