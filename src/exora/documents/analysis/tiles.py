"""Reads boxes that hold a label with what was measured below it, several to a row: "Heart rate" over "72 bpm"."""

from __future__ import annotations

from collections.abc import Sequence

from exora.documents.analysis.columns import Column, read_header
from exora.documents.analysis.draft import is_nothing
from exora.documents.analysis.geometry import Row, Run, Token
from exora.documents.analysis.inference import is_date, is_figure
from exora.documents.analysis.lexicon import measurements
from exora.documents.analysis.tables import Table
from exora.documents.analysis.values import read_unit, read_value

#: Boxes of one row, at most; a label's lines, at most.
_MOST_BOXES, _MOST_LINES = 8, 3
#: What stands in a box starts, ends or has its middle under its label's, give or take so many letters.
_ALIGNED = 1.2
#: Rows of boxes stand no further apart than this many of their heights.
_NEAR = 4.0
#: So many of the boxes hold a figure with its unit, or under the name of a known test.
_HALF = 0.5


def read_tiles(rows: Sequence[Row], index: int) -> tuple[Table, int] | None:
    """The table that boxes starting at a row make, and the index of the first row after them; None if none do.

    Under every label stands one figure: where a second one follows, the labels are a table's header.
    """
    top = rows[index]
    if not 2 <= len(top.segments) <= _MOST_BOXES or not all(_is_label(segment.text) for segment in top.segments):
        return None
    if _names_columns(top):
        return None
    labels: dict[int, list[list[Token]]] = {}
    records: list[dict[str, Run]] = []
    whole: tuple[int, int] | None = None
    above = top
    for at in range(index, len(rows)):
        row = rows[at]
        cells = _by_box(top, row)
        if cells is None or row.page != top.page or row.y - above.y > _NEAR * max(row.height, above.height):
            break
        for box, cell in cells.items():
            if box in labels and (is_figure(cell.text) or is_nothing(cell.text)):
                name = Run(token for line in labels.pop(box) for token in line)
                if not is_nothing(cell.text):
                    records.append({"test": name, "value": cell})
            elif is_figure(cell.text):
                return None
            else:
                labels.setdefault(box, []).append(list(cell.tokens))
        if any(len(lines) > _MOST_LINES for lines in labels.values()):
            break
        if not labels:
            whole = at + 1, len(records)
        above = row
    if whole is None:
        return None
    end, count = whole
    measured = records[:count]
    if count < 2 or sum(map(_is_measured, measured)) < _HALF * count:
        return None
    return Table("results", [Column("test", top.x0, top.x1)], measured), end


def _names_columns(row: Row) -> bool:
    """Whether a row names the columns of a table by words for what they hold, and not tests alone."""
    header = read_header(row)
    return header is not None and not all(column.role.startswith("test@") for column in header)


def _is_label(text: str) -> bool:
    return any(map(str.isalpha, text)) and not is_date(text) and not is_figure(text) and ": " not in text


def _by_box(top: Row, row: Row) -> dict[int, Run] | None:
    """The row's cells by the box they stand in, or None if one of them stands in none."""
    found: dict[int, Run] = {}
    for segment in row.segments:
        box = next((index for index, label in enumerate(top.segments) if _is_under(segment, label)), None)
        if box is None or box in found:
            return None
        found[box] = segment
    return found


def _is_under(segment: Run, label: Run) -> bool:
    middles = abs(segment.x0 + segment.x1 - label.x0 - label.x1) / 2
    return min(abs(segment.x0 - label.x0), abs(segment.x1 - label.x1), middles) <= _ALIGNED


def _is_measured(record: dict[str, Run]) -> bool:
    value = read_value(record["value"].text, words=False)
    unit = value and read_unit(record["value"].text[value.end :])
    return unit is not None or record["test"].text in measurements()
