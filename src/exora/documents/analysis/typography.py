"""How large words are printed: titles stand out by their size, whatever they say."""

from __future__ import annotations

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
    tokens = [token for row in rows for token in row.run.tokens]
    tall = [t.height for t in tokens if t.text.isalpha() and t.text.islower() and _UP.search(t.text)]
    small = [t.height for t in tokens if t.text.isalpha() and t.text.islower() and not _UP.search(t.text)]
    ink = bool(tall) and bool(small) and statistics.median(tall) > _INK * statistics.median(small)
    sizes = sorted((type_size(row.run.tokens, ink=ink), len(row.text)) for row in rows)
    sizes = [(size, letters) for size, letters in sizes if size > 0]
    half = sum(letters for _, letters in sizes) / 2
    for size, letters in sizes:
        half -= letters
        if half <= 0:
            return Type(size, ink)
    return Type(0.0, ink)


def type_size(tokens: Iterable[Token], *, ink: bool) -> float:
    """The size of type that words are printed in, by the height of their boxes; 0 if none can tell."""
    sizes = []
    for token in tokens:
        letters = _LETTERS.sub("", token.text)
        if letters and not ink:
            sizes.append(token.height)
        elif letters and not _MARKS.search(token.text):
            share = (_TALL if _UP.search(letters) else _SMALL) + (_BELOW if _DOWN.search(letters) else 0.0)
            sizes.append(token.height / share)
    return statistics.median(sizes) if sizes else 0.0


def is_title(run: Run, body: Type) -> bool:
    """Whether words that stand alone are a title by the size they are printed in: short, and larger than the text."""
    text = run.text
    if body.size <= 0 or len(run.tokens) > _MOST_WORDS or not text[0].isupper() or text[-1] in ".,;":
        return False
    letters = sum(letter.isalpha() for letter in text)
    if letters < 2 or letters < 0.6 * len(text.replace(" ", "")) or ": " in text:
        return False
    return type_size(run.tokens, ink=body.ink) > _LARGER * body.size
