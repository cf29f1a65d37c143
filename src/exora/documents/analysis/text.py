"""Turns plain text into a page, and remembers where each word stood in the original."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from exora.domain.document import Line, PageText, Word

_WORD = re.compile(r"\S+")
_TAB = 8


class Place(NamedTuple):
    """Where a word of plain text stands: its offsets in the original, and its line and column (tabs expanded)."""

    start: int
    end: int
    row: int
    column: int


def pages_from_text(text: str) -> tuple[PageText, ...]:
    """Plain text as one page.

    Args:
        text: the document; runs of white space are collapsed, empty lines left out of the page's text.

    Returns:
        One page whose words have no box and confidence 1.
    """
    lines = []
    for raw in text.splitlines():
        words = tuple(Word(match.group(), None, 1.0) for match in _WORD.finditer(raw))
        if words:
            lines.append(Line(words))
    return (PageText(1, 0.0, 0.0, tuple(lines), "text", "text", layout=text),)


def word_places(text: str) -> Sequence[Place]:
    """The place of every word of ``pages_from_text(text)`` in the original text, in the page's word order."""
    places: list[Place] = []
    offset = 0
    for row, raw in enumerate(text.splitlines(keepends=True)):
        column, previous = 0, 0
        for match in _WORD.finditer(raw):
            for letter in raw[previous : match.start()]:
                column = column + _TAB - column % _TAB if letter == "\t" else column + 1
            if "\t" in raw[previous : match.start()] and places and places[-1].row == row:
                column = max(column, places[-1].column + places[-1].end - places[-1].start + 2)
            places.append(Place(offset + match.start(), offset + match.end(), row, column))
            column += match.end() - match.start()
            previous = match.end()
        offset += len(raw)
    return places
