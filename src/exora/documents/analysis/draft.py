"""An item as found, before it is checked against the page and becomes part of the record."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from exora.documents.analysis.geometry import Run

ListName = Literal["encounters", "medications", "conditions", "allergies", "results", "procedures", "immunizations"]
_BULLETS = re.compile(
    r"^(?:[•▪●○■□❏❑❒▢◦·‣►»«§¢©®°*+~–—-]+|\[[ xX]?\]|[☐☑✓✔✗✘]|#\s?\d{1,2}[.):]?(?=\s)|\(?\d{1,2}[.)](?!\d)|"
    r"\([a-z]\)(?=\s)|[a-zA-Z]\)|[eo](?=\s+[A-Z]))\s*"
)
_EDGES = ' \t,;:.|–—-*•_=~>→"“”‘`'


@dataclass
class Draft:
    """An item found in the text.

    Attributes:
        list_name: the list of the record it belongs to.
        name: the item's name (for an encounter, its kind).
        run: all words it was read from; the name's own come first.
        extraction: how sure the reading is, 0-1, apart from how well the words were recognized.
        date: ISO 8601 or None.
        fields: the list's own fields.
    """

    list_name: ListName
    name: str
    run: Run
    extraction: float
    date: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)


def strip_bullet(text: str) -> int:
    """How many characters of bullets and numbering the text starts with."""
    length = 0
    while match := _BULLETS.match(text[length:]):
        if not match.end() or length + match.end() >= len(text):
            break
        length += match.end()
    return length


def clean_name(text: str) -> str:
    """The name without bullets, numbering and loose punctuation at its ends; brackets that match stay."""
    name = text[strip_bullet(text) :].strip(_EDGES)
    for opening, closing in ("()", "[]"):
        if name.endswith(closing) and opening not in name:
            name = name[:-1].rstrip(_EDGES)
        if name.startswith(opening) and closing not in name:
            name = name[1:].lstrip(_EDGES)
        if name.count(opening) > name.count(closing) and name.rfind(opening) > len(name) - 3:
            name = name[: name.rfind(opening)].rstrip(_EDGES)
    return name


_NOTHING = re.compile(
    r"(?:none|n/?a|nil|not applicable|unknown(?: (?:\w+ )?(?:status|history|type))?|no data|"
    r"none (?:known|recorded|reported|documented|on file|given|listed)|"
    r"not recorded|not documented|nothing recorded|no (?:current |active |known |recorded )?(?:medications?|"
    r"problems?|procedures?|"
    r"immunizations?|conditions?|results?|encounters?|vaccines?|history|data)(?: (?:recorded|reported|on file|"
    r"listed|known|performed|"
    r"available|documented))?|see (?:below|above|attached).*|[-–—_.*\s]*|as above|unremarkable|noncontributory|"
    r"non-contributory|"
    r"(?:active|resolved|inactive|current|historical|expired|completed) ?(?:concerns?|problems?|medications?)?|"
    r"(?:allerg(?:y|ic)|intoleran(?:ce|t)) to|"
    r"end of (?:report|document|list|record|summary)|reviewed.*|updated.*|continued.*|no significant .*)\.?",
    re.I,
)
_SENTENCE = re.compile(
    r"\b(?:was|were|is|are|has|have|had|will|should|please|your|you|she|he|they|we|this|that|these|those|which|"
    r"been|does|"
    r"must|could|would|thank|contact|call|seen|presents?|presented|reports?|denies|states)\b",
    re.I,
)


def is_nothing(text: str) -> bool:
    """Whether a cell or line says that there is nothing to list."""
    return _NOTHING.fullmatch(text.strip()) is not None


def looks_like_sentence(text: str) -> bool:
    """Whether a line is prose rather than an entry of a list."""
    words = text.split()
    return len(words) > 25 or (len(words) > 4 and len(_SENTENCE.findall(text)) >= (1 if len(words) > 5 else 2))


def plausible_name(name: str) -> bool:
    """Whether a cell or line can be the name of something: letters in it, neither too long nor a remark."""
    letters = sum(letter.isalpha() for letter in name)
    if re.search(r"[a-z]{3}\. [A-Z]", name):
        return False
    return letters >= 2 and len(name) <= 220 and letters >= 0.4 * len(name.replace(" ", "")) and not is_nothing(name)
