"""Coded entries of a C-CDA as items of the record: taken as they are, with their codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from exora.documents.analysis import coding as coder
from exora.documents.ccda.concepts import coding_of, name_of, said
from exora.documents.ccda.places import Places
from exora.documents.ccda.sections import Section, person_name
from exora.documents.ccda.values import dose_of, frequency_of, measured, reference_range
from exora.documents.ccda.xml import attribute, children, first, iso_date, local, plain, template_ids, time_of
from exora.domain.record import Source

#: Sections of what is planned or wished for, by LOINC code: nothing in them has happened.
_PLANS = frozenset({"18776-5", "61146-7", "61145-9", "46209-3"})
_PAST_HISTORY = "11348-0"
_IMMUNIZATIONS = "11369-6"
_VITAL_SIGNS = "8716-3"
_PROCEDURES = "47519-4"
_MEDICATIONS = frozenset({"10160-0", "29549-3", "10183-2", "42346-7", "8654-6"})
_RESULTS = "30954-2"

#: Templates of C-CDA 1.1 and 2.1, and of the CCD and C32 before them, by the list their items belong to.
_TEMPLATES = {
    "2.16.840.1.113883.10.20.22.4.4": "conditions",
    "2.16.840.1.113883.10.20.1.28": "conditions",
    "2.16.840.1.113883.10.20.22.4.46": "family",
    "2.16.840.1.113883.10.20.1.22": "family",
    "2.16.840.1.113883.10.20.22.4.7": "allergies",
    "2.16.840.1.113883.10.20.1.18": "allergies",
    "2.16.840.1.113883.10.20.22.4.2": "results",
    "2.16.840.1.113883.10.20.1.31": "results",
    "2.16.840.1.113883.10.20.22.4.27": "vitals",
    "2.16.840.1.113883.10.20.22.4.12": "procedures",
    "2.16.840.1.113883.10.20.22.4.13": "procedures",
    "2.16.840.1.113883.10.20.22.4.14": "procedures",
    "2.16.840.1.113883.10.20.1.29": "procedures",
    "2.16.840.1.113883.10.20.22.4.49": "encounters",
    "2.16.840.1.113883.10.20.1.21": "encounters",
    "2.16.840.1.113883.10.20.22.4.52": "immunizations",
    "2.16.840.1.113883.10.20.22.4.16": "medications",
    "2.16.840.1.113883.10.20.1.24": "medications",
}
_STATEMENTS = frozenset({"observation", "procedure", "encounter", "substanceAdministration", "act", "organizer"})
_REACTION = "2.16.840.1.113883.10.20.22.4.9"
_SEVERITY = "2.16.840.1.113883.10.20.22.4.8"
_FLAGS = frozenset({"H", "L", "HH", "LL", "A", "AA", "HU", "LU", ">", "<"})
_STOPPED = frozenset({"aborted", "cancelled", "suspended", "obsolete", "nullified"})


class Found(NamedTuple):
    """An item, and the list of the record it belongs to."""

    list_name: str
    fields: dict[str, Any]


class _Statement(NamedTuple):
    """One clinical statement in its section."""

    element: Element
    section: Section
    places: Places

    @property
    def referenced(self) -> dict[str, str]:
        return self.places.referenced

    @property
    def is_negated(self) -> bool:
        return self.element.get("negationInd") == "true"

    def source(self, *names: str) -> Source:
        """Where the narrative says it: the row the entry points to, else one of its names."""
        pointer = attribute(first(self.element, "text", "reference"), "value")
        row = self.referenced.get((pointer or "").lstrip("#"), "")
        return self.places.source([row, *names], self.section)


def items_of(section: Section, places: Places) -> Iterator[Found]:
    """The items that a section's entries state."""
    if section.code in _PLANS:
        return
    for entry in section.entries:
        yield from _descend(entry, section, places)


def _descend(parent: Element, section: Section, places: Places) -> Iterator[Found]:
    for child in parent:
        name = local(child)
        if name in ("entryRelationship", "component"):
            yield from _descend(child, section, places)
        elif name in _STATEMENTS and child.get("nullFlavor") is None:
            kind = _kind(child, name, section)
            if kind is None:
                # An organizer or a concern holds its items; an item holds only details of its own.
                yield from _descend(child, section, places)
            elif child.get("moodCode", "EVN") == "EVN" or kind == "medications":
                yield from _READERS[kind](_Statement(child, section, places))


def _kind(element: Element, name: str, section: Section) -> str | None:
    """The list a statement's item belongs to: by its template, else by its section."""
    code = section.code
    for template in template_ids(element):
        if (kind := _TEMPLATES.get(template)) is not None:
            if kind == "medications" and code == _IMMUNIZATIONS:
                return "immunizations"
            return "vitals" if kind == "results" and code == _VITAL_SIGNS else kind
    if name == "substanceAdministration":
        return "immunizations" if code == _IMMUNIZATIONS else "medications" if code in _MEDICATIONS else None
    if name == "procedure" and code == _PROCEDURES:
        return "procedures"
    if name == "observation" and first(element, "value") is not None:
        return {_RESULTS: "results", _VITAL_SIGNS: "vitals"}.get(code or "")
    return None


def _conditions(statement: _Statement, subject: str = "patient") -> Iterator[Found]:
    concept = first(statement.element, "value")
    name = name_of(concept, statement.referenced)
    if not name:
        return
    spoken = said(concept, statement.referenced)
    past = statement.section.code == _PAST_HISTORY or _is_resolved(statement.element)
    yield Found(
        "conditions",
        {
            "name": name,
            "negated": statement.is_negated,
            "temporality": "historical" if past and subject == "patient" else "current",
            "subject": subject,
            "date": time_of(first(statement.element, "effectiveTime")),
            "coding": coding_of(concept, name, "ICD-10-CM") or coder.condition_coding(name),
            "source": statement.source(spoken, name),
        },
    )


def _is_resolved(problem: Element) -> bool:
    """Whether a problem has ended, by its end date or its status observation."""
    if attribute(first(problem, "effectiveTime", "high"), "value"):
        return True
    for relation in children(problem, "entryRelationship"):
        status = first(relation, "observation")
        if attribute(first(status, "code"), "code") == "33999-4":
            return (attribute(first(status, "value"), "displayName") or "").lower() in ("resolved", "inactive")
    return False


def _family(statement: _Statement) -> Iterator[Found]:
    yield from _conditions(statement, "family")


def _allergies(statement: _Statement) -> Iterator[Found]:
    element = statement.element
    agent = first(element, "participant", "participantRole", "playingEntity")
    concept = first(agent, "code")
    name = name_of(concept, statement.referenced) or plain(first(agent, "name"))
    if not name and not statement.is_negated:
        return
    spoken = said(concept, statement.referenced)
    reactions = [name_of(first(each, "value"), statement.referenced) for each in _nested(element, _REACTION)]
    severities = [name_of(first(each, "value"), statement.referenced) for each in _nested(element, _SEVERITY)]
    yield Found(
        "allergies",
        {
            "name": name or "No known allergies",
            "negated": statement.is_negated,
            "reaction": ", ".join(dict.fromkeys(filter(None, reactions))) or None,
            "severity": next(filter(None, severities), None),
            "date": time_of(first(element, "effectiveTime")),
            "coding": coding_of(concept, name, "RxNorm"),
            "source": statement.source(spoken, name or "No known allergies"),
        },
    )


def _nested(element: Element, template: str) -> Iterator[Element]:
    """Observations of one template anywhere below."""
    return (each for each in element.iter() if local(each) == "observation" and template in template_ids(each))


def _medications(statement: _Statement) -> Iterator[Found]:
    material = first(statement.element, "consumable", "manufacturedProduct", "manufacturedMaterial")
    concept = first(material, "code")
    name = name_of(concept, statement.referenced) or plain(first(material, "name"))
    if not name or statement.is_negated:
        return
    element = statement.element
    yield Found(
        "medications",
        {
            "name": name,
            "dose": dose_of(element),
            "route": name_of(first(element, "routeCode"), statement.referenced) or None,
            "frequency": frequency_of(element),
            "status": _medication_status(element),
            "date": next((date for time in children(element, "effectiveTime") if (date := time_of(time))), None),
            "coding": coding_of(concept, name, "RxNorm") or coder.medication_coding(name, None),
            "source": statement.source(said(concept, statement.referenced), name),
        },
    )


def _medication_status(element: Element) -> str:
    status = attribute(first(element, "statusCode"), "code")
    if status in _STOPPED:
        return "stopped"
    return "active" if status == "active" else "unknown"


def _immunizations(statement: _Statement) -> Iterator[Found]:
    material = first(statement.element, "consumable", "manufacturedProduct", "manufacturedMaterial")
    concept = first(material, "code")
    name = name_of(concept, statement.referenced) or plain(first(material, "name"))
    if not name or statement.is_negated:
        return
    yield Found(
        "immunizations",
        {
            "name": name,
            "date": time_of(first(statement.element, "effectiveTime")),
            "coding": coding_of(concept, name, "CVX") or coder.vaccine_coding(name),
            "source": statement.source(said(concept, statement.referenced), name),
        },
    )


def _results(statement: _Statement, category: str = "laboratory") -> Iterator[Found]:
    element = statement.element
    concept = first(element, "code")
    name = name_of(concept, statement.referenced)
    value = measured(first(element, "value"), statement.referenced)
    if not name or value is None:
        return
    low, high = reference_range(element)
    flag = attribute(first(element, "interpretationCode"), "code")
    yield Found(
        "results",
        {
            "name": name,
            "value": value.value,
            "unit": value.unit,
            "range_low": low,
            "range_high": high,
            "flag": flag if flag in _FLAGS else None,
            "category": category,
            "date": time_of(first(element, "effectiveTime")),
            "coding": coding_of(concept, name, "LOINC") or coder.result_coding(name),
            "source": statement.source(said(concept, statement.referenced), name),
        },
    )


def _vitals(statement: _Statement) -> Iterator[Found]:
    yield from _results(statement, "vital")


def _procedures(statement: _Statement) -> Iterator[Found]:
    concept = first(statement.element, "code")
    name = name_of(concept, statement.referenced)
    if not name or statement.is_negated:
        return
    yield Found(
        "procedures",
        {
            "name": name,
            "date": time_of(first(statement.element, "effectiveTime")),
            "source": statement.source(said(concept, statement.referenced), name),
        },
    )


def _encounters(statement: _Statement) -> Iterator[Found]:
    element = statement.element
    concept = first(element, "code")
    kind = name_of(concept, statement.referenced) or plain(first(element, "text"))
    time = first(element, "effectiveTime")
    if not kind:
        return
    place = first(element, "participant", "participantRole", "playingEntity", "name")
    yield Found(
        "encounters",
        {
            "kind": kind,
            "start": time_of(time),
            "end": iso_date(attribute(first(time, "high"), "value")),
            "provider": person_name(first(element, "performer", "assignedEntity", "assignedPerson", "name")) or None,
            "facility": plain(place) or None,
            "date": time_of(time),
            "source": statement.source(said(concept, statement.referenced), kind),
        },
    )


_READERS: dict[str, Callable[[_Statement], Iterator[Found]]] = {
    "conditions": _conditions,
    "family": _family,
    "allergies": _allergies,
    "medications": _medications,
    "immunizations": _immunizations,
    "results": _results,
    "vitals": _vitals,
    "procedures": _procedures,
    "encounters": _encounters,
}
