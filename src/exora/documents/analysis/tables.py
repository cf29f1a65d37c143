"""Rebuilds tables from rows: columns under a header, records from rows, cells that run over several lines."""

from __future__ import annotations

import itertools
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from exora.documents.analysis.answers import is_denied
from exora.documents.analysis.columns import LIST_OF_ROLE, Column, read_header, role_of
from exora.documents.analysis.dates import find_dates
from exora.documents.analysis.geometry import Row, Run, Token
from exora.documents.analysis.headings import read_heading
from exora.documents.analysis.inference import header_at, is_figure
from exora.documents.analysis.values import read_unit, read_value

#: A title stands this many times the usual distance of rows below the table above it.
_APART = 1.2
#: A gap over this many times the usual distance of rows ends a table.
END_GAP = 3.2


@dataclass
class Table:
    """A table as records: each a cell per role. ``list_name`` is "" where only the section can tell it."""

    list_name: str
    columns: list[Column]
    records: list[dict[str, Run]] = field(default_factory=list)


def list_of(columns: Sequence[Column]) -> str:
    """The list of the record that a table with these columns fills, or "" if its header leaves that open."""
    roles = [column.role for column in columns]
    named = [role for role in roles if role in LIST_OF_ROLE]
    if "medication" in named and "test" not in named:
        return "medications"
    if any("@" in role for role in roles) or ("value" in roles and "test" in named):
        return "results"
    if {"birth", "mrn", "sex"} & set(roles):
        return "patient"
    for role in ("vaccine", "allergen", "procedure", "test", "visit", "condition", "patient"):
        if role in named:
            return LIST_OF_ROLE[role]
    if "name" in roles:
        if "value" in roles:
            return "results"
        if {"reaction"} & set(roles):
            return "allergies"
        if {"dose", "sig", "route", "frequency"} & set(roles):
            return "medications"
    return ""


def ends_table(row: Row, previous: Row, pitch: float, list_name: str) -> bool:
    """Whether ``row`` no longer belongs to the table that ``previous`` is in."""
    gap = row.y - previous.y if row.page == previous.page else pitch
    if gap > END_GAP * pitch:
        return True
    if len(row.segments) > 1 or is_panel_title(row, list_name):
        return False
    heading = read_heading(row.text)
    if heading is not None:
        return heading.rest == 0 or heading.kind != "other"
    letters = sum(letter.isalpha() for letter in row.text)
    return row.text.isupper() and letters >= 8 and " " in row.text and gap > 1.25 * pitch and list_name != "results"


def is_panel_title(row: Row, list_name: str) -> bool:
    """Whether a row of a table of results only names the panel below it, e.g. "LIPID PANEL"."""
    if list_name != "results" or len(row.segments) > 1:
        return False
    heading = read_heading(row.text)
    return heading is not None and heading.kind == "results" and not heading.rest


def side_by_side(columns: Sequence[Column], rows: Sequence[Row]) -> list[tuple[list[Column], list[Row]]]:
    """A table whose columns are named twice or three times over, as the tables that stand side by side in it."""
    roles = [column.role for column in columns]
    for count in (3, 2):
        size = len(roles) // count
        if size >= 2 and roles == roles[:size] * count and (_name_roles(columns[:size])):
            starts = [columns[index * size].x0 - 1.0 for index in range(1, count)]
            groups = [list(columns[index * size : (index + 1) * size]) for index in range(count)]
            sides = zip([float("-inf"), *starts], [*starts, float("inf")], strict=True)
            return [(group, _between(rows, left, right)) for group, (left, right) in zip(groups, sides, strict=True)]
    return [(list(columns), list(rows))]


def _between(rows: Sequence[Row], left: float, right: float) -> list[Row]:
    """What of each row stands between two heights of x."""
    kept = []
    for row in rows:
        tokens = ([t for t in segment.tokens if left <= t.x0 < right] for segment in row.segments)
        segments = tuple(Run(part) for part in tokens if part)
        if segments:
            kept.append(Row(row.page, row.y, row.height, segments))
    return kept


def typical_pitch(rows: Sequence[Row]) -> float:
    """The usual distance between neighboring rows of a page."""
    gaps = [b.y - a.y for a, b in itertools.pairwise(rows) if a.page == b.page and b.y > a.y]
    return statistics.median(gaps) if gaps else 2.0


def body_of(rows: Sequence[Row], start: int, columns: Sequence[Column], pitch: float) -> int:
    """Index after the last row of the table whose header is ``rows[start - 1]``."""
    end = start
    left = min(column.x0 for column in columns)
    list_name = list_of(columns)
    widest_gap = 0.0
    while end < len(rows):
        row, previous = rows[end], rows[end - 1]
        header = read_header(row)
        if (
            header is not None
            and not _is_row_of_dates(header, columns)
            and (_name_roles(header) or _same_roles(header, columns))
        ):
            break
        # A lone word well inside the table is the end of a cell, whatever it says.
        inside = len(row.segments) == 1 and row.x0 > left + 6 and row.page == previous.page
        if _titles_the_next(rows, end, pitch):
            break
        if ends_table(row, previous, pitch, list_name) and not (inside and row.y - previous.y < 1.5 * pitch):
            break
        gap = row.y - previous.y if row.page == previous.page else 0.0
        apart = end - start >= 2 and gap > 1.45 * max(widest_gap, 0.8 * pitch)
        if end > start and (_is_prose(row, columns, left) or (apart and len(row.segments) == 1)):
            break
        widest_gap = max(widest_gap, gap if end > start else 0.0)
        end += 1
    return end


def _titles_the_next(rows: Sequence[Row], index: int, pitch: float) -> bool:
    """Whether a row alone, apart from what is above it, stands over the header of another table."""
    row = rows[index]
    apart = row.page != rows[index - 1].page or row.y - rows[index - 1].y > _APART * pitch
    alone = len(row.segments) == 1 and len(row.run.tokens) <= 6 and row.text[0].isupper()
    return alone and apart and index + 1 < len(rows) and header_at(rows, index + 1) is not None


def _is_row_of_dates(header: Sequence[Column], columns: Sequence[Column]) -> bool:
    """Whether what looks like a header with dates is a row of a table that has columns of dates itself."""
    return any("date@" in column.role for column in header) and any(column.role == "date" for column in columns)


def _same_roles(header: Sequence[Column], columns: Sequence[Column]) -> bool:
    return {column.role for column in header} == {column.role for column in columns}


def _name_roles(columns: Sequence[Column]) -> bool:
    return any(column.role in LIST_OF_ROLE or column.role == "name" for column in columns)


def _is_prose(row: Row, columns: Sequence[Column], left: float) -> bool:
    """One long segment that starts at the margin and runs through several columns."""
    if len(row.segments) != 1 or len(row.run.tokens) < 5:
        return False
    crossed = sum(1 for column in columns[1:] if row.x0 < column.x0 - 1 and row.x1 > column.x1 + 1)
    return (crossed >= 2 or (crossed >= 1 and len(columns) == 2 and len(row.run.tokens) > 7)) and row.x0 < left + 4


def borders(columns: Sequence[Column], rows: Sequence[Row]) -> list[float]:
    """The x that parts each column from the next: where the fewest words cross, in the widest such gap."""
    cuts = []
    for left, right in itertools.pairwise(columns):
        low, high = left.x1, max(right.x0, left.x1 + 0.5)
        spans = [(segment.x0, segment.x1) for row in rows for segment in row.segments]
        words = [(token.x0, token.x1) for row in rows for token in row.run.tokens]
        cuts.append(_best_cut(low, high, spans, words))
    return cuts


def _best_cut(low: float, high: float, spans: list[tuple[float, float]], words: list[tuple[float, float]]) -> float:
    near_spans = [(a, b) for a, b in spans if b > low and a < high]
    near_words = [(a, b) for a, b in words if b > low and a < high]
    edges = sorted({low, high, *(x for pair in near_words for x in pair if low < x < high)})
    best, best_score = (low + high) / 2, (float("inf"), 0.0)
    for start, end in itertools.pairwise(edges):
        middle = (start + end) / 2
        crossing = sum(2 for a, b in near_words if a < middle < b) + sum(1 for a, b in near_spans if a < middle < b)
        if (crossing, start - end) < best_score:
            best, best_score = middle, (crossing, start - end)
    return best


def assign(row: Row, columns: Sequence[Column], cuts: Sequence[float]) -> dict[int, list[Token]]:
    """The row's words by column index."""
    cells: dict[int, list[Token]] = {}
    for segment in row.segments:
        for token in segment.tokens:
            middle = (token.x0 + token.x1) / 2
            index = sum(1 for cut in cuts if middle > cut)
            cells.setdefault(index, []).append(token)
    return cells


def build_records(rows: Sequence[Row], columns: Sequence[Column], list_name: str) -> list[dict[str, Run]]:
    """The records of a table's body."""
    rows = [row for row in rows if not is_panel_title(row, list_name)]
    if not rows:
        return []
    cuts = borders(columns, rows)
    name_index = _name_index(columns, list_name)
    grid = [assign(row, columns, cuts) for row in rows]
    groups = _by_gaps(rows, grid, name_index) or _by_wrapping(rows, grid, name_index)
    records = []
    for group in groups:
        record: dict[str, Run] = {}
        for index, column in enumerate(columns):
            tokens = [token for member in group for token in grid[member].get(index, [])]
            if tokens and column.role not in record:
                record[column.role] = Run(tokens)
            elif tokens and column.role != "name" and column.role not in LIST_OF_ROLE:
                record[column.role] = record[column.role] + Run(tokens)
        if not is_denied(record):
            records.append(record)
    return records


def _name_index(columns: Sequence[Column], list_name: str) -> int:
    for wanted in ([role for role, name in LIST_OF_ROLE.items() if name == list_name], ["name"], list(LIST_OF_ROLE)):
        for index, column in enumerate(columns):
            if column.role in wanted:
                return index
    return 0


Grid = list[dict[int, list[Token]]]


def _by_gaps(rows: Sequence[Row], grid: Grid, name: int) -> list[list[int]] | None:
    """Groups rows by a clear difference between the distance of lines in a cell and of records, if there is one."""
    gaps = [b.y - a.y if a.page == b.page else float("inf") for a, b in itertools.pairwise(rows)]
    finite = sorted(gap for gap in gaps if gap != float("inf"))
    if len(finite) < 2 or finite[-1] < 1.15 * finite[0]:
        return None
    candidates = [
        (finite[i] + finite[i + 1]) / 2 for i in range(len(finite) - 1) if finite[i + 1] > 1.12 * max(finite[i], 0.4)
    ]
    for limit in reversed(candidates):
        groups: list[list[int]] = [[0]]
        for index, gap in enumerate(gaps, start=1):
            if gap <= limit:
                groups[-1].append(index)
            else:
                groups.append([index])
        if _plausible(groups, grid, name):
            return groups
    return None


def _plausible(groups: list[list[int]], grid: Grid, name: int) -> bool:
    """Every group names something, and no column but wordy ones is filled anew in each of its rows."""
    if not any(len(group) > 1 for group in groups):
        return False
    named = sum(1 for group in groups if any(name in grid[row] for row in group))
    doubled = sum(
        1
        for group in groups
        if sum(1 for row in group if name in grid[row] and len(grid[row]) > max(1, 0.7 * len(grid[group[0]]))) > 1
        and _shared_short(group, grid, name) > 0
    )
    return named >= 0.9 * len(groups) and doubled <= 0.05 * len(groups)


def _shared_short(group: list[int], grid: Grid, name: int) -> int:
    """Columns, other than the name's, that hold a number or the same words in two rows: two records, not one."""
    texts: dict[int, list[str]] = {}
    for row in group:
        for column, tokens in grid[row].items():
            if column != name:
                texts.setdefault(column, []).append(" ".join(token.text for token in tokens))
    return sum(
        1 for found in texts.values() if len(found) > len(set(found)) or sum(map(_starts_with_number, found)) > 1
    )


_TIME_OF_DAY = re.compile(r"\d{1,2}:\d\d")


def _starts_with_number(text: str) -> bool:
    """Whether a cell starts with a number; a time of day may stand below its date."""
    return text[0].isdigit() and not _TIME_OF_DAY.match(text)


def _by_wrapping(rows: Sequence[Row], grid: Grid, name: int) -> list[list[int]]:
    """Groups rows where nothing but the text tells: a row without a name goes on with the record above, so does
    a name alone where its first word would not have fitted on the line above, and so does a line right below a
    record that fills but a few of its many cells."""
    widest = max((tokens[-1].x1 for cells in grid for tokens in [cells.get(name, [])] if tokens), default=0.0)
    groups: list[list[int]] = []
    last_name: list[Token] = []
    for index, cells in enumerate(grid):
        tokens = cells.get(name, [])
        alone = len(cells) == 1
        few = bool(groups) and 1 < len(cells) <= 0.5 * len(grid[groups[-1][0]])
        sparse = few and _is_right_below(rows, index) and not _counts_anew(grid[groups[-1][0]], cells, name)
        timed = len(tokens) == 1 and _TIME_OF_DAY.match(tokens[0].text)
        if groups and (not tokens or timed or sparse or (last_name and _continues(last_name, tokens, widest, alone))):
            groups[-1].append(index)
        else:
            groups.append([index])
        last_name = tokens or last_name
    return groups


_FIGURE = re.compile(r"[\d./:,-]*\d[\d./:,-]*")


def _counts_anew(first: dict[int, list[Token]], cells: dict[int, list[Token]], name: int) -> bool:
    """Whether a column that holds a figure or date in the record's first row holds another one here."""
    return any(
        _FIGURE.fullmatch(" ".join(token.text for token in first.get(index, ())))
        and _FIGURE.fullmatch(" ".join(token.text for token in tokens))
        and not _TIME_OF_DAY.match(tokens[0].text)
        for index, tokens in cells.items()
        if index != name
    )


def _is_right_below(rows: Sequence[Row], index: int) -> bool:
    row, above = rows[index], rows[index - 1]
    return row.page == above.page and row.y - above.y < 1.9 * max(row.height, above.height)


def _continues(above: list[Token], tokens: list[Token], widest: float, alone: bool) -> bool:
    first = tokens[0]
    full = above[-1].x1 + 0.6 + (first.x1 - first.x0) > widest + 0.3
    starts_small = first.text[0].islower() or first.text[0] in "([/&+"
    open_bracket = sum(t.text.count("(") + t.text.count("[") - t.text.count(")") - t.text.count("]") for t in above) > 0
    hangs = first.x0 > above[0].x0 + 1.0
    if alone:
        return full or starts_small or open_bracket or hangs
    return open_bracket or (starts_small and full and above[-1].text in {"/", "-", ","})


NO_ROLES: Mapping[str, str] = {}


def key_value_record(rows: Sequence[Row], roles: Mapping[str, str] = NO_ROLES) -> dict[str, Run]:
    """The cells of rows like "Vaccine: MMR", by the role that the word before the colon names."""
    record: dict[str, Run] = {}
    for row in rows:
        for segment in row.segments:
            pair = key_and_value(segment, roles)
            if pair:
                record.setdefault(*pair)
    return record


def _is_measured(text: str) -> bool:
    """Whether a cell holds a figure with its unit, and no date."""
    found = read_value(text, words=False) if is_figure(text) and not find_dates(text) else None
    return found is not None and read_unit(text[found.end :]) is not None


def key_and_value(segment: Run, roles: Mapping[str, str] = NO_ROLES) -> tuple[str, Run] | None:
    """Role and value of a segment "Key: value", if the key names a column.

    Args:
        segment: the words.
        roles: the roles of keys whose words name none.
    """
    colon = segment.text.find(":")
    if not 1 < colon < 32 or colon + 1 >= len(segment.text):
        return None
    key = segment.text[:colon].strip(" -•*")
    role = roles.get(key) or role_of(key)
    if role is None:
        return None
    cell = segment.part(colon + 2, len(segment.text))
    if role in {"date", "end", "test"} and _is_measured(cell.text):
        # "Observed: 119.4 mmHg": what follows overrules the word.
        role = "value"
    return role, cell
