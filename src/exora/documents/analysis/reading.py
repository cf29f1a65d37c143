"""Puts the rows of all pages into reading order: two-column pages unfolded, running heads dropped."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence

from exora.documents.analysis.cards import cards_below_one_another
from exora.documents.analysis.columns import LIST_OF_ROLE, read_header
from exora.documents.analysis.dates import find_dates
from exora.documents.analysis.geometry import Row, Run, page_rows
from exora.documents.analysis.headings import read_heading
from exora.documents.analysis.inference import header_at
from exora.documents.analysis.margins import labels_above_lists
from exora.documents.analysis.tables import body_of, side_by_side, typical_pitch
from exora.documents.analysis.text import Place
from exora.documents.analysis.typography import Type, body_type, is_title, one_title, stands_alone
from exora.domain.document import PageText

_PAGE_NUMBER = re.compile(
    r"(?:.{0,60}\b)?page\s*:?\s*\d+(?:\s*(?:of|/)\s*\d+)?\.?|-?\s*\d{1,3}\s*(?:of|/)\s*\d{1,3}\s*-?", re.I
)
_EDGE_ROWS = 4
_GUTTER = 1.2


def rows_in_order(pages: Sequence[PageText], places: Sequence[Place] | None = None) -> list[Row]:
    """All rows of the document in reading order, without page numbers and repeated running heads and feet."""
    by_page = [page_rows(page, None if page.layout is None else places) for page in pages]
    running = _running(by_page)
    ordered: list[Row] = []
    for number, rows in enumerate(by_page):
        kept = [
            row
            for index, row in enumerate(rows)
            if not (_at_edge(index, len(rows)) and ((number and _is_running(row, running)) or _is_page_number(row)))
        ]
        kept = [row for row in kept if any(map(str.isalnum, row.text)) or len(row.text) < _RULE]
        body = body_type(kept)
        kept = [one_title(row) if stands_alone(row) and is_title(row.run, body) else row for row in kept]
        ordered.extend(unfold(cards_below_one_another(labels_above_lists(kept), body)))
    return ordered


#: So many marks without a letter or a figure among them are a printed rule.
_RULE = 4


def _is_page_number(row: Row) -> bool:
    return _PAGE_NUMBER.fullmatch(row.text) is not None and ":" not in row.text[:-12]


def _at_edge(index: int, count: int) -> bool:
    return index < _EDGE_ROWS or index >= count - _EDGE_ROWS


def _mask(text: str) -> str:
    """The text with its numbers blanked if they count pages: measured values may repeat in all but their numbers."""
    return re.sub(r"\d+", "0", text.lower()) if "page" in text.lower() else text.lower()


#: A running head stands at the same height of every page, give or take so many letters' widths.
_SAME_HEIGHT = 3.0


def _is_running(row: Row, running: dict[str, float]) -> bool:
    height = running.get(_mask(row.text))
    return height is not None and abs(row.y - height) < _SAME_HEIGHT


def _running(by_page: list[list[Row]]) -> dict[str, float]:
    """The running heads and feet, as printed, with the height they stand at."""
    heights: dict[str, list[float]] = {}
    for rows in by_page:
        edges = {
            _mask(row.text): row.y
            for i, row in enumerate(rows)
            if _at_edge(i, len(rows))
            and not _is_structure(row)
            # The second line of a table's header, which is printed anew on every page, is no running head.
            and not (i and len(row.segments) > 1 and read_header(rows[i - 1]) is not None)
        }
        for text, y in edges.items():
            heights.setdefault(text, []).append(y)
    usual = {text: statistics.median_low(found) for text, found in heights.items()}
    return {
        text: usual[text]
        for text, found in heights.items()
        if sum(abs(y - usual[text]) < _SAME_HEIGHT for y in found) >= max(2, 0.5 * len(by_page))
    }


def _is_structure(row: Row) -> bool:
    return read_header(row) is not None or read_heading(row.text) is not None


def unfold(rows: Sequence[Row]) -> list[Row]:
    """Rows of a page with text in two columns: left column first. Tables stay as they are."""
    table_end = 0
    pitch, body = typical_pitch(rows), body_type(rows)
    for index, row in enumerate(rows):
        if index < table_end:
            continue
        titles = len(row.segments) > 1 and all(is_title(s, body) for s in row.segments)
        header = None if titles else header_at(rows, index)
        if header is not None:
            table_end = body_of(rows, index + header[1], header[0], pitch)
            continue
        gutter = _second_column(row, rows, body)
        if gutter is None:
            continue
        end = _below_columns(rows, index, _column_end(rows, index, gutter), gutter)
        start = _column_start(rows, index, gutter)
        left, right = _side(rows[start:end], gutter, right=False), _side(rows[start:end], gutter, right=True)
        if len(left) >= 1 and len(right) >= 2:
            return [*rows[:start], *left, *right, *unfold(rows[end:])]
    return list(rows)


def _second_column(row: Row, rows: Sequence[Row], body: Type) -> float | None:
    """The x where a second column starts, if a heading stands in this row away from the left margin."""
    segment = row.segments[-1]
    if len(row.segments) > 2 or (find_dates(row.segments[0].text) and not is_title(segment, body)):
        return None
    margin, right = min(r.x0 for r in rows), max(r.x1 for r in rows)
    if segment.x0 < margin + 0.3 * (right - margin):
        return None
    heading = read_heading(segment.text)
    if heading is None and not is_title(segment, body):
        return None
    if heading is not None and (heading.rest or heading.kind in {"other", "patient"}):
        return None
    aligned = sum(1 for r in rows for s in r.segments if abs(s.x0 - segment.x0) < 1.2)
    return segment.x0 if aligned >= 3 else None


def _crosses(row: Row, gutter: float) -> bool:
    return any(token.x0 < gutter - 0.3 and token.x1 > gutter - _GUTTER for token in row.run.tokens)


def _column_end(rows: Sequence[Row], index: int, gutter: float) -> int:
    end = index + 1
    while end < len(rows) and not _crosses(rows[end], gutter) and not _spans(rows, end, gutter):
        end += 1
    if end < len(rows) and _spans(rows, end, gutter) and end - 1 > index and _is_title(rows[end - 1], gutter):
        end -= 1
    return end


def _is_title(row: Row, gutter: float) -> bool:
    """Whether a row right above a table that spans both columns is its title."""
    short = len(row.segments) == 1 and row.x1 < gutter and len(row.run.tokens) <= 4 and row.text[0].isupper()
    return read_heading(row.text) is not None or short


def _spans(rows: Sequence[Row], index: int, gutter: float) -> bool:
    """Whether a row is the header of one table that has columns on both sides of the gutter."""
    found = header_at(rows, index)
    if found is None or len(found[0]) < 3:
        return False
    header = found[0]
    names = sum(1 for column in header if column.role == "name" or column.role in LIST_OF_ROLE)
    whole = names == 1 or len(side_by_side(header, ())) > 1
    return whole and header[0].x0 < gutter - 1 and header[-1].x0 > gutter


def _below_columns(rows: Sequence[Row], index: int, end: int, gutter: float) -> int:
    """The end without what follows both columns, from the first heading below the right column's last row."""
    last = max((i for i in range(index, end) if rows[i].x1 > gutter), default=index)
    for below in range(last + 1, end):
        if read_heading(rows[below].text) is not None:
            return below
    return end


def _column_start(rows: Sequence[Row], index: int, gutter: float) -> int:
    """The first row of the columns: headings of the left column may stand above those of the right one."""
    start = index
    while start > 0 and not _crosses(rows[start - 1], gutter):
        above = rows[start - 1]
        in_right = any(abs(segment.x0 - gutter) < 1.2 for segment in above.segments)
        if not in_right and (above.x1 > gutter or above.y < rows[start].y - 4 * above.height):
            break
        start -= 1
    return start


def _side(rows: Sequence[Row], gutter: float, *, right: bool) -> list[Row]:
    side = []
    for row in rows:
        segments: tuple[Run, ...] = tuple(
            segment for segment in row.segments if (segment.x0 >= gutter - _GUTTER) == right
        )
        if segments:
            side.append(Row(row.page, row.y, row.height, segments))
    return side
