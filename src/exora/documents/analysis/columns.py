"""Recognizes the header row of a table: which word names which column."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from exora.documents.analysis.dates import find_dates
from exora.documents.analysis.geometry import Row, Run, Token
from exora.documents.analysis.headings import NearNames, heading_kind
from exora.documents.analysis.lexicon import measurements, normal_key, read_groups
from exora.documents.analysis.wording import role_of_words

#: Key of a column's header to the column's role.
_ROLE_OF = read_groups("columns.txt")
_CLOCK = re.compile(r"(?:[01]?\d|2[0-3]):[0-5]\d(?:\s?[ap]m)?|[0-2]\d[0-5]\d\s?h", re.I)
#: Columns of an immunization card, each holding the date of one dose.
_DOSE_OF_SERIES = re.compile(
    r"(?:dose|shot|date)\s?#?\s?[1-9]|(?:1st|2nd|3rd|4th|5th)(?:\s(?:dose|shot|date))?|booster", re.I
)
_FILLER = frozenset({"of", "the", "and", "", "s", "given", "name", "date", "in"})
_LONGEST = max(len(name.split()) for name in _ROLE_OF)
#: The list a table belongs to, by its leading column.
LIST_OF_ROLE = {
    "test": "results",
    "medication": "medications",
    "vaccine": "immunizations",
    "condition": "conditions",
    "allergen": "allergies",
    "procedure": "procedures",
    "visit": "encounters",
    "patient": "patient",
}


@dataclass(frozen=True)
class Column:
    """A column: its role and the extent of its header.

    "date@2019-03-12" or "date@08:00" is a column of one time's values, "test@Weight (kg)" of one test's values.
    """

    role: str
    x0: float
    x1: float


@functools.cache
def _near_roles() -> NearNames:
    return NearNames(name for name in _ROLE_OF if len(name) >= 5)


def role_of(phrase: str) -> str | None:
    """The role a header phrase names, with one wrong letter forgiven in longer words."""
    if phrase.strip() == "#":
        return "ignored"
    key = normal_key(phrase)
    if key in _ROLE_OF or not key:
        return _ROLE_OF.get(key)
    if role := role_of_words(phrase):
        return role
    if len(key) < 5:
        return _role_of_parts(phrase)
    near = _near_roles().nearest(key)
    return _ROLE_OF[near] if near else _role_of_parts(phrase)


#: Columns that tell how a medicine is taken.
_DIRECTIONS = frozenset({"dose", "strength", "route", "frequency", "sig"})


def _role_of_parts(phrase: str) -> str | None:
    """The role of a column that is named twice: "Procedure / Test", "Substance/Food", "Dose / Route"."""
    parts = [part for part in re.split(r"\s*[/&]\s*", phrase) if part]
    if not 2 <= len(parts) <= 3:
        return None
    roles = [role_of(part) for part in parts]
    if None not in roles and set(roles) <= _DIRECTIONS:
        return "sig"
    named = [role for role in roles if role in LIST_OF_ROLE and role != "patient"]
    return named[0] if named else roles[0] if len(set(roles)) == 1 else None


def read_header(row: Row) -> list[Column] | None:
    """The columns a row names, if it is a table's header: at least two roles and hardly any other word."""
    words = row.run.tokens
    if len(words) > 24 or (len(row.segments) < 2 and (len(words) > 8 or not words[-1].text[0].isupper())):
        return None
    if len(row.segments) < 2 and heading_kind(row.text):
        return None
    if row.segments[0].text.endswith(":") and len(row.segments) > 2 and _all_dates(row.segments[1:]):
        # "Date / Time: | Sept 10, 2012 | Sept 1, 2011": tests below, a column for each date.
        below = Row(row.page, row.y, row.height, row.segments[1:])
        return [Column("test", row.segments[0].x0, row.segments[0].x1), *_parse(below)[0]]
    kinds = [heading_kind(segment.text) for segment in row.segments]
    if len(kinds) > 1 and None not in kinds and len(set(kinds)) == len(kinds):
        # Headings of lists that stand side by side.
        return None
    columns, covered, total = _parse(row)
    if columns and columns[0].x0 > row.segments[0].x1 and (panel := _panel_header(row, columns)):
        return panel
    named = [column for column in columns if column.role != "ignored"]
    if len(columns) < 2 or not named or covered < 0.75 * total:
        return None
    values = [index for index, column in enumerate(columns) if column.role == "value"]
    if len(values) == 2 and values[0] == 0 and not any(c.role in LIST_OF_ROLE or c.role == "name" for c in columns):
        # "Result | Value | Unit": the first of two names the test.
        columns[0] = Column("test", columns[0].x0, columns[0].x1)
    tests = sum(1 for column in named if column.role.startswith("test@"))
    if tests == 1 and not any(c.role.startswith(("date", "value", "unit", "status")) for c in named):
        # One test beside codes is a row of a table of tests.
        return None
    if all(column.role in LIST_OF_ROLE and column.role != "patient" for column in columns):
        # The same in words that are no headings.
        return None
    if len(row.segments) < 2 and (len(columns) < 3 or covered < total):
        return None
    if any(column.role == "medication" for column in columns):
        # The clock over a chart of medicines given, with the nurse's initials below.
        columns = [Column("ignored", c.x0, c.x1) if _CLOCK.fullmatch(c.role[5:]) else c for c in columns]
        named = [column for column in columns if column.role != "ignored"]
    dated = sum(1 for column in named if column.role.startswith("date@"))
    if dated and (columns[0].role not in {"test", "name", "value"} or dated < len(named) - 3):
        return None
    return columns


def _all_dates(segments: Sequence[Run]) -> bool:
    return all((dates := find_dates(s.text)) and dates[0].start == 0 and dates[0].end == len(s.text) for s in segments)


#: A header of a table may run over this many lines.
_HEADER_LINES = 3


def read_tall_header(rows: Sequence[Row], index: int) -> tuple[list[Column], int] | None:
    """The header that starts at a row and the number of rows it takes: its cells may run over several lines.

    Lines are put together cell by cell; the most lines whose every word names a column are taken, else the
    fewest that read as a header at all.
    """
    whole: tuple[list[Column], int] | None = None
    partly: tuple[list[Column], int] | None = None
    for count in range(1, min(_HEADER_LINES, len(rows) - index) + 1):
        merged = _stacked(rows[index : index + count]) if count > 1 else rows[index]
        if merged is None:
            break
        columns = read_header(merged)
        if columns is None:
            continue
        _, covered, total = _parse(merged)
        if covered == total:
            whole = (columns, count)
        partly = partly or (columns, count)
    return whole or partly


def _stacked(rows: Sequence[Row]) -> Row | None:
    """Rows right below one another as one, each word under the cell it stands below; None where they are apart."""
    first = rows[0]
    if len(first.segments) < 3:
        return None
    cells = [list(segment.tokens) for segment in first.segments]
    above = first
    for row in rows[1:]:
        if row.page != first.page or row.y - above.y > 2.1 * max(first.height, row.height):
            return None
        for segment in row.segments:
            under = [cell for cell in cells if cell[0].x0 - 0.6 <= segment.x0 <= max(t.x1 for t in cell) + 0.6]
            if len(under) != 1:
                return None
            under[0].extend(segment.tokens)
        above = row
    return Row(first.page, above.y, first.height, tuple(Run(cell) for cell in cells))


def _panel_header(row: Row, columns: list[Column]) -> list[Column] | None:
    """A header whose first column is named after its panel: "Lipids | Unit | 06/28/2011 | 02/10/2015"."""
    first = row.segments[0]
    later = [column for column in columns if column.x0 > first.x1]
    dated = sum(1 for column in later if column.role.startswith("date@"))
    roles = {column.role for column in later}
    if len(row.segments) < 3 or len(later) < len(row.segments) - 1 or len(first.tokens) > 4 or ":" in first.text:
        return None
    if (dated >= (2 if roles & {"unit", "range"} else 3) and "status" not in roles) or (
        "value" in roles and roles & {"unit", "range", "flag"}
    ):
        return [Column("test", first.x0, first.x1), *later]
    return None


def _parse(row: Row) -> tuple[list[Column], int, int]:
    columns: list[Column] = []
    covered = total = 0
    for segment in row.segments:
        tokens = segment.tokens
        whole = _role(tokens)
        if whole:
            columns.append(Column(whole, segment.x0, segment.x1))
            covered, total = covered + len(tokens), total + len(tokens)
            continue
        index = 0
        while index < len(tokens):
            count, role = _longest_role(tokens[index:])
            if tokens[index].text[0].islower() and tokens[0].text[0].isupper():
                # "Reactions to substances": a word within a title, not a column of its own.
                role = None
            total += max(count, 1)
            if role:
                columns.append(Column(role, tokens[index].x0, tokens[index + count - 1].x1))
                covered += count
            elif normal_key(tokens[index].text) in _FILLER or tokens[index].text.startswith("("):
                total -= 1
            index += max(count, 1)
    return columns, covered, total


def _role(tokens: Sequence[Token]) -> str | None:
    text = " ".join(token.text for token in tokens)
    if text.rstrip().endswith(":"):
        return None
    if _DOSE_OF_SERIES.fullmatch(text):
        return "date"
    if _CLOCK.fullmatch(text):
        return f"date@{text}"
    dates = find_dates(text)
    if len(dates) == 1 and dates[0].start == 0 and dates[0].end == len(text):
        return f"date@{dates[0].iso}"
    bare = text.split("(")[0].strip()
    role = role_of(text) or (role_of(bare) if bare and bare != text else None)
    return role or (f"test@{text}" if bare in measurements() else None)


def _longest_role(tokens: Sequence[Token]) -> tuple[int, str | None]:
    for count in range(min(_LONGEST, len(tokens)), 0, -1):
        role = _role(tokens[:count])
        if role:
            return count, role
    return 0, None
