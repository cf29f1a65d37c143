"""Text that keeps its columns: what formats without pages (DOCX, C-CDA, plain text) are read into."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from exora.documents.analysis.text import pages_from_text
from exora.domain.document import DocumentLimits, PageText
from exora.errors import DocumentTooLarge

#: Blanks between two columns: wide enough to be no gap between words.
_COLUMN_GAP = 3

Cell = Sequence[str]


class Layout:
    """Lines of text, tables among them, as they would stand on an endless sheet of fixed-pitch paper.

    Args:
        max_chars: more characters than this raise ``DocumentTooLarge``.
    """

    def __init__(self, max_chars: int) -> None:
        self._lines: list[str] = []
        self._length = 0
        self._max_chars = max_chars

    @property
    def length(self) -> int:
        """Characters so far: the offset at which the next line starts."""
        return self._length

    def line(self, text: str) -> None:
        """Add one line; white space at its end is dropped."""
        text = text.rstrip()
        self._length += len(text) + 1
        if self._length > self._max_chars:
            raise DocumentTooLarge(f"the document has more than {self._max_chars} characters of text")
        self._lines.append(text)

    def lines(self, texts: Iterable[str]) -> None:
        """Add several lines."""
        for text in texts:
            self.line(text)

    def gap(self) -> None:
        """Add an empty line, unless there is one already."""
        if self._lines and self._lines[-1]:
            self.line("")

    def table(self, rows: Iterable[Sequence[Cell]]) -> None:
        """Add a table: rows of cells, each cell a sequence of lines."""
        self.lines(table_lines(rows))

    def text(self) -> str:
        """Everything added, lines ended by line feeds."""
        return "".join(line + "\n" for line in self._lines)


def table_lines(rows: Iterable[Sequence[Cell]]) -> list[str]:
    """A table as lines whose cells start where their column does."""
    rows = list(rows)
    columns = max((len(row) for row in rows), default=0)
    starts = [0]
    for column in range(columns):
        widest = max((len(line) for row in rows for line in row[column : column + 1] for line in line), default=0)
        starts.append(starts[-1] + (widest + _COLUMN_GAP if widest else 0))
    lines = []
    for row in rows:
        for number in range(max((len(cell) for cell in row), default=0)):
            parts = ((start, cell[number]) for start, cell in zip(starts, row, strict=False) if number < len(cell))
            line = ""
            for start, part in parts:
                line = line.ljust(start) + part if part else line
            lines.append(line)
    return lines


def text_page(text: str, engine: str, limits: DocumentLimits) -> PageText:
    """A text as the one page of its document.

    Raises:
        DocumentTooLarge: it is longer than the limit.
    """
    if len(text) > limits.max_text_chars:
        raise DocumentTooLarge(f"the document has more than {limits.max_text_chars} characters of text")
    (page,) = pages_from_text(text)
    return PageText(1, page.width, page.height, page.lines, "text", engine, layout=text)
