"""Sets the words of a page into printed lines: rows of tables whole, columns of prose apart."""

from __future__ import annotations

import itertools
import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from exora.domain.document import Box, Line, Word

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
