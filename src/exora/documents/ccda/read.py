"""A C-CDA document: its narrative as a page of text, and its coded entries as parts of the record."""

from __future__ import annotations

import base64
import binascii
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

from exora.documents.analysis.merge import merge
from exora.documents.ccda.entries import items_of
from exora.documents.ccda.places import Places
from exora.documents.ccda.sections import Narrative, patient_role, person_name, read_sections
from exora.documents.ccda.xml import attribute, children, first, iso_date, local, plain
from exora.documents.layout import text_page
from exora.documents.markup import parse_xml
from exora.domain.document import DocumentLimits, PageText
from exora.domain.record import (
    ITEM_LISTS,
    DocumentType,
    Identifier,
    Patient,
    Record,
)
from exora.errors import CorruptDocument, UnsupportedFormat

ENGINE = "c-cda"

#: Document types by LOINC code (C-CDA 2.1, document-level templates).
_TYPES: dict[str, DocumentType] = {
    "18842-5": "discharge_summary",
    "11488-4": "consultation_note",
    "11506-3": "progress_note",
    "34117-2": "progress_note",
    "11504-8": "operative_note",
    "28570-0": "operative_note",
    "18748-4": "radiology_report",
    "57133-1": "referral_letter",
    "11526-1": "pathology_report",
    "11502-2": "laboratory_report",
    "82593-5": "immunization_record",
}
_SEXES = {"M": "male", "F": "female", "UN": "other", "UNK": "unknown"}
_CONFIDENCE = 1.0


@dataclass(frozen=True)
class _Reading:
    """A parsed document."""

    root: Element
    narrative: Narrative
    page: PageText


@functools.lru_cache(maxsize=1)
def _read(content: bytes, limits: DocumentLimits) -> _Reading:
    root = parse_xml(content)
    if local(root) != "ClinicalDocument":
        raise UnsupportedFormat("the document is XML of another kind, which is not read")
    narrative = read_sections(root, limits.max_text_chars)
    return _Reading(root, narrative, text_page(narrative.text, ENGINE, limits))


@functools.lru_cache(maxsize=1)
def embedded_document(content: bytes, limits: DocumentLimits) -> bytes | None:
    """The file that an unstructured document wraps; None for any other C-CDA.

    Raises:
        CorruptDocument, DocumentTooLarge, UnsupportedFormat: it cannot be read.
    """
    text = first(_read(content, limits).root, "component", "nonXMLBody", "text")
    if text is None:
        return None
    if text.get("representation") != "B64":
        if plain(text):
            return "".join(text.itertext()).encode()
        raise UnsupportedFormat(
            "the document only points to another file, which is never followed", remedy="Send that file itself"
        )
    try:
        return base64.b64decode("".join((text.text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        raise CorruptDocument("the file inside the document is damaged") from None


def read_ccda_page(content: bytes, limits: DocumentLimits) -> PageText:
    """The narrative of all sections as one page whose words have no boxes."""
    return _read(content, limits).page


def with_entries(record: Record, content: bytes, limits: DocumentLimits) -> Record:
    """A record completed by what the document's coded entries state.

    What the analyzer found in the narrative of a section stays out where the section's entries say
    the same in codes; what only narrative says is kept.
    """
    reading = _read(content, limits)
    places = Places(reading.narrative, reading.page)
    stated: dict[str, list[Any]] = {name: [] for name in ITEM_LISTS}
    coded: list[tuple[int, int, str]] = []
    for section in reading.narrative.sections:
        for name, fields in items_of(section, places):
            stated[name].append(ITEM_LISTS[name].model_validate({**fields, "confidence": _CONFIDENCE}))
            coded.append((section.start, section.end, name))
    update: dict[str, Any] = {
        name: merge([*items, *_told(getattr(record, name), name, coded)], name) for name, items in stated.items()
    }
    update["patient"] = _patient(reading.root, record.patient)
    kind = _TYPES.get(attribute(first(reading.root, "code"), "code") or "", record.document.type)
    update["document"] = record.document.model_copy(update={"type": kind, "language": _language(reading.root, record)})
    return record.model_copy(update=update)


def _told(items: list[Any], name: str, coded: list[tuple[int, int, str]]) -> list[Any]:
    """Items from narrative that no section states in codes."""
    spans = {(start, end) for start, end, listed in coded if listed == name}
    return [
        item
        for item in items
        if not spans
        or (item.source.start is not None and not any(start <= item.source.start < end for start, end in spans))
    ]


def _language(root: Element, record: Record) -> str | None:
    return attribute(first(root, "languageCode"), "code") or record.document.language


def _patient(root: Element, told: Patient) -> Patient:
    """Who the header says the patient is; what it leaves open is taken from the narrative."""
    role = patient_role(root)
    patient = first(role, "patient")
    stated: Mapping[str, Any] = {
        "name": person_name(first(patient, "name")) or None,
        "birth_date": iso_date(attribute(first(patient, "birthTime"), "value")),
        "sex": _SEXES.get(attribute(first(patient, "administrativeGenderCode"), "code") or ""),
        "identifiers": [
            Identifier(type=attribute(each, "assigningAuthorityName") or "MRN", value=value)
            for each in children(role, "id")
            if (value := attribute(each, "extension"))
        ],
    }
    return told.model_copy(update={name: value for name, value in stated.items() if value})
