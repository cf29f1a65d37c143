"""The narrative of a C-CDA section as text that keeps its columns."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from exora.documents.ccda.xml import local
from exora.documents.layout import table_lines

_BLOCKS = frozenset({"paragraph", "list", "table", "item", "caption", "text"})
_APART = _BLOCKS | {"tr", "td", "th", "br"}


def narrative_lines(block: Element) -> list[str]:
    """The lines of a narrative block: paragraphs, items, and tables with their columns aligned."""
    lines: list[str] = []
    pending: list[str] = []
    _read(block, lines, pending)
    _flush(lines, pending)
    return lines


def spoken(element: Element) -> str:
    """What an element of the narrative says, on one line: cells, items and lines apart by a blank."""
    return " ".join("".join(_pieces(element)).split())


def _pieces(element: Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        apart = " " if local(child) in _APART else ""
        yield apart
        yield from _pieces(child)
        yield apart
        yield child.tail or ""


def _flush(lines: list[str], pending: list[str]) -> None:
    """End the running text: its white space means nothing, its forced breaks ("\\n" here) do."""
    if pending:
        lines.extend(collapsed for part in "".join(pending).split("\n") if (collapsed := " ".join(part.split())))
        pending.clear()


def _running(text: str | None) -> str:
    """Text of the XML, whose own line breaks are only blanks."""
    return (text or "").replace("\n", " ").replace("\r", " ")


def _read(element: Element, lines: list[str], pending: list[str]) -> None:
    pending.append(_running(element.text))
    for child in element:
        name = local(child)
        if name == "br":
            pending.append("\n")
        elif name == "table":
            _flush(lines, pending)
            lines.extend(_table(child))
        elif name == "item":
            _flush(lines, pending)
            item = narrative_lines(child)
            lines.extend([f"- {item[0]}", *item[1:]] if item else [])
        elif name in _BLOCKS:
            _flush(lines, pending)
            _read(child, lines, pending)
            _flush(lines, pending)
        elif name not in ("renderMultiMedia", "footnoteRef"):
            _read(child, lines, pending)
        pending.append(_running(child.tail))


def _table(table: Element) -> Iterator[str]:
    for caption in table:
        if local(caption) == "caption":
            yield from narrative_lines(caption)
    rows: list[list[list[str]]] = []
    # Columns below a cell that spans several rows: how many more rows it covers them.
    covered: dict[int, int] = {}
    for row in _rows(table):
        cells: list[list[str]] = []
        for cell in row:
            if local(cell) not in ("td", "th"):
                continue
            _skip_covered(cells, covered)
            column = len(cells)
            cells.append(narrative_lines(cell))
            across, down = _span(cell, "colspan"), _span(cell, "rowspan")
            cells.extend([] for _ in range(across - 1))
            covered.update({at: down - 1 for at in range(column, column + across) if down > 1})
        rows.append(cells)
    yield from table_lines(rows)


def _skip_covered(cells: list[list[str]], covered: dict[int, int]) -> None:
    while covered.get(len(cells), 0) > 0:
        covered[len(cells)] -= 1
        cells.append([])


def _rows(table: Element) -> Iterator[Element]:
    for child in table:
        match local(child):
            case "tr":
                yield child
            case "thead" | "tbody" | "tfoot":
                yield from _rows(child)


def _span(cell: Element, name: str) -> int:
    text = cell.get(name, "1")
    return min(max(int(text), 1), 100) if text.isdecimal() and len(text) < 4 else 1
