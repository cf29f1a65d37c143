"""Pages, words and where they stand: what reading a document yields, whatever its format."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple


class Box(NamedTuple):
    """A rectangle as fractions (0–1) of the upright page; origin top left, ``x0 <= x1``, ``y0 <= y1``."""

    x0: float
    y0: float
    x1: float
    y1: float

    def union(self, other: Box) -> Box:
        """The smallest box that holds both."""
        return Box(min(self.x0, other.x0), min(self.y0, other.y0), max(self.x1, other.x1), max(self.y1, other.y1))

    def holds(self, other: Box) -> bool:
        """Whether the middle of ``other`` lies in this box."""
        across, down = (other.x0 + other.x1) / 2, (other.y0 + other.y1) / 2
        return self.x0 <= across <= self.x1 and self.y0 <= down <= self.y1


@dataclass(frozen=True, slots=True)
class Word:
    """One word as printed.

    Attributes:
        text: the word, without surrounding white space, never empty.
        box: its place; None only for formats without pages (plain text).
        confidence: 0–1; 1.0 for a digital text layer.
    """

    text: str
    box: Box | None
    confidence: float


@dataclass(frozen=True, slots=True)
class Line:
    """Words that stand on one printed line of one block, left to right."""

    words: tuple[Word, ...]


PageSource = Literal["text-layer", "ocr", "text"]


@dataclass(frozen=True)
class PageText:
    """One page as read.

    ``text`` is the page as a string: words of a line joined by one space, lines joined by a line
    feed. Offsets into it map back to words with ``words_at``; that is how an item found in the
    text gets its box.

    Attributes:
        number: the page's number, from 1.
        width, height: size of the upright page, in points for PDF, in pixels for images.
        lines: in reading order.
        source: where the words come from: "text-layer", "ocr", or "text" for plain text.
        engine: name of the reader, e.g. "pdfium" or "tesseract".
        layout: for formats without pages, the text with its columns and empty lines; None where words have boxes.
    """

    number: int
    width: float
    height: float
    lines: tuple[Line, ...]
    source: PageSource
    engine: str
    warnings: tuple[str, ...] = field(default=())
    layout: str | None = None

    @cached_property
    def text(self) -> str:
        """The page as one string (see the class)."""
        return "\n".join(" ".join(word.text for word in line.words) for line in self.lines)

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """All words in the order of ``text``."""
        return tuple(word for line in self.lines for word in line.words)

    @cached_property
    def _starts(self) -> list[int]:
        starts: list[int] = []
        offset = 0
        for line in self.lines:
            for word in line.words:
                starts.append(offset)
                offset += len(word.text) + 1
            if not line.words:
                offset += 1
        return starts

    def words_at(self, start: int, end: int) -> tuple[Word, ...]:
        """The words that ``text[start:end]`` touches."""
        first = max(bisect.bisect_right(self._starts, start) - 1, 0)
        last = bisect.bisect_left(self._starts, end)
        return self.words[first:last]

    def box_at(self, start: int, end: int) -> Box | None:
        """The box around ``text[start:end]``, or None where the page has no geometry."""
        boxes = [word.box for word in self.words_at(start, end) if word.box is not None]
        if not boxes:
            return None
        box = boxes[0]
        for other in boxes[1:]:
            box = box.union(other)
        return box

    @cached_property
    def confidence(self) -> float:
        """Mean confidence of the words, weighted by length; 0 for a page without words."""
        letters = sum(len(word.text) for word in self.words)
        return sum(word.confidence * len(word.text) for word in self.words) / letters if letters else 0.0


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """What one document may cost. The defaults follow measurements on 358 hostile and odd files.

    Attributes:
        max_bytes: size of the file.
        max_pages: pages or frames.
        max_page_megapixels: of one rendered or decoded page; PDF pages are rendered at a lower dpi rather than refused.
        page_cpu_s, page_wall_s: CPU and wall-clock seconds for one page (decode, render and OCR together).
        max_text_chars: characters of a document without pages (DOCX, C-CDA, plain text).
        max_unpacked_bytes: what the parts of a DOCX may unpack to, together.
        address_space_bytes: of one child process of the page pool.
    """

    max_bytes: int = 50 * 1024 * 1024
    max_pages: int = 300
    max_page_megapixels: float = 40.0
    max_text_chars: int = 1_000_000
    max_unpacked_bytes: int = 150 * 1024 * 1024
    page_cpu_s: float = 60.0
    page_wall_s: float = 90.0
    address_space_bytes: int = 3 * 1024**3
