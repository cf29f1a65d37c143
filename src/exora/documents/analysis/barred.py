"""Reads lines whose fields are parted by bars, "Gout | 2019-03-12 | active", with or without a line that names them."""

from __future__ import annotations

from collections.abc import Sequence

from exora.documents.analysis.columns import LIST_OF_ROLE, Column, role_of
from exora.documents.analysis.geometry import Row, Run
from exora.documents.analysis.inference import is_date, is_figure, roles_of_columns
from exora.documents.analysis.tables import Table, list_of

_MOST_FIELDS = 12
#: So many lines tell what the fields are.
_LOOKED_AT = 30


def read_barred(rows: Sequence[Row], index: int) -> tuple[Table, int] | None:
    """The table of barred lines that starts at a row, and the index of the first row after it; None if none does."""
    count = len(rows[index].fields)
    if not 2 <= count <= _MOST_FIELDS:
        return None
    end = index + 1
    while end < min(len(rows), index + _LOOKED_AT) and len(rows[end].fields) == count and not _names(rows[end].fields):
        end += 1
    first, *rest = (row.fields for row in rows[index:end])
    headed = bool(rest) and _is_header(first, rest)
    cells = [[line[at].text for line in (rest if headed else [first, *rest]) if line[at]] for at in range(count)]
    roles = roles_of_columns([cell.text if cell and headed else "" for cell in first], cells)
    if roles is None or (not headed and _is_left_over(roles, cells)):
        return None
    while end < len(rows) and len(rows[end].fields) == count and not _names(rows[end].fields):
        end += 1
    lines = [row.fields for row in rows[index + headed : end]]
    columns = [
        Column(role or "ignored", cell.x0 if cell else 0.0, cell.x1 if cell else 0.0)
        for role, cell in zip(roles, first, strict=True)
    ]
    records: list[dict[str, Run]] = []
    for line in lines:
        record: dict[str, Run] = {}
        for column, cell in zip(columns, line, strict=True):
            if cell and column.role != "ignored":
                record.setdefault(column.role, cell)
        records.append(record)
    return Table(list_of(columns), columns, records), end


def _is_left_over(roles: Sequence[str | None], cells: Sequence[Sequence[str]]) -> bool:
    """Whether fields under no header hold words that no column stands for: a frequency, a status, somebody's name.

    The reader of single lines knows better what these are.
    """
    words = [any(map(str.isalpha, " ".join(found))) for found in cells]
    return any(role is None and wordy for role, wordy in zip(roles, words, strict=True))


def _names(fields: Sequence[Run]) -> bool:
    """Whether a line names columns: at least two, and what they hold."""
    if any(cell and (is_date(cell.text) or is_figure(cell.text)) for cell in fields):
        return False
    named = [role_of(cell.text) for cell in fields if cell]
    return sum(role is not None for role in named) > 1 and any(role in LIST_OF_ROLE or role == "date" for role in named)


def _is_header(first: Sequence[Run], rest: Sequence[Sequence[Run]]) -> bool:
    """Whether the first line names the fields: names of columns, or words where the next holds dates or figures."""
    if any(cell and (is_date(cell.text) or is_figure(cell.text)) for cell in first):
        return False
    return _names(first) or any(
        cell and line and (is_date(line.text) or is_figure(line.text))
        for cell, line in zip(first, rest[0], strict=True)
    )
