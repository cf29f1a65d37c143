"""Puts cards of keys and values that stand side by side one below the other."""

from __future__ import annotations

import re
from collections.abc import Sequence

from exora.documents.analysis.geometry import Row
from exora.documents.analysis.headings import read_heading
from exora.documents.analysis.typography import Type, is_title

_KEY = re.compile(r"([A-Z][^:]{0,40}):\s\S")
#: Between two columns of cards nothing is printed within so many letters.
_GUTTER = 0.8


def cards_below_one_another(rows: Sequence[Row], body: Type) -> list[Row]:
    """The rows of a page, with blocks of paired cards unfolded: those on the left first."""
    ordered: list[Row] = []
    index = 0
    while index < len(rows):
        gutter = _gutter(rows, index)
        if gutter is None:
            ordered.append(rows[index])
            index += 1
            continue
        end = index + 1
        while end < len(rows) and not _ends(rows[end], gutter, body):
            end += 1
        for right in (False, True):
            for row in rows[index:end]:
                kept = tuple(segment for segment in row.segments if (segment.x0 >= gutter - _GUTTER) == right)
                if kept:
                    ordered.append(Row(row.page, row.y, row.height, kept))
        index = end
    return ordered


def _gutter(rows: Sequence[Row], index: int) -> float | None:
    """Where the second of two cards starts, if both open with the same key and the next row goes on with keys."""
    row = rows[index]
    below = rows[index + 1].segments if index + 1 < len(rows) else ()
    if len(row.segments) != 2 or len(below) > 2 or not any(_KEY.match(segment.text) for segment in below):
        return None
    keys = [match.group(1) for segment in row.segments if (match := _KEY.match(segment.text))]
    return row.segments[1].x0 if len(keys) == 2 and keys[0] == keys[1] else None


def _ends(row: Row, gutter: float, body: Type) -> bool:
    """Whether a row is no part of the cards: it crosses the gutter, or is the next heading."""
    if len(row.segments) > 2 or any(segment.x0 < gutter - _GUTTER and segment.x1 > gutter for segment in row.segments):
        return True
    if len(row.segments) > 1 or row.x0 >= gutter - _GUTTER or _KEY.match(row.text):
        return False
    heading = read_heading(row.text)
    return is_title(row.run, body) or (heading is not None and not heading.rest)
