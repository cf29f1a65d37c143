"""Holds a model's answer against the pages: an item whose quote is not on its page is dropped, a detail that its quote
does not hold is emptied. Runs in a child process."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from exora.documents.analysis import ANALYZER, coding
from exora.documents.analysis.dates import find_dates
from exora.documents.analysis.merge import merge
from exora.documents.analysis.remote_answer import Answer
from exora.domain.document import PageText
from exora.domain.record import (
    Allergy,
    Coding,
    Condition,
    DocumentInfo,
    Encounter,
    Engines,
    Identifier,
    Immunization,
    Item,
    Medication,
    Patient,
    Procedure,
    Record,
    Result,
    Source,
)

_MODELS: dict[str, type[Item]] = {
    "encounters": Encounter,
    "medications": Medication,
    "conditions": Condition,
    "allergies": Allergy,
    "results": Result,
    "procedures": Procedure,
    "immunizations": Immunization,
}
#: Details that are copied from the page, hence must stand in the quote.
_PRINTED = ("dose", "route", "frequency", "reaction", "severity", "unit", "flag", "provider", "facility")
#: Names may be a little longer than a very short quote, put in order.
_SHORT = 40
#: A model does not say how sure it is; what survives the check is right this often at least.
_EXTRACTION = 0.9
_WORD = re.compile(r"[a-z0-9]+")
_ISO = re.compile(r"\d{4}(-\d{2}){0,2}")
#: The form of a BCP 47 tag: a page does not print its language, so nothing else may stand there.
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
#: What an identifier is called whose kind the page does not print.
_UNNAMED = "identifier"
#: A part of a document: its pages, and the answer about them as JSON (None: left to the local analyzer).
Part = tuple[tuple[PageText, ...], str | None]


def record_of_answers(
    parts: Sequence[Part], pages: Sequence[PageText], sha256: str, analyzer: str, warnings: Sequence[str]
) -> str:
    """The record as JSON that answers about the parts of a document make, checked against its pages.

    Args:
        parts: the document's parts with what was answered about each.
        pages: all pages of the document.
        sha256: hexadecimal digest of the document's bytes.
        analyzer: name and version of the model and prompt.
        warnings: what happened on the way.
    """
    by_number = {page.number: page for page in pages}
    kept: dict[str, list[Any]] = {name: [] for name in _MODELS}
    answers: list[Answer] = []
    local: list[Record] = []
    dropped = 0
    for part, text in parts:
        if text is None:
            from exora.documents.analysis.local import analyze

            local.append(analyze(part, sha256=sha256))
            for name in _MODELS:
                kept[name].extend(getattr(local[-1], name))
            continue
        answer = Answer.model_validate_json(text)
        answers.append(answer)
        own = {page.number for page in part}
        for name, model in _MODELS.items():
            for said in getattr(answer, name):
                item = _grounded(said.model_dump(), model, name, by_number) if said.page in own else None
                dropped += item is None
                if item is not None:
                    kept[name].append(item)
    notes = [*dict.fromkeys(warning for page in pages for warning in page.warnings), *warnings]
    if dropped:
        notes.append(f"{dropped} items were dropped: the page does not hold their quote")
    types = Counter(answer.document_type for answer in answers)
    record = Record(
        document=DocumentInfo(
            type=types.most_common(1)[0][0] if types else local[0].document.type,
            pages=len(pages),
            sha256=sha256,
            language=next((answer.language for answer in answers if _LANGUAGE.fullmatch(answer.language or "")), None),
        ),
        patient=_patient(answers, local, pages),
        engines=Engines(
            ocr="+".join(dict.fromkeys(page.engine for page in pages)),
            analyzer="+".join([analyzer] * bool(answers) + [ANALYZER] * bool(local)),
        ),
        warnings=notes,
    )
    return record.model_copy(update={name: merge(items, name) for name, items in kept.items()}).to_json()


def find_quote(quote: str, page: PageText) -> tuple[int, int] | None:
    """Where a quote stands in a page's text, however its white space and capitals fall; None if it does not."""
    words = quote.split()
    if not words:
        return None
    found = re.search(r"\s+".join(re.escape(word) for word in words), page.text, re.IGNORECASE)
    return found.span() if found else None


def _grounded(said: dict[str, Any], model: type[Item], list_name: str, pages: dict[int, PageText]) -> Item | None:
    page = pages[said.pop("page")]
    span = find_quote(said.pop("quote"), page)
    label = "kind" if list_name == "encounters" else "name"
    said |= {field: _shown(value) for field, value in said.items() if isinstance(value, str)}
    if span is None or not said[label]:
        return None
    quote = page.text[span[0] : span[1]]
    in_order = list_name not in ("conditions", "encounters", "procedures")
    if not _stands_in(said[label], quote, most=not in_order) or not _stands_in(said[label], page.text):
        return None
    if list_name == "results" and not _stands_in(said["value"], quote):
        return None
    for field in _PRINTED:
        if said.get(field) is not None and not _stands_in(said[field], quote):
            said[field] = None
    for bound in ("range_low", "range_high"):
        if said.get(bound) is not None and not (math.isfinite(said[bound]) and f"{said[bound]:g}" in quote):
            said[bound] = None
    for field in ("date", "start", "end"):
        if said.get(field) is not None and not _date_stands_in(said[field], page):
            said[field] = None
    found = page.box_at(*span)
    box = None if found is None else (found.x0, found.y0, found.x1, found.y1)
    words = page.words_at(*span)
    letters = sum(len(word.text) for word in words)
    read = sum(word.confidence * len(word.text) for word in words) / max(letters, 1)
    return model.model_validate(
        said
        | {
            "coding": _coding(list_name, said),
            "source": Source(page=page.number, quote=quote, box=box),
            "confidence": round(min(max(read * _EXTRACTION, 0.0), 1.0), 4),
        }
    )  # fmt: skip


def _shown(text: str) -> str:
    """A text without what cannot be seen, such as controls and marks that turn the direction of writing."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _stands_in(detail: str, quote: str, *, most: bool = False) -> bool:
    """Whether all words of a detail stand in the quote; with ``most``, half of them: names may be put in order.

    A detail is no longer than what it was read from.
    """
    if len(detail) > max(len(quote), _SHORT):
        return False
    wanted = _WORD.findall(detail.lower())
    if not wanted:
        return bool(detail) and detail in quote  # a unit such as %
    there = set(_WORD.findall(quote.lower()))
    hits = sum(word in there for word in wanted)
    return bool(wanted) and (hits * 2 >= len(wanted) if most else hits == len(wanted))


def _date_stands_in(date: str, page: PageText) -> bool:
    """Whether the page prints this date, or one more precise."""
    if not _ISO.fullmatch(date):
        return False
    return any(found.iso.startswith(date) for found in find_dates(page.text, years=True))


def _coding(list_name: str, said: dict[str, Any]) -> Coding | None:
    match list_name:
        case "conditions":
            return coding.condition_coding(said["name"])
        case "medications":
            return coding.medication_coding(said["name"], said["dose"])
        case "results":
            return coding.result_coding(said["name"])
        case "immunizations":
            return coding.vaccine_coding(said["name"])
        case _:
            return None


def _patient(answers: Sequence[Answer], local: Sequence[Record], pages: Sequence[PageText]) -> Patient:
    """Who the patient is, of what the pages print."""
    text = "\n".join(page.text for page in pages)
    found = Patient()
    for said in (answer.patient for answer in answers):
        if found.name is None and said.name and _stands_in(_shown(said.name), text):
            found.name = _shown(said.name)
        if found.birth_date is None and said.birth_date and any(_date_stands_in(said.birth_date, p) for p in pages):
            found.birth_date = said.birth_date
        found.sex = found.sex or said.sex
        known = {identifier.value for identifier in found.identifiers}
        for identifier in said.identifiers:
            kind, value = _shown(identifier.type), identifier.value
            if value.strip() and value.isprintable() and value in text and value not in known:
                found.identifiers.append(Identifier(type=kind if _stands_in(kind, text) else _UNNAMED, value=value))
                known.add(value)
    for record in local:
        found.name = found.name or record.patient.name
        found.birth_date = found.birth_date or record.patient.birth_date
        found.sex = found.sex or record.patient.sex
        found.identifiers = found.identifiers or record.patient.identifiers
    return found
