"""Holds a model's answer against the pages: an item whose quote is not on its page is dropped, a detail that its quote
does not hold is emptied. Runs in a child process."""

from __future__ import annotations

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
    ITEM_LISTS,
    Coding,
    DocumentInfo,
    Engines,
    Identifier,
    Item,
    Patient,
    Record,
    Source,
)

#: Details that are copied from the page, hence must stand in the quote.
_PRINTED = ("dose", "route", "frequency", "reaction", "severity", "unit", "flag", "provider", "facility")
#: Names may be a little longer than a very short quote, put in order.
_SHORT = 40
#: A model does not say how sure it is; what survives the check is right this often at least.
_EXTRACTION = 0.9
#: Words and whole numbers: "4.1" is neither "1.4" nor "4" and "1".
_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+")
_ISO = re.compile(r"\d{4}(-\d{2}){0,2}")
_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4})?")
#: The prompt asks for a short passage; in a whole page every word stands near every other.
_LONGEST_QUOTE = 600
#: Words that tie a name together and say nothing themselves.
_TIES = frozenset({"a", "an", "and", "at", "by", "due", "for", "from", "in", "of", "on", "or", "the", "to", "with"})
#: What a page says of a patient of each sex.
_SEX = {
    "male": re.compile(r"\b(?:(?i:male|man|boy|gentleman|mr|he|his)|M)\b"),
    "female": re.compile(r"\b(?:(?i:female|woman|girl|lady|mrs|ms|miss|she|her)|F)\b"),
}
#: A part of a document: the numbers of its pages, and the answer about them as JSON (None: left to the local analyzer).
Part = tuple[tuple[int, ...], str | None]


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
    # Packed ones are unpacked at each look.
    pages = tuple(pages)
    by_number = {page.number: page for page in pages}
    kept: dict[str, list[Any]] = {name: [] for name in ITEM_LISTS}
    answers: list[Answer] = []
    local: list[Record] = []
    dropped = 0
    for part, text in parts:
        if text is None:
            from exora.documents.analysis.local import analyze

            local.append(analyze([by_number[number] for number in part], sha256=sha256))
            for name in ITEM_LISTS:
                kept[name].extend(getattr(local[-1], name))
            continue
        answer = Answer.model_validate_json(text)
        answers.append(answer)
        for name, model in ITEM_LISTS.items():
            for said in getattr(answer, name):
                item = _grounded(said.model_dump(), model, name, by_number) if said.page in part else None
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
            language=next((a.language for a in answers if a.language and _LANGUAGE.fullmatch(a.language)), None),
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
    """Where a quote stands in a page's text, however its white space and capitals fall; None if it does not, or is
    so long that it proves nothing."""
    words = quote.split()
    if not words or len(quote) > _LONGEST_QUOTE:
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
    # A visit's kind may be the model's own word, "Hospital admission"; any other name must be the page's.
    if not _stands_in(said[label], quote, most=list_name == "encounters"):
        return None
    if list_name == "results" and not _is_printed(said["value"], quote):
        return None
    for field in _PRINTED:
        if said.get(field) is not None and not _stands_in(said[field], quote):
            said[field] = None
    for bound in ("range_low", "range_high"):
        if said.get(bound) is not None and not _is_printed_number(said[bound], quote):
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
    """Whether all words of a detail stand in the quote, in any order and number; with ``most``, half of them.

    A detail is no longer than what it was read from.
    """
    if len(detail) > max(len(quote), _SHORT):
        return False
    if not _WORD.search(detail):
        return bool(detail) and detail in quote  # a unit such as %
    wanted = [word for word in map(_stem, _WORD.findall(detail.lower())) if word not in _TIES]
    there = set(map(_stem, _WORD.findall(quote.lower())))
    hits = sum(word in there for word in wanted)
    return bool(wanted) and (hits * 2 >= len(wanted) if most else hits == len(wanted))


def _stem(word: str) -> str:
    """A word without the "s" of its plural."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _is_printed(value: str, quote: str) -> bool:
    """Whether a value stands in the quote as it is, and not as a part of another number."""
    parts = value.lower().split()
    found = r"\s*".join(map(re.escape, parts))
    return bool(parts) and re.search(rf"(?<![\w.,]){found}(?!\w|[.,]\d)", quote.lower()) is not None


def _is_printed_number(number: float, quote: str) -> bool:
    """Whether the quote holds a number, whatever zeros it is printed with."""
    return any(float(word.replace(",", "")) == number for word in _NUMBER.findall(quote))


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
        if found.sex is None and said.sex and said.sex in _SEX and _SEX[said.sex].search(text):
            found.sex = said.sex
        known = {identifier.value for identifier in found.identifiers}
        shown = [(_shown(one.type), _shown(one.value)) for one in said.identifiers]
        found.identifiers.extend(
            Identifier(type=kind if _is_printed(kind, text) else "identifier", value=value)
            for kind, value in shown
            if value not in known and _is_printed(value, text)
        )
    for record in local:
        found.name = found.name or record.patient.name
        found.birth_date = found.birth_date or record.patient.birth_date
        found.sex = found.sex or record.patient.sex
        found.identifiers = found.identifiers or record.patient.identifiers
    return found
