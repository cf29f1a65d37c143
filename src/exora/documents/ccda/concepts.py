"""Coded concepts of a C-CDA: what they are called, and their code in a system the record knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal
from xml.etree.ElementTree import Element

from exora.documents.ccda.xml import attribute, children, first, plain
from exora.domain.record import Coding

System = Literal["ICD-10-CM", "RxNorm", "LOINC", "CVX"]

#: Object identifiers of code systems (HL7 OID registry).
_SYSTEMS: dict[str, System] = {
    "2.16.840.1.113883.6.90": "ICD-10-CM",
    "2.16.840.1.113883.6.88": "RxNorm",
    "2.16.840.1.113883.6.1": "LOINC",
    "2.16.840.1.113883.12.292": "CVX",
    "2.16.840.1.113883.6.59": "CVX",
}


def _alternatives(concept: Element | None) -> Iterator[Element]:
    """The concept itself, then its translations into other systems."""
    if concept is not None:
        yield concept
        yield from children(concept, "translation")


def said(concept: Element | None, referenced: Mapping[str, str]) -> str:
    """The words that the concept stands for: written in it or in the narrative it points to."""
    original = first(concept, "originalText")
    pointer = attribute(first(original, "reference"), "value")
    return referenced.get((pointer or "").lstrip("#"), "") or plain(original)


def name_of(concept: Element | None, referenced: Mapping[str, str]) -> str:
    """What the concept is called: by its code system, else in the document's own words."""
    for each in _alternatives(concept):
        if display := attribute(each, "displayName"):
            return " ".join(display.split())
    return said(concept, referenced)


def coding_of(concept: Element | None, name: str, *systems: System) -> Coding | None:
    """The concept's code in the first of some systems that it, or a translation of it, is coded in."""
    for system in systems:
        for each in _alternatives(concept):
            code = attribute(each, "code")
            if code and _SYSTEMS.get(each.get("codeSystem", "")) == system:
                return Coding(system=system, code=code, display=attribute(each, "displayName") or name)
    return None
