"""Infers what a table or a list holds from what stands in it, where no word over it is known."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from exora.documents.analysis.answers import answer_columns
from exora.documents.analysis.columns import LIST_OF_ROLE, Column, read_tall_header, role_of
from exora.documents.analysis.dates import find_dates
from exora.documents.analysis.doses import FORM, STRENGTH
from exora.documents.analysis.draft import is_nothing, looks_like_sentence
from exora.documents.analysis.geometry import Row, Run
from exora.documents.analysis.lexicon import conditions, drugs, measurements, procedures, vaccines
from exora.documents.analysis.values import read_range, read_unit, read_value
from exora.documents.analysis.wording import kind_of_title

#: A cell belongs to a column if it starts this near to its header, in letters.
_ALIGNED = 1.5
#: So many rows below a header tell what its columns hold.
_LOOKED_AT = 12
#: What stands alone and this many times further below than the rows of a table is no part of it.
_NEXT_BLOCK = 1.4
#: So much of a column must be of a kind, and so many names of a list.
_MOST = 0.8
_HALF = 0.5


def infer_header(rows: Sequence[Row], index: int) -> list[Column] | None:
    """The columns under a row of words that no list of headers holds: each by what stands below it.

    There must be a column of names and one of dates, figures or units.
    """
    header = rows[index]
    labels = [segment.text for segment in header.segments]
    if not 2 <= len(labels) <= 8 or not all(map(_is_label, labels)) or is_date(labels[0]):
        return None
    cells: list[list[str]] = [[] for _ in labels]
    above, nearest = header, float("inf")
    for row in rows[index + 1 : index + 1 + _LOOKED_AT]:
        if row.page != header.page or row.y - above.y > 3.5 * max(row.height, above.height):
            break
        nearest = min(nearest, row.y - above.y)
        if len(row.segments) == 1 and (row.y - above.y > _NEXT_BLOCK * nearest or kind_of_title(row.text)):
            break
        found = _by_column(header, row)
        if found is None or (len(found) < 2 and above is header):
            break
        for column, text in found.items():
            cells[column].append(text)
        above = row
    half = len(labels) // 2
    if half > 1 and labels == labels[:half] * 2:
        # Two tables side by side under the same words.
        cells = [left + right for left, right in zip(cells[:half], cells[half:], strict=True)]
        roles = roles_of_columns(labels[:half], cells)
        roles = roles and roles * 2
    else:
        roles = roles_of_columns(labels, cells)
    if roles is None:
        return None
    return [
        Column(role or "ignored", segment.x0, segment.x1) for role, segment in zip(roles, header.segments, strict=True)
    ]


def roles_of_columns(labels: Sequence[str], cells: Sequence[Sequence[str]]) -> list[str | None] | None:
    """The role of each column, None for those of no interest; None if they make no table of named things."""
    roles = [_role(label, found) for label, found in zip(labels, cells, strict=True)]
    if not any(role is not None and (role in {"date", "value", "unit"} or "@" in role) for role in roles):
        return None
    if not any(role in LIST_OF_ROLE or role == "name" for role in roles):
        wordy = [index for index, role in enumerate(roles) if role is None and len(set(cells[index])) > 0]
        if not wordy:
            return None
        roles[max(wordy, key=lambda column: sum(map(len, set(cells[column]))))] = "name"
    return roles


def header_at(rows: Sequence[Row], index: int) -> tuple[list[Column], int] | None:
    """The header of a table that starts at a row, by its words or else by what stands below it, and its rows."""
    header = _header_at(rows, index)
    answers = answer_columns(rows[index])
    if not answers or (header is None and "yes" not in answers.values()):
        return header
    columns, count = header or ([], 1)
    for at, segment in enumerate(rows[index].segments):
        others = [column for column in columns if column.x1 <= segment.x0 or column.x0 >= segment.x1]
        if at in answers or len(others) == len(columns):
            role = answers.get(at) or role_of(segment.text) or ("name" if at == 0 else "ignored")
            columns = sorted([*others, Column(role, segment.x0, segment.x1)], key=lambda column: column.x0)
    return (columns, count) if _names(columns) else header


def _header_at(rows: Sequence[Row], index: int) -> tuple[list[Column], int] | None:
    known = read_tall_header(rows, index)
    if known is not None and _names(known[0]) and len(known[0]) >= len(rows[index].segments):
        columns, count = known
        below = rows[index + count : index + count + _LOOKED_AT]
        return _corrected(_rejoined(columns, below), below), count
    inferred = infer_header(rows, index) if len(rows[index].segments) > 1 else None
    if inferred is not None and (known is None or not _names(known[0]) or len(inferred) > len(known[0])):
        return inferred, 1
    return known


def _names(columns: Sequence[Column]) -> bool:
    return any("@" in column.role or column.role == "name" or column.role in LIST_OF_ROLE for column in columns)


def _rejoined(columns: list[Column], rows: Sequence[Row]) -> list[Column]:
    """The columns, those put together that are words of one header: "Prescribed Item" over cells that reach across."""
    result = columns[:1]
    for column in columns[1:]:
        last = result[-1]
        segments = [segment for row in rows for segment in row.segments]
        across = sum(s.x0 < last.x1 - _ALIGNED and s.x1 > column.x0 + _ALIGNED for s in segments)
        apart = sum(_is_under(s, column) and s.x0 > last.x1 - _ALIGNED for s in segments)
        if column.x0 - last.x1 < _ALIGNED and across > apart:
            role = next((c.role for c in (column, last) if c.role in LIST_OF_ROLE or c.role == "name"), last.role)
            result[-1] = Column(role, last.x0, column.x1)
        else:
            result.append(column)
    return result


def _corrected(columns: list[Column], rows: Sequence[Row]) -> list[Column]:
    """The columns with those that are named like things or dates but hold figures, "Finding", as those of values."""
    result = list(columns)
    for number, column in enumerate(columns[1:], start=1):
        if column.role not in LIST_OF_ROLE and column.role not in {"dose", "date", "ignored"}:
            continue
        cells = [s.text for row in rows for s in row.segments if _is_under(s, column)]
        measured = any(c.role == "value" or c.role.startswith(("date@", "test@")) for c in result)
        tells = not measured and not any(c.role == "medication" for c in columns)
        if tells and _role_of_cells(cells) == "value" and _beside_units(columns, column):
            result[number] = Column("value", column.x0, column.x1)
    return result


def _beside_units(columns: Sequence[Column], column: Column) -> bool:
    """Whether figures are surely measured: in a table of tests or units, or under a word for things."""
    return column.role in LIST_OF_ROLE or any(c.role in {"unit", "test"} for c in columns)


def _is_label(text: str) -> bool:
    if is_date(text):
        return True
    return len(text.split()) <= 4 and text[0].isupper() and not any(map(str.isdigit, text)) and not text.endswith(":")


def _is_under(segment: Run, label: Run | Column) -> bool:
    return abs(segment.x0 - label.x0) <= _ALIGNED or abs(segment.x1 - label.x1) <= _ALIGNED


def _by_column(header: Row, row: Row) -> dict[int, str] | None:
    """The row's cells by column, or None if one of them stands under no header."""
    found: dict[int, str] = {}
    for segment in row.segments:
        under = [index for index, label in enumerate(header.segments) if _is_under(segment, label)]
        if not under or under[0] in found:
            return None
        found[under[0]] = segment.text
    return found


def _role(label: str, cells: Sequence[str]) -> str | None:
    """A column's role by its header, by the date that is its header, or by what it holds."""
    if is_date(label) and (dates := find_dates(label)):
        return f"date@{dates[0].iso}"
    named, held = role_of(label) if label else None, _role_of_cells(cells)
    if named in {"date", "end"} and cells and sum(map(is_date, cells)) < _HALF * len(cells):
        named = None
    if named == "ignored" and held == "value":
        named = None
    return held if held and (named is None or named in LIST_OF_ROLE) else named


def _role_of_cells(cells: Sequence[str]) -> str | None:
    kinds: tuple[tuple[str, Callable[[str], bool]], ...] = (
        ("date", is_date),
        ("range", _is_range),
        ("value", is_figure),
        ("unit", is_unit),
    )
    return next(
        (role for role, holds in kinds if cells and sum(map(holds, cells)) >= _MOST * len(cells)),
        None,
    )


#: The first line of a date that is printed over two, and the second.
_PART_OF_DATE = re.compile(
    r"(?:(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s\d{1,2},?|\d{1,2}\s"
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?|(?:19|20)\d\d)",
    re.I,
)


def is_date(text: str) -> bool:
    """Whether a cell holds a date, or one line of a date over two."""
    if _PART_OF_DATE.fullmatch(text):
        return True
    dates = find_dates(text)
    return bool(dates) and dates[0].start == 0 and dates[-1].end >= len(text) - 9


def _is_range(text: str) -> bool:
    found = read_range(text)
    return found is not None and found.start == 0


def is_figure(text: str) -> bool:
    """Whether a cell holds a number, perhaps with its unit."""
    found = read_value(text, words=False)
    if found is None:
        return False
    unit = read_unit(text[found.end :])
    return found.end + (unit.end if unit else 0) >= len(text.rstrip(" *")) - 3


def is_unit(text: str) -> bool:
    """Whether a cell holds a unit and nothing else."""
    unit = read_unit(text)
    return unit is not None and unit.end >= len(text)


def _has_strength_or_form(name: str) -> bool:
    return STRENGTH.search(name) is not None or FORM.search(" " + name) is not None


_ALLERGY = re.compile(r"\b(?:allerg|intoleran|hypersensitiv)", re.I)
_VACCINE = re.compile(r"\b(?:vaccine|toxoids?|preservative free|conjugate)\b", re.I)
_DISORDER = re.compile(r"\((?:disorder|finding|situation)\)", re.I)
#: Kind of list to what its names look like; of two that fit as well the first counts.
_LOOKS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("allergies", lambda name: _ALLERGY.search(name) is not None),
    ("medications", lambda name: any(drugs().find(name)) and _has_strength_or_form(name)),
    ("immunizations", lambda name: _VACCINE.search(name) is not None or any(vaccines().find(name))),
    ("procedures", lambda name: "(procedure)" in name.lower() or any(procedures().find(name))),
    ("conditions", lambda name: _DISORDER.search(name) is not None or any(conditions().find(name))),
)


def kind_of_names(names: Sequence[str]) -> str | None:
    """The list that names like these belong to, or None if fewer than half of them look like one kind."""
    told = [name for name in names if not is_nothing(name)]
    if not told or sum(map(looks_like_sentence, told)) > _HALF * len(told):
        return None
    votes = {kind: sum(map(looks, told)) for kind, looks in _LOOKS}
    best = max(votes, key=lambda kind: votes[kind])
    return best if votes[best] >= _HALF * len(told) else None


def is_listed(text: str) -> bool:
    """Whether a lexicon knows a row of words as the name of something that lists hold."""
    return any(text in lexicon() for lexicon in (conditions, drugs, procedures, vaccines, measurements))
