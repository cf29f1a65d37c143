"""Prints narratives as PDF pages, so that they reach the analyzer as any other document does."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import letter
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from exora.documents.page_reader import open_document, prepare_page
from exora.domain.document import DocumentLimits, PageText

_STYLES = getSampleStyleSheet()
_BODY, _HEADING = _STYLES["BodyText"], _STYLES["Heading2"]
_BODY.fontSize, _BODY.leading = 8.5, 10.5
_GRID = TableStyle(
    [
        ("LINEBELOW", (0, 0), (-1, 0), 0.6, colors.black),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
    ]
)
_WIDTH, _PADDING = 522.0, 13.0


def pdf_of(sections: Iterable[tuple[str, Sequence[str | list[list[str]]]]]) -> bytes:
    """A letter-size PDF of titled sections whose blocks are paragraphs or tables (rows of cells)."""
    story: list[Flowable] = []
    for title, blocks in sections:
        if title:
            story.append(Paragraph(escape(title), _HEADING))
        for block in blocks:
            if isinstance(block, str):
                story.append(Paragraph(escape(block), _BODY))
            elif any(block):
                story.append(_table(block))
        story.append(Spacer(1, 8))
    buffer = io.BytesIO()
    SimpleDocTemplate(buffer, pagesize=letter, leftMargin=45, rightMargin=45, invariant=1).build(story)
    return buffer.getvalue()


def _table(rows: Sequence[Sequence[str]]) -> Table:
    """A table whose columns are as wide as their words ask for, in smaller print where they do not fit."""
    count = max(map(len, rows))
    full = [[*row, *[""] * (count - len(row))] for row in rows]
    columns = list(zip(*full, strict=True))
    for size in (8.5, 7.5, 6.5, 5.5):
        least = [max(_longest(cell, size) for cell in column) + _PADDING for column in columns]
        if sum(least) <= _WIDTH:
            break
    wish = [max(stringWidth(cell, "Helvetica", size) for cell in column) + _PADDING for column in columns]
    spare, asked = _WIDTH - sum(least), sum(wish) - sum(least)
    share = min(1.0, max(0.0, spare / asked)) if asked > 0 else 0.0
    widths = [low + share * (high - low) for low, high in zip(least, wish, strict=True)]
    style = ParagraphStyle("cell", parent=_BODY, fontSize=size, leading=size * 1.2)
    cells = [[Paragraph(escape(cell), style) for cell in row] for row in full]
    return Table(cells, colWidths=widths, style=_GRID, repeatRows=1, hAlign="LEFT")


def _longest(cell: str, size: float) -> float:
    return max((stringWidth(word, "Helvetica", size) for word in cell.split()), default=0.0)


def read_pdf(content: bytes) -> list[PageText]:
    """The pages of a PDF, read in this process."""
    limits = DocumentLimits()
    count = open_document(content, limits).pages
    return [prepare_page(content, number, limits).page.unpacked() for number in range(1, count + 1)]
