"""Reads tables of results that have a row for each date and a column for each test, units below the names."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from exora.documents.analysis.columns import Column, role_of
from exora.documents.analysis.geometry import Row, Run, Token
from exora.documents.analysis.inference import is_date, is_figure, is_unit
from exora.documents.analysis.tables import Table

#: The header, with names over several lines and a row of units, takes at most so many rows.
_HEADER_ROWS = 7
#: A header's rows stand no further apart than this many of their heights.
_NEAR = 3.0
_ALIGNED = 2.0


def read_transposed(rows: Sequence[Row], index: int) -> tuple[Table, int] | None:
    """The table that starts at a row, and the index of the first row after it; None if none does.

    Its first row of values tells it: a date, then nothing but figures. What stands above it, from a row that starts
    with a word for a date, are the names of the tests.
    """
    top = rows[index]
    if len(top.segments) < 2 or role_of(top.segments[0].text) != "date" or any(is_date(s.text) for s in top.segments):
        return None
    first = next((i for i in range(index + 1, min(index + _HEADER_ROWS, len(rows))) if _is_values(rows[i])), None)
    if first is None or not _together(rows[index : first + 1]):
        return None
    if any(is_figure(segment.text) for row in rows[index:first] for segment in row.segments):
        return None
    margin = top.segments[0].x0 - 1
    starts = _column_starts(top, rows[index + 1 : first + 1])
    header = rows[index:first]
    units: dict[int, Run] = {}
    if len(header) > 1 and (found := _units(header[-1], starts)) is not None:
        units, header = found, header[:-1]
    names: dict[int, list[Token]] = {}
    for row in header:
        for segment in row.segments:
            for token in segment.tokens:
                column = _column_of(token.x0, starts)
                if column is not None and token.x0 > top.segments[0].x1:
                    names.setdefault(column, []).append(token)
    if not names:
        return None
    end = first
    records: list[dict[str, Run]] = []
    while end < len(rows) and _is_values(rows[end]) and rows[end].x0 > margin - 2:
        row = rows[end]
        date = row.segments[0]
        if end + 1 < len(rows) and _ends_date(row, rows[end + 1]):
            date, end = date + rows[end + 1].run, end + 1
        for segment in row.segments[1:]:
            column = _column_of(segment.x0, starts)
            if column is None or column not in names:
                # Figures stand elsewhere than the names: who goes with whom is not certain.
                return None
            name, unit = _without_unit(names[column])
            record = {"test": name, "value": segment, "date": date}
            if found_unit := units.get(column) or unit:
                record["unit"] = found_unit
            records.append(record)
        end += 1
        if end < len(rows) and _runs_on(row, rows[end]):
            # The second line of the cells above: the time of day, and units.
            return None
    return (Table("results", [Column("test", top.x0, top.x1)], records), end) if records else None


def _is_values(row: Row) -> bool:
    first, *rest = row.segments
    return bool(rest) and is_date(first.text) and all(is_figure(segment.text) for segment in rest)


def _ends_date(row: Row, below: Row) -> bool:
    """Whether the row below is the second line of the date that opens a row: "January 13," over "2019"."""
    near = below.page == row.page and below.y - row.y < 2.2 * max(row.height, below.height)
    return near and len(below.segments) == 1 and abs(below.x0 - row.x0) <= _ALIGNED and is_date(below.text)


def _runs_on(row: Row, below: Row) -> bool:
    """Whether the row below holds only the second lines of a row's cells."""
    near = below.page == row.page and below.y - row.y < 2.2 * max(row.height, below.height)
    return near and len(below.segments) > 1 and all(is_unit(segment.text) for segment in below.segments[1:])


def _without_unit(tokens: Sequence[Token]) -> tuple[Run, Run | None]:
    """A test's name, and the unit that stands behind it."""
    if len(tokens) > 1 and is_unit(tokens[-1].text):
        return Run(tokens[:-1]), Run(tokens[-1:])
    return Run(tokens), None


def _together(rows: Sequence[Row]) -> bool:
    return all(
        above.page == row.page and row.y - above.y < _NEAR * max(row.height, above.height)
        for above, row in itertools.pairwise(rows)
    )


def _column_starts(top: Row, below: Sequence[Row]) -> list[float]:
    """Where the columns of tests start: under the header's words, and the figures below it."""
    starts: list[float] = []
    for row in (top, *below):
        for segment in row.segments:
            if segment.x0 > top.segments[0].x1 and all(abs(segment.x0 - x) > _ALIGNED for x in starts):
                starts.append(segment.x0)
    return sorted(starts)


def _column_of(x: float, starts: Sequence[float]) -> int | None:
    before = [index for index, start in enumerate(starts) if start - _ALIGNED <= x]
    return before[-1] if before else None


def _units(row: Row, starts: Sequence[float]) -> dict[int, Run] | None:
    """The units by column, if a row holds nothing else after the word for them."""
    segments = row.segments[1:] if role_of(row.segments[0].text) == "unit" else row.segments
    if not segments or not all(is_unit(segment.text) for segment in segments):
        return None
    placed = {_column_of(segment.x0, starts): segment for segment in segments}
    return {column: segment for column, segment in placed.items() if column is not None}
