"""Puts the entries of a list that stand side by side, two or three to a row, one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from exora.documents.analysis.dates import find_dates
from exora.documents.analysis.draft import is_nothing, strip_bullet
from exora.documents.analysis.geometry import Row, Run
from exora.documents.analysis.inference import is_date, is_figure, kind_of_names

#: Entries of a column start at the same height, give or take so many letters.
_ALIGNED = 1.2
_MOST_COLUMNS = 4
_MOST, _HALF = 0.8, 0.5


def one_below_another(rows: Sequence[Row], kind: str) -> list[Row]:
    """The rows of a list, column by column where several entries stand in a row.

    Args:
        rows: the loose rows of a section.
        kind: the section's kind, which tells names from what belongs to them.
    """
    ordered: list[Row] = []
    index = 0
    while index < len(rows):
        end = index + 1
        starts = [segment.x0 for segment in rows[index].segments]
        while end < len(rows) and rows[end].page == rows[index].page and _aligned(rows[end], starts):
            end += 1
        block = rows[index:end]
        if 2 <= len(starts) <= _MOST_COLUMNS and _are_entries(block, starts, kind):
            for start in starts:
                ordered.extend(_column(block, start, starts[0]))
        else:
            ordered.extend(block)
        index = end
    return ordered


def _aligned(row: Row, starts: Sequence[float]) -> bool:
    return len(starts) > 1 and all(
        any(abs(segment.x0 - start) <= _ALIGNED for start in starts) for segment in row.segments
    )


def _column(rows: Sequence[Row], start: float, first: float) -> list[Row]:
    """The cells of a column as rows, moved to the left margin."""
    moved: list[Row] = []
    for row in rows:
        for segment in row.segments:
            if abs(segment.x0 - start) <= _ALIGNED:
                shift = start - first
                tokens = (replace(t, x0=t.x0 - shift, x1=t.x1 - shift) for t in segment.tokens)
                moved.append(Row(row.page, row.y, row.height, (Run(tokens),)))
    return moved


def _are_entries(rows: Sequence[Row], starts: Sequence[float], kind: str) -> bool:
    """Whether every column holds entries of the list, and none what belongs to those beside it."""
    columns = [[row.text for row in _column(rows, start, start)] for start in starts]
    if not all(columns) or any(sum(map(_is_wordy, cells)) < _MOST * len(cells) for cells in columns):
        return False
    for alike in (_has_bullet, _is_dated):
        if all(sum(map(alike, cells)) >= _HALF * len(cells) for cells in columns):
            return True
    wanted = "conditions" if kind == "history" else kind
    return all(kind_of_names(cells) == wanted for cells in columns[1:])


def _is_wordy(text: str) -> bool:
    letters = sum(map(str.isalpha, text))
    return letters >= 3 and not (is_date(text) or is_figure(text) or is_nothing(text) or ": " in text)


def _has_bullet(text: str) -> bool:
    return strip_bullet(text) > 0


def _is_dated(text: str) -> bool:
    """Whether an entry ends with its date."""
    dates = find_dates(text)
    return bool(dates) and dates[-1].start > 3 and len(text) - dates[-1].end <= 1
