"""Recognizes the headings of a document's sections."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import NamedTuple

from exora.documents.analysis.lexicon import normal_key, read_groups
from exora.documents.analysis.wording import kind_of_words

#: Key of a heading to the kind of section it opens.
_KIND = read_groups("headings.txt")
_NUMBERING = re.compile(r"^\s*(?:(?:\d{1,2}|[IVX]{1,4}|[A-H])[.)]\s*|[#*•■▪►>§–—-]+\s*)+")
_CONTINUED = re.compile(r"\s*[(\[]?\b(?:continued|cont'?d|cont\.)[)\]]?\s*$", re.I)
_DATED = re.compile(
    r"[\s,(–—-]*(?:(?:on|as of|from|of)\s+)?(?:\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{1,2}\s[A-Z][a-z]{2,8}\.?,?\s\d{4}|"
    r"[A-Z][a-z]{2,8}\.?\s\d{1,2},?\s\d{4})(?:\s\d{1,2}:\d\d)?[)\s]*$"
)
_OCCASION = re.compile(
    r" (?:on|at|upon|during|prior to|before|for) (?:the |this )?(?:admission|discharge|presentation|transfer|"
    r"visit|arrival|encounter|"
    r"hospitali[sz]ation|stay|time of discharge|home)$"
)
_COUNT_OR_NOTE = re.compile(r"\s*\([^)]*\)\s*$")


class Heading(NamedTuple):
    """A section's heading: its kind, and where the text after it starts in the row (0 if it stands alone)."""

    kind: str
    rest: int
    title: str


def heading_kind(title: str) -> str | None:
    """The kind of section a title names, or None; a letter that OCR misread is forgiven in long titles."""
    title = _DATED.sub("", title)
    key = normal_key(_CONTINUED.sub("", _NUMBERING.sub("", title)).strip(" :.-–—_=*"))
    if not key or len(key) > 60:
        return None
    return _kind_of(key) or (None if _NUMBERING.match(title) else kind_of_words(title))


def _kind_of(key: str) -> str | None:
    bare = _OCCASION.sub("", key)
    for candidate in (key, bare, key.removeprefix("patient ").removeprefix("the "), key.removesuffix(" list")):
        if candidate in _KIND:
            return _KIND[candidate]
    parts = bare.split(" and ")
    if len(parts) == 2 and len(key.split()) <= 6 and parts[0] in _KIND:
        return _KIND[parts[0]]
    if len(key) < 7:
        return None
    if kind := _kind_by_keyword(bare.split()):
        return kind
    near = _near_names().nearest(key)
    return _KIND[near] if near else None


#: Words that tell a section's kind in titles the lexicon lacks, the more telling first.
_KEYWORDS = {
    "family": "family",
    "immunization": "immunizations",
    "vaccination": "immunizations",
    "vaccine": "immunizations",
    "allergy": "allergies",
    "allergies": "allergies",
    "medication": "medications",
    "medications": "medications",
    "procedure": "procedures",
    "procedures": "procedures",
    "surgical": "procedures",
    "problem": "conditions",
    "problems": "conditions",
    "diagnoses": "conditions",
    "conditions": "conditions",
    "vital": "vitals",
    "laboratory": "results",
    "investigations": "results",
    "results": "results",
    "encounters": "encounters",
    "visits": "encounters",
}
_TITLE_ENDS = frozenset(
    [
        "history",
        "list",
        "record",
        "records",
        "summary",
        "data",
        "findings",
        "results",
        "log",
        "problems",
        "diagnoses",
        "conditions",
        "medications",
        "procedures",
        "allergies",
        "signs",
        "encounters",
        "visits",
        "investigations",
    ]
)


@functools.cache
def _title_words() -> frozenset[str]:
    return frozenset(word for name in _KIND for word in name.split())


def _kind_by_keyword(words: list[str]) -> str | None:
    """The kind of a title made of words that titles are made of, e.g. "surgical and procedure history"."""
    if not 2 <= len(words) <= 5 or words[-1] not in _TITLE_ENDS or not _title_words().issuperset(words):
        return None
    if {"for", "to", "with", "of", "the", "report"} & set(words):
        return None
    return next((kind for word, kind in _KEYWORDS.items() if word in words), None)


class NearNames:
    """Finds the name that differs from a key by at most one letter."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_end: dict[str, list[str]] = {}
        for name in names:
            # One wrong letter leaves the first or the last three letters as they are.
            for end in {"<" + name[:3], ">" + name[-3:]}:
                self._by_end.setdefault(end, []).append(name)

    def nearest(self, key: str) -> str | None:
        """A name within one letter of ``key``, or None."""
        for end in ("<" + key[:3], ">" + key[-3:]):
            for name in self._by_end.get(end, ()):
                if within_one(name, key):
                    return name
        return None


@functools.cache
def _near_names() -> NearNames:
    return NearNames(_KIND)


def within_one(a: str, b: str) -> bool:
    """Whether two strings differ by at most one letter changed, added or dropped."""
    if abs(len(a) - len(b)) > 1:
        return False
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    left, right = a[start:], b[start:]
    return left[1:] == right[1:] or left[1:] == right or left == right[1:]


#: Short hand that is a heading only where something stands behind it on its line.
_LABELS = {
    "hx": "history",
    "ix": "results",
    "o/e": "results",
    "o/e + ix": "results",
    "tx": "medications",
}


#: Short hand that is a heading only before "=": "ALL" is a leukemia, "All:" a word of any list, "Px:" a prognosis.
_EQUATED = {"All": "allergies", "Px": "procedures"}


def short_label(label: str) -> str | None:
    """The kind that a short word names before a list on its line, where it would name something else alone."""
    return _LABELS.get(label.lower()) or _EQUATED.get(label)


def read_heading(text: str) -> Heading | None:
    """The heading a row is or starts with: "ALLERGIES", "3. Current medications:", "Allergies: Penicillin".

    Words may follow only after a colon, or after a dash that stands alone.
    """
    if len(text) > 400:
        return None
    kind = heading_kind(text) or heading_kind(_COUNT_OR_NOTE.sub("", text))
    if kind:
        return Heading(kind, 0, text.strip())
    colon = text.find(":")
    if 1 < colon < 60 and not text[0].islower() and (kind := heading_kind(text[:colon])):
        rest = colon + 1
        return Heading(kind, rest if text[rest:].strip() else 0, text[:colon])
    if colon > 1 and (kind := _LABELS.get(text[:colon].strip().lower())) and text[colon + 1 :].strip():
        return Heading(kind, colon + 1, text[:colon])
    for mark in (" - ", " – ", " — ", " = "):
        dash = text.find(mark)
        label = text[:dash].strip()
        if 1 < dash < 50 and not _NUMBERING.match(text) and (kind := heading_kind(label) or _LABELS.get(label.lower())):
            return Heading(kind, dash + len(mark), text[:dash])
    label, equals, _ = text.partition(" = ")
    return Heading(_EQUATED[label], len(label + equals), label) if equals and label in _EQUATED else None
