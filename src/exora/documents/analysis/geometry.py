"""Words of a page as rows and segments: straightened, regrouped by height, split at wide gaps."""

from __future__ import annotations

import bisect
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from exora.documents.analysis.boxes import boxes, squares_are_boxes
from exora.documents.analysis.text import Place
from exora.domain.document import PageText

#: A gap wider than this many average letters ends a segment: one blank is about half a letter in
#: proportional fonts and one letter in fixed ones, two blanks in a fixed font are two letters.
GAP_LETTERS = 1.6
#: What a box is about stands at most so many letters behind it.
_BOX_GAP = 4.0
#: Lines whose middles differ by less than this share of a word's height are one row.
SAME_ROW = 0.45
_RULES = frozenset("|¦‖│┃")


@dataclass(frozen=True, slots=True)
class Token:
    """A word with its offsets in the page's text and its straightened place (in average letters)."""

    text: str
    page: int
    start: int
    end: int
    index: int
    confidence: float
    x0: float
    x1: float
    y: float
    height: float


class Run:
    """Consecutive words read as one string, e.g. a cell, a segment or an item of a list."""

    def __init__(self, tokens: Iterable[Token]) -> None:
        self.tokens = tuple(tokens)

    def __bool__(self) -> bool:
        return bool(self.tokens)

    def __add__(self, other: Run) -> Run:
        return Run(self.tokens + other.tokens)

    @cached_property
    def text(self) -> str:
        """The words joined by single blanks."""
        return " ".join(token.text for token in self.tokens)

    @cached_property
    def _starts(self) -> list[int]:
        starts, offset = [], 0
        for token in self.tokens:
            starts.append(offset)
            offset += len(token.text) + 1
        return starts

    def part(self, start: int, end: int) -> Run:
        """The words that ``text[start:end]`` touches."""
        first = max(bisect.bisect_right(self._starts, start) - 1, 0)
        last = bisect.bisect_left(self._starts, end)
        return Run(self.tokens[first:last])

    @property
    def x0(self) -> float:
        """Left edge."""
        return self.tokens[0].x0

    @property
    def x1(self) -> float:
        """Right edge."""
        return max(token.x1 for token in self.tokens)


@dataclass(frozen=True)
class Row:
    """One printed row: segments from left to right, and the height of its middle on the page.

    ``fields`` are what printed bars part, empty ones among them; none where no bar stands in the row.
    """

    page: int
    y: float
    height: float
    segments: tuple[Run, ...]
    fields: tuple[Run, ...] = ()

    @cached_property
    def run(self) -> Run:
        """The whole row."""
        return Run(token for segment in self.segments for token in segment.tokens)

    @property
    def text(self) -> str:
        """The row's words joined by single blanks."""
        return self.run.text

    @property
    def x0(self) -> float:
        """Left edge."""
        return self.segments[0].x0

    @property
    def x1(self) -> float:
        """Right edge."""
        return self.segments[-1].x1


def _skew(page: PageText) -> float:
    """Slope of the page's lines in pixels: the median over lines of their first to last word, weighted by length."""
    slopes: list[tuple[float, float]] = []
    for line in page.lines:
        boxes = [word.box for word in line.words if word.box is not None]
        if len(boxes) < 3:
            continue
        run = (boxes[-1].x0 + boxes[-1].x1 - boxes[0].x0 - boxes[0].x1) / 2 * page.width
        rise = (boxes[-1].y0 + boxes[-1].y1 - boxes[0].y0 - boxes[0].y1) / 2 * page.height
        if run > 0.15 * page.width:
            slopes.append((rise / run, run))
    slopes.sort()
    half = sum(weight for _, weight in slopes) / 2
    for slope, weight in slopes:
        half -= weight
        if half <= 0:
            return slope if 0.0015 < abs(slope) < 0.1 else 0.0
    return 0.0


def page_lines(page: PageText, places: Sequence[Place] | None = None) -> list[list[Token]]:
    """The page's lines as tokens, straightened and scaled so that an average letter is one unit wide.

    Args:
        page: the page; words without box need ``places``.
        places: where the words stand in plain text, in the order of the page's words.
    """
    slope = _skew(page)
    cosine, sine = math.cos(math.atan(slope)), math.sin(math.atan(slope))
    letter = _letter_width(page)
    lines: list[list[Token]] = []
    offset = index = 0
    for line_number, line in enumerate(page.lines):
        tokens: list[Token] = []
        for word in line.words:
            if word.box is not None:
                x0, x1 = word.box.x0 * page.width, word.box.x1 * page.width
                y = (word.box.y0 + word.box.y1) / 2 * page.height
                shift, height = y * sine, (word.box.y1 - word.box.y0) * page.height
                left, right = (x0 * cosine + shift) / letter, (x1 * cosine + shift) / letter
                y, height = (y * cosine - (x0 + x1) / 2 * sine) / letter, height / letter
            else:
                place = places[index] if places is not None else Place(0, 0, line_number, offset)
                left, right = float(place.column), float(place.column + len(word.text))
                y, height = place.row * 2.0, 1.5
            end = offset + len(word.text)
            tokens.append(Token(word.text, page.number, offset, end, index, word.confidence, left, right, y, height))
            offset, index = end + 1, index + 1
        if not line.words:
            offset += 1
        else:
            lines.append(tokens)
    return lines


def _letter_width(page: PageText) -> float:
    widths = [
        (word.box.x1 - word.box.x0) * page.width / len(word.text)
        for word in page.words
        if word.box is not None and len(word.text) > 2
    ]
    return (statistics.median(widths) or 1.0) if widths else 1.0


def page_rows(page: PageText, places: Sequence[Place] | None = None) -> list[Row]:
    """The page's rows from top to bottom; lines that stand side by side become one row."""
    lines = page_lines(page, places)
    if not lines:
        return []
    typical = statistics.median(token.height for tokens in lines for token in tokens)
    squares = squares_are_boxes(token.text for tokens in lines for token in tokens)
    pieces = sorted(((statistics.median(t.y for t in tokens), tokens) for tokens in lines), key=lambda piece: piece[0])
    rows: list[list[Token]] = []
    middles: list[float] = []
    for middle, tokens in pieces:
        fits = [
            index
            for index in range(max(len(rows) - 4, 0), len(rows))
            if abs(middle - middles[index]) < SAME_ROW * typical and not _overlap(rows[index], tokens)
        ]
        if fits:
            rows[fits[-1]].extend(tokens)
        else:
            rows.append(list(tokens))
            middles.append(middle)
    ordered = [sorted(row, key=lambda token: token.x0) for row in rows]
    return [
        Row(page.number, middle, statistics.median(t.height for t in row), segments, split_fields(row))
        for middle, row in zip(middles, ordered, strict=True)
        if (segments := split_segments(row, squares=squares))
    ]


def _overlap(row: Sequence[Token], tokens: Sequence[Token]) -> bool:
    return any(a.x0 < b.x1 - 0.5 and b.x0 < a.x1 - 0.5 for a in row for b in tokens)


def split_segments(tokens: Sequence[Token], *, squares: bool = False) -> tuple[Run, ...]:
    """Cuts tokens of one row, ordered by x, at wide gaps, at printed rules ("|") and at boxes to tick.

    What stands behind an empty box, up to the next one or a wide gap, is left out; a tick with nothing behind it is a
    mark in a column of its own, and stays.

    Args:
        tokens: the words.
        squares: whether bare squares and ticks are boxes on this page.
    """
    found = boxes([token.text for token in tokens], squares=squares)
    for at, token in enumerate(tokens):
        if found[at] == "ticked" and (at + 1 == len(tokens) or tokens[at + 1].x0 - token.x1 > _BOX_GAP):
            found[at] = "word"
    segments: list[list[Token]] = []
    open_segment, unsaid, last = False, False, None
    for token, box in zip(tokens, found, strict=True):
        if token.text in _RULES or box != "word":
            open_segment, unsaid, last = False, box == "empty", None
            continue
        unsaid = unsaid and (last is None or token.x0 - last.x1 <= GAP_LETTERS * _scale(token))
        last = token
        if unsaid:
            continue
        if open_segment and token.x0 - segments[-1][-1].x1 <= GAP_LETTERS * _scale(token):
            segments[-1].append(token)
        else:
            segments.append([token])
            open_segment = True
    return tuple(Run(segment) for segment in segments)


def split_fields(tokens: Sequence[Token]) -> tuple[Run, ...]:
    """The fields of a row that printed bars part; none without bars. Bars at its ends part nothing."""
    fields: list[list[Token]] = [[]]
    for token in tokens:
        if token.text in _RULES:
            fields.append([])
        else:
            fields[-1].append(token)
    while len(fields) > 1 and not fields[0]:
        fields.pop(0)
    return tuple(map(Run, fields)) if len(fields) > 1 else ()


def _scale(token: Token) -> float:
    """Letters of this token's own font size, never below the page's average."""
    width = (token.x1 - token.x0) / len(token.text)
    return max(1.0, min(width, 3.0)) if len(token.text) > 3 else 1.0
