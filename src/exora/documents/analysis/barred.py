"""Reads lines whose fields are parted by bars, "Gout | 2019-03-12 | active", with or without a line that names them."""

from __future__ import annotations

from collections.abc import Sequence

from exora.documents.analysis.columns import LIST_OF_ROLE, Column, role_of
from exora.documents.analysis.geometry import Row, Run
from exora.documents.analysis.inference import is_date, is_figure, roles_of_columns
from exora.documents.analysis.tables import Table, list_of

_MOST_FIELDS = 12


def read_barred(rows: Sequence[Row], index: int) -> tuple[Table, int] | None:
    """The table of barred lines that starts at a row, and the index of the first row after it; None if none does."""
    count = len(rows[index].fields)
    if not 2 <= count <= _MOST_FIELDS:
        return None
    end = index
    while end < len(rows) and len(rows[end].fields) == count:
        end += 1
    lines = [row.fields for row in rows[index:end]]
    first, rest = lines[0], lines[1:]
    named = [role_of(cell.text) if cell else None for cell in first]
    headed = bool(rest) and _is_header(first, rest, named)
    if headed:
        lines = rest
    cells = [[line[column].text for line in lines if line[column]] for column in range(count)]
    labels = [cell.text if cell and headed else "" for cell in first]
    roles = roles_of_columns(labels, cells)
    if roles is None:
        return None
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


def _is_header(first: Sequence[Run], rest: Sequence[Sequence[Run]], named: Sequence[str | None]) -> bool:
    """Whether the first line names the fields: words where the others hold dates or figures, or names of columns."""
    if any(cell and (is_date(cell.text) or is_figure(cell.text)) for cell in first):
        return False
    if any(role in LIST_OF_ROLE or role == "date" for role in named) and sum(role is not None for role in named) > 1:
        return True
    return any(
        cell and line and (is_date(line.text) or is_figure(line.text))
        for cell, line in zip(first, rest[0], strict=True)
    )
