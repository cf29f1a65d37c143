"""The page furniture all documents are built from: letterheads, headings, tables, lists, footers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.enums import TA_CENTER
from reportlab.lib.pagesizes import letter
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import inch
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    HRFlowable,
    KeepTogether,
    ListFlowable,
    ListItem,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from examples.generator.truth import Sheet

INK = colors.HexColor("#1d2733")
SHADE = colors.HexColor("#e7ecf2")
LINE = colors.HexColor("#8a97a6")


@dataclass(frozen=True)
class Look:
    """Type and size of one document."""

    font: str = "Helvetica"
    bold: str = "Helvetica-Bold"
    size: float = 9.5
    accent: colors.Color = INK

    def style(self, *, scale: float = 1.0, bold: bool = False, **more: object) -> ParagraphStyle:
        """A paragraph style of this look; ``more`` goes to reportlab."""
        size = self.size * scale
        return ParagraphStyle(
            "look", fontName=self.bold if bold else self.font, fontSize=size, leading=size * 1.32, **more
        )


@dataclass
class Composer:
    """Writes one document's story; everything said through it is recorded on the sheet."""

    sheet: Sheet
    look: Look

    def __post_init__(self) -> None:
        self.story: list[Flowable] = []

    def add(self, *flowables: Flowable) -> None:
        """Put ready flowables on the page."""
        self.story.extend(flowables)

    def cell(self, text: str, *, bold: bool = False, scale: float = 1.0) -> Paragraph:
        """Text with marks as a table cell that wraps."""
        return Paragraph(escape(self.sheet.say(text)), self.look.style(bold=bold, scale=scale))

    def gap(self, points: float = 6) -> None:
        """Leave white space."""
        self.add(Spacer(1, points))

    def letterhead(self, facility: str, lines: str, *, centered: bool = False) -> None:
        """Name and address of the facility over a rule."""
        alignment = TA_CENTER if centered else 0
        head = self.look.style(scale=1.6, bold=True, textColor=self.look.accent, alignment=alignment)
        small = self.look.style(scale=0.86, textColor=colors.HexColor("#444c55"), alignment=alignment)
        self.add(Paragraph(escape(facility), head), Paragraph(escape(lines), small), Spacer(1, 3))
        self.add(HRFlowable(width="100%", thickness=1.2, color=self.look.accent, spaceAfter=6))

    def title(self, text: str) -> None:
        """The kind of document."""
        self.add(Paragraph(escape(text), self.look.style(scale=1.35, bold=True, alignment=TA_CENTER, spaceAfter=6)))

    def heading(self, text: str, *, ruled: bool = False) -> None:
        """A section's heading; it stays with what follows."""
        self.add(CondPageBreak(1.1 * inch))
        style = self.look.style(
            scale=1.08, bold=True, spaceBefore=8, spaceAfter=3, keepWithNext=1, textColor=self.look.accent
        )
        self.add(Paragraph(escape(text), style))
        if ruled:
            self.add(HRFlowable(width="100%", thickness=0.5, color=LINE, spaceAfter=4))

    def prose(self, text: str) -> None:
        """One paragraph with marks."""
        self.add(Paragraph(escape(self.sheet.say(text)), self.look.style(spaceAfter=5)))

    def labelled(self, label: str, text: str) -> None:
        """A paragraph that opens with a bold label; both may hold marks."""
        bold = escape(self.sheet.say(label))
        body = f'<font name="{self.look.bold}">{bold}</font> {escape(self.sheet.say(text))}'
        self.add(Paragraph(body, self.look.style(spaceAfter=3)))

    def bullets(self, texts: Sequence[str], *, numbered: bool = False) -> None:
        """A list, one text with marks an item."""
        style = self.look.style(spaceAfter=1.5)
        items = [ListItem(Paragraph(escape(self.sheet.say(text)), style), leftIndent=16) for text in texts]
        kind: dict[str, object] = (
            {"bulletType": "1", "bulletFormat": "%s."} if numbered else {"bulletType": "bullet", "start": "•"}
        )
        self.add(
            ListFlowable(items, bulletFontSize=self.look.size, bulletFontName=self.look.font, leftIndent=16, **kind)
        )
        self.gap(4)

    def facts(self, rows: Sequence[tuple[str, str, str, str]], *, boxed: bool = True) -> None:
        """The block of labels and values that names patient and visit, two pairs a row."""
        small = 0.95
        cells = [
            [
                self.cell(left, bold=True, scale=small),
                self.cell(left_value, scale=small),
                self.cell(right, bold=True, scale=small),
                self.cell(right_value, scale=small),
            ]
            for left, left_value, right, right_value in rows
        ]
        table = Table(cells, colWidths=[1.15 * inch, 2.45 * inch, 1.3 * inch, 2.2 * inch], hAlign="LEFT")
        commands: list[tuple[object, ...]] = [
            ("TOPPADDING", (0, 0), (-1, -1), 1.5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ]
        if boxed:
            commands += [("BOX", (0, 0), (-1, -1), 0.8, LINE), ("BACKGROUND", (0, 0), (-1, -1), SHADE)]
        table.setStyle(TableStyle(commands))
        self.add(table, Spacer(1, 8))

    def table(
        self,
        head: Sequence[str],
        rows: Sequence[Sequence[str]],
        widths: Sequence[float],
        *,
        ruled: bool = True,
        bold_rows: Sequence[int] = (),
    ) -> None:
        """A table whose cells wrap; the head repeats on every page.

        Args:
            head: column titles.
            rows: texts, with marks; a row of one text spans the table (a group's title).
            widths: in inches.
            ruled: lines around every cell, else white space and one rule under the head.
            bold_rows: indexes into ``rows`` that are printed bold.
        """
        cells: list[list[object]] = [[self.cell(text, bold=True, scale=0.94) for text in head]]
        for number, row in enumerate(rows):
            bold = number in bold_rows or len(row) == 1
            texts = [*row, *[""] * (len(head) - len(row))]
            cells.append([self.cell(text, bold=bold, scale=0.94) for text in texts])
        table = Table(cells, colWidths=[width * inch for width in widths], repeatRows=1, hAlign="LEFT")
        table.setStyle(TableStyle(_table_commands(rows, ruled=ruled)))
        self.add(table, Spacer(1, 6))

    def signature(self, name: str, when: str, role: str = "Electronically signed by") -> None:
        """Who signed, and when."""
        line = HRFlowable(width="45%", thickness=0.6, color=INK, hAlign="LEFT", spaceAfter=3)
        words = Paragraph(escape(f"{role} {name} on {when}"), self.look.style(spaceAfter=5))
        self.add(KeepTogether([Spacer(1, 10), line, words]))


def _table_commands(rows: Sequence[Sequence[str]], *, ruled: bool) -> list[tuple[object, ...]]:
    commands: list[tuple[object, ...]] = [
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("TOPPADDING", (0, 0), (-1, -1), 2.2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.6),
    ]
    if ruled:
        commands += [("GRID", (0, 0), (-1, -1), 0.6, LINE), ("BACKGROUND", (0, 0), (-1, 0), SHADE)]
    else:
        commands += [("LINEBELOW", (0, 0), (-1, 0), 0.9, INK)]
    for number, row in enumerate(rows, start=1):
        if len(row) == 1:
            commands.append(("SPAN", (0, number), (-1, number)))
            commands.append(("NOSPLIT", (0, number), (-1, number + 1)))
            if ruled:
                commands.append(("BACKGROUND", (0, number), (-1, number), colors.HexColor("#f4f6f9")))
    return commands


def build(
    composer: Composer,
    *,
    footer: str,
    running: str = "",
    columns: int = 1,
    page_size: tuple[float, float] = letter,
    head_height: float = 0.0,
) -> bytes:
    """The PDF of a story, the same bytes every time.

    Args:
        composer: the story; with two columns its first flowables fill the full-width head.
        footer: left text at the foot of each page; the page number stands on the right.
        running: text at the top of every page but the first.
        columns: 1 or 2.
        page_size: in points.
        head_height: height in points of the full-width part of the first page (two columns only).
    """
    width, height = page_size
    margin, gutter = 0.7 * inch, 0.3 * inch
    inner, bottom = width - 2 * margin, 0.75 * inch
    top = height - 0.65 * inch
    frames = [Frame(margin, bottom, inner, top - bottom, 0, 0, 0, 0)]
    if columns == 2:
        column = (inner - gutter) / 2
        below = top - head_height - bottom
        frames = [
            Frame(margin, top - head_height, inner, head_height, 0, 0, 0, 0),
            Frame(margin, bottom, column, below, 0, 0, 0, 0),
            Frame(margin + column + gutter, bottom, column, below, 0, 0, 0, 0),
        ]
    out = BytesIO()
    document = BaseDocTemplate(out, pagesize=page_size, invariant=1, title=footer, author="", leftMargin=margin)
    document.addPageTemplates([PageTemplate(frames=frames)])
    # Only known when all pages are laid out, so the foot is drawn then.
    document.build(composer.story, canvasmaker=_numbered(composer.look, footer, running, page_size))
    return out.getvalue()


def _numbered(look: Look, footer: str, running: str, page_size: tuple[float, float]) -> Callable[..., Canvas]:
    width, height = page_size

    class NumberedCanvas(Canvas):  # type: ignore[misc]  # reportlab has no types
        """Keeps every page until the number of pages is known."""

        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **options)
            self._kept: list[dict[str, object]] = []

        def showPage(self) -> None:  # noqa: N802  # reportlab's name
            self._kept.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, page in enumerate(self._kept, start=1):
                self.__dict__.update(page)
                self.setFont(look.font, 7.5)
                self.setFillColor(colors.HexColor("#444c55"))
                self.drawString(0.7 * inch, 0.45 * inch, footer)
                self.drawRightString(width - 0.7 * inch, 0.45 * inch, f"Page {number} of {len(self._kept)}")
                if running and number > 1:
                    self.drawString(0.7 * inch, height - 0.45 * inch, running)
                Canvas.showPage(self)
            Canvas.save(self)

    return NumberedCanvas
