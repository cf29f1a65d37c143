"""How large words are printed: titles stand out by their size, whatever they say."""

from __future__ import annotations

import itertools
import re
import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from exora.documents.analysis.geometry import Row, Run, Token

#: Height of letters as a share of the height of type, in the usual typefaces: capitals, digits and letters with an
#: ascender; letters without; and what a descender adds.
_TALL, _SMALL, _BELOW = 0.72, 0.53, 0.21
_LETTERS = re.compile(r"[^A-Za-z0-9]")
_UP, _DOWN = re.compile(r"[A-Z0-9bdfhklit]"), re.compile(r"[gjpqyQ]")
#: Marks that reach above and below the letters.
_MARKS = re.compile(r"[()\[\]{}/|,;@$_]")
_NUMBERING = re.compile(r"^(?:\d{1,2}|[IVX]{1,4}|[A-Z])[.)]\s+")
#: A title's words may stand this many letters apart.
_APART = 3.0
#: A title is at least this much larger than the text.
_LARGER = 1.12
_MOST_WORDS = 8


#: Where boxes are drawn about letters, words with tall ones stand this much higher than words without.
_INK = 1.15


class Type(NamedTuple):
    """The type most of a document is printed in: its size, and whether boxes are drawn about the ink of letters."""

    size: float
    ink: bool


def body_type(rows: Sequence[Row]) -> Type:
    """The type most of the document is printed in."""
    ink = _is_ink([token for row in rows for token in row.run.tokens if token.text.isalpha()])
    sizes = sorted((type_size(row.run.tokens, ink=ink), len(row.text)) for row in rows)
    sizes = [(size, letters) for size, letters in sizes if size > 0]
    half = sum(letters for _, letters in sizes) / 2
    for size, letters in sizes:
        half -= letters
        if half <= 0:
            return Type(size, ink)
    return Type(0.0, ink)


def _is_ink(tokens: Sequence[Token]) -> bool:
    """Whether boxes are higher where letters reach above the small ones, or below the line."""
    if len({token.height for token in tokens}) < 2:
        return False
    kinds: dict[tuple[bool, bool], list[float]] = {}
    for token in tokens:
        shape = (_UP.search(token.text) is not None, _DOWN.search(token.text) is not None)
        kinds.setdefault(shape, []).append(token.height)
    plain = kinds.get((True, False))
    if not plain:
        return False
    usual = statistics.median(plain)
    small, deep = kinds.get((False, False)), kinds.get((True, True))
    return (small is not None and usual > _INK * statistics.median(small)) or (
        deep is not None and statistics.median(deep) > _INK * usual
    )


def type_size(tokens: Iterable[Token], *, ink: bool) -> float:
    """The size of type that words are printed in, by the height of their boxes; 0 if none can tell."""
    if not ink:
        heights = [token.height for token in tokens if any(map(str.isalnum, token.text))]
        return statistics.median(heights) if heights else 0.0
    sizes = []
    for token in tokens:
        letters = _LETTERS.sub("", token.text)
        if letters and not _MARKS.search(token.text):
            share = (_TALL if _UP.search(letters) else _SMALL) + (_BELOW if _DOWN.search(letters) else 0.0)
            sizes.append(token.height / share)
    return statistics.median(sizes) if sizes else 0.0


def is_title(run: Run, body: Type) -> bool:
    """Whether words that stand alone are a title by the size they are printed in: short, and larger than the text."""
    text = _NUMBERING.sub("", run.text)
    if body.size <= 0 or len(run.tokens) > _MOST_WORDS or not text[:1].isupper() or text[-1] in ".,;":
        return False
    letters = sum(letter.isalpha() for letter in text)
    if letters < 2 or letters < 0.6 * len(text.replace(" ", "")) or ": " in text:
        return False
    return type_size(run.tokens, ink=body.ink) > _LARGER * body.size


def stands_alone(row: Row) -> bool:
    """Whether a row's words are one run, larger blanks of larger type aside."""
    gaps = [right.x0 - left.x1 for left, right in itertools.pairwise(row.segments)]
    return not row.fields and all(gap < _APART for gap in gaps)


def one_title(row: Row) -> Row:
    """A row whose words are one title, as one segment."""
    return Row(row.page, row.y, row.height, (row.run,))
