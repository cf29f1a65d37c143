"""Reads a document into pages, through the pool, and sets the words of each page into printed lines."""

from __future__ import annotations

import asyncio
import itertools
import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from exora.documents.pool import ChildPool
from exora.documents.sniff import Format, sniff
from exora.domain.document import Box, DocumentLimits, Line, PageText, Word
from exora.errors import DocumentError, DocumentTooLarge, NoPages, ProcessingLimit, UnsupportedFormat

#: Pages of one document waiting in the pool for each of its children: enough to keep them busy.
_IN_FLIGHT_PER_CHILD = 2
#: After this many pages that ran into a limit the rest is not tried: it would cost as much each.
_MAX_EXHAUSTED_PAGES = 5


@dataclass(frozen=True, slots=True)
class DocumentPlan:
    """What a document turned out to be: its format and number of pages."""

    format: Format
    pages: int


def open_document(content: bytes, limits: DocumentLimits) -> DocumentPlan:
    """Find out format and number of pages. Runs native code on hostile bytes: call it through the pool.

    Raises:
        DocumentError: the subclass says what is wrong with the document.
    """
    # Here and below, the native readers are loaded by the child that needs them and never by its parent.
    from exora.documents.docx import count_docx_pages
    from exora.documents.images import count_frames
    from exora.documents.pdf import count_pages

    content, kind = _unwrapped(content, limits)
    match kind:
        case Format.PDF:
            pages = count_pages(content)
        case Format.DOCX:
            pages = count_docx_pages(content, limits)
        case Format.CCDA | Format.TEXT:
            pages = 1
        case _:
            pages = count_frames(content, kind, limits)
    if pages == 0:
        raise NoPages("the document has no page")
    if pages > limits.max_pages:
        raise DocumentTooLarge(f"the document has more than {limits.max_pages} pages")
    return DocumentPlan(kind, pages)


def read_page(content: bytes, number: int, limits: DocumentLimits) -> PageText:
    """Read page ``number``, counted from 1. Runs native code on hostile bytes: call it through the pool.

    Raises:
        DocumentError: the page cannot be read.
    """
    from exora.documents.ccda.read import read_ccda_page
    from exora.documents.docx import docx_picture, read_docx_text
    from exora.documents.images import read_image_page
    from exora.documents.ocr.tesseract import shared_engine
    from exora.documents.pdf import read_pdf_page
    from exora.documents.plain import read_text

    content, kind = _unwrapped(content, limits)
    frame = number
    if kind is Format.DOCX and number > 1:
        content, frame = docx_picture(content, number, limits), 1
        kind = sniff(content)
    match kind:
        case Format.TEXT:
            return read_text(content, limits)
        case Format.CCDA:
            return read_ccda_page(content, limits)
        case Format.DOCX:
            return read_docx_text(content, limits)
        case Format.PDF:
            page = read_pdf_page(content, number, limits, shared_engine)
        case _:
            page = replace(read_image_page(content, kind, frame, limits, shared_engine), number=number)
    return replace(page, lines=printed_lines(page.lines, page.width / page.height))


def _unwrapped(content: bytes, limits: DocumentLimits) -> tuple[bytes, Format]:
    """The document and its format; for a C-CDA that only wraps a file, that file."""
    kind = sniff(content)
    if kind is not Format.CCDA:
        return content, kind
    from exora.documents.ccda.read import embedded_document

    embedded = embedded_document(content, limits)
    if embedded is None:
        return content, kind
    kind = sniff(embedded)
    if kind is Format.CCDA:
        raise UnsupportedFormat("the document is a C-CDA inside another, which is not read")
    return embedded, kind


async def read_pages(
    content: bytes,
    *,
    pool: ChildPool,
    limits: DocumentLimits,
    key: Hashable,
    on_page: Callable[[int, int], None] | None = None,
) -> tuple[PageText, ...]:
    """Read all pages of a document, several at a time, in order.

    A page that cannot be read becomes one without words (1 by 1 in size) whose warning says why.

    Args:
        content: the document.
        pool: runs the work; its own limit of address space applies.
        limits: what the document may cost.
        key: the document's identity in the pool's turns.
        on_page: called after each page with pages done and pages in all.

    Raises:
        DocumentError: the document cannot be opened, is over a limit, or none of its pages can be read.
    """
    if len(content) > limits.max_bytes:
        raise DocumentTooLarge(f"the document has more than {limits.max_bytes} bytes")
    sniff(content)
    cpu_s, wall_s = limits.page_cpu_s, limits.page_wall_s
    plan = await pool.run(open_document, content, limits, key=key, cpu_s=cpu_s, wall_s=wall_s)
    numbers = iter(range(1, plan.pages + 1))
    pages: dict[int, PageText] = {}
    failures: list[DocumentError] = []

    async def read_some() -> None:
        for number in numbers:
            exhausted = sum(isinstance(failure, ProcessingLimit) for failure in failures)
            try:
                if exhausted >= _MAX_EXHAUSTED_PAGES:
                    raise ProcessingLimit("too many pages of the document ran into a limit")
                pages[number] = await pool.run(read_page, content, number, limits, key=key, cpu_s=cpu_s, wall_s=wall_s)
            except DocumentError as failure:
                failures.append(failure)
                pages[number] = _unread(number, failure)
            if on_page is not None:
                on_page(len(pages), plan.pages)

    async with asyncio.TaskGroup() as readers:
        for _ in range(min(plan.pages, pool.size * _IN_FLIGHT_PER_CHILD)):
            readers.create_task(read_some())
    if len(failures) == plan.pages:
        raise failures[0]
    return tuple(pages[number] for number in sorted(pages))


def _unread(number: int, failure: DocumentError) -> PageText:
    return PageText(number, 1, 1, (), "ocr", "none", (f"page {number} could not be read: {failure.code}",))


# --- words into printed lines ----------------------------------------------------------------------

#: A gap this many times the height of the print ends a segment: a column of a table or of the page.
_SEGMENT_GAP = 1.5
#: Lines shorter than this share of the page's width tell nothing about its skew.
_SLOPE_SPAN = 0.2
#: Two segments stand on one row when they share this much of the lower one's height.
_ROW_OVERLAP = 0.5
#: Print this many times as tall as other print does not share a row with it.
_ROW_HEIGHT_RATIO = 3.0
#: Two columns of prose: so many segments on each side of the gutter, each mostly filling its column.
_COLUMN_SEGMENTS = 8
_COLUMN_WORDS = 4
_COLUMN_FILL = 0.6


class _Segment(NamedTuple):
    """Words that follow each other closely; ``y0`` and ``y1`` are corrected for the page's skew."""

    words: tuple[Word, ...]
    x0: float
    x1: float
    y0: float
    y1: float


def printed_lines(lines: Iterable[Line], aspect: float) -> tuple[Line, ...]:
    """Words on one printed row as one line, however far apart, top to bottom.

    Engines cut tables into columns and blocks; a row of a table is what has meaning. Only a page
    clearly set in two columns of prose keeps them apart, the left one first.

    Args:
        lines: words as an engine grouped them; every word has a box.
        aspect: width of the page over its height.
    """
    filled = [line for line in lines if line.words]
    slope = _slope(filled)
    segments = [_segment(words, slope) for line in filled for words in _cut(line.words, aspect)]
    gutter = _gutter(segments)
    if gutter is None:
        return tuple(_rows(segments))
    return tuple(_column_lines(segments, gutter))


def _box(word: Word) -> Box:
    assert word.box is not None
    return word.box


def _cut(words: tuple[Word, ...], aspect: float) -> Iterator[tuple[Word, ...]]:
    """A line's words, apart where a wide gap parts them."""
    height = statistics.median(_box(word).y1 - _box(word).y0 for word in words)
    gap = _SEGMENT_GAP * height / aspect
    start = 0
    for index in range(1, len(words)):
        before, after = _box(words[index - 1]), _box(words[index])
        if after.x0 - before.x1 > gap or after.x1 < before.x0:
            yield words[start:index]
            start = index
    yield words[start:]


def _slope(lines: list[Line]) -> float:
    """How far lines sink from left to right, per page width: a scan's skew, measured on its longest lines."""
    ends = [(_box(line.words[0]), _box(line.words[-1])) for line in lines]
    spans = sorted(((last.x0 + last.x1 - first.x0 - first.x1) / 2, last.y1 - first.y1) for first, last in ends)
    longest = [(across, down) for across, down in spans[-max(len(spans) // 3, 3) :] if across > _SLOPE_SPAN]
    # Bottoms, as most letters stand on the baseline; the median forgives those that hang below.
    return statistics.median(down / across for across, down in longest) if len(longest) >= 3 else 0.0


def _segment(words: tuple[Word, ...], slope: float) -> _Segment:
    boxes = [_box(word) for word in words]
    shifts = [slope * (box.x0 + box.x1) / 2 for box in boxes]
    return _Segment(
        words,
        min(box.x0 for box in boxes),
        max(box.x1 for box in boxes),
        min(box.y0 - shift for box, shift in zip(boxes, shifts, strict=True)),
        max(box.y1 - shift for box, shift in zip(boxes, shifts, strict=True)),
    )


def _rows(segments: list[_Segment]) -> list[Line]:
    """Segments on one row joined, left to right; rows top to bottom.

    The widest segments found the rows, since their height is the surest; buckets of height keep
    the search short however many segments a hostile page has.
    """
    rows: list[list[_Segment]] = []
    buckets: dict[int, list[int]] = defaultdict(list)
    for segment in sorted(segments, key=lambda one: one.x0 - one.x1):
        touched = range(math.floor(segment.y0 * 100), math.floor(segment.y1 * 100) + 1)
        near = {row for bucket in touched for row in buckets[bucket]}
        best = max(near, key=lambda row: _overlap(rows[row][0], segment), default=None)
        if best is not None and _overlap(rows[best][0], segment) >= _ROW_OVERLAP:
            rows[best].append(segment)
            continue
        for bucket in touched:
            buckets[bucket].append(len(rows))
        rows.append([segment])
    rows.sort(key=lambda row: row[0].y0 + row[0].y1)
    return [
        Line(tuple(word for segment in sorted(row, key=lambda one: one.x0) for word in segment.words)) for row in rows
    ]


def _overlap(one: _Segment, other: _Segment) -> float:
    """Shared height as a share of the lower segment's; 0 for print of very different size, dashes and dots apart."""
    low, high = sorted((one, other), key=lambda segment: segment.y1 - segment.y0)
    height = low.y1 - low.y0
    if height <= 0:
        return 0.0
    if high.y1 - high.y0 > _ROW_HEIGHT_RATIO * height and any(
        char.isalnum() for word in low.words for char in word.text
    ):
        return 0.0
    return (min(one.y1, other.y1) - max(one.y0, other.y0)) / height


def _gutter(segments: list[_Segment]) -> float | None:
    """Where the white strip between two columns of prose runs, if the page is clearly set so."""
    candidates = sorted({round(segment.x1, 3) for segment in segments if 0.3 <= segment.x1 <= 0.7})
    for edge in reversed(candidates):
        right = [segment for segment in segments if segment.x0 > edge]
        left = [segment for segment in segments if segment.x1 <= edge]
        crossing = len(segments) - len(left) - len(right)
        if crossing * 4 > len(segments) or min(len(left), len(right)) < _COLUMN_SEGMENTS:
            continue
        if _is_prose(left) and _is_prose(right):
            return edge
    return None


def _is_prose(segments: list[_Segment]) -> bool:
    """Whether the segments are running text: many words each, most as wide as their column."""
    width = max(segment.x1 for segment in segments) - min(segment.x0 for segment in segments)
    full = sum(segment.x1 - segment.x0 >= 0.8 * width for segment in segments)
    wordy = sum(len(segment.words) >= _COLUMN_WORDS for segment in segments)
    return full >= _COLUMN_FILL * len(segments) and wordy >= _COLUMN_FILL * len(segments)


def _column_lines(segments: list[_Segment], gutter: float) -> Iterator[Line]:
    """Left column, then right, between the lines that run across both."""
    across = [one for one in segments if one.x0 <= gutter < one.x1]
    across.sort(key=lambda one: one.y0 + one.y1)
    left = [one for one in segments if one.x1 <= gutter]
    right = [one for one in segments if one.x0 > gutter]
    bounds = [-math.inf, *((one.y0 + one.y1) / 2 for one in across), math.inf]
    for index, (above, below) in enumerate(itertools.pairwise(bounds)):
        for side in (left, right):
            yield from _rows([one for one in side if above <= (one.y0 + one.y1) / 2 < below])
        yield from _rows(across[index : index + 1])
