"""Decides which page, or which words of it, a second engine reads, and what is kept of two readings.

The thresholds were decided by measurement: docs/explanation/ocr.md.
"""

from __future__ import annotations

import functools
import itertools
import statistics
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from PIL import Image

from exora.documents.ocr.port import OcrResult, Rotation
from exora.domain.document import Box, Line, Word

#: Mean confidence of Tesseract, weighted by length, under which a page is poor.
_POOR_CONFIDENCE = 0.88
#: Words of print lower than this many pixels were scanned at under about 130 dpi: poor whatever the confidence.
_POOR_HEIGHT = 13.0
#: A page with this share of dark pixels or more is inked, and has words.
_INKED = 0.002
_FEW_WORDS = 3
#: A word of Tesseract's is added where the second engine found nothing if it is this sure.
_ADDED_CONFIDENCE = 0.85
#: The second reading replaces the first if it holds at least this share of its letters.
_ENOUGH = 0.5

#: A word is unsure under this confidence of Tesseract's: one of letters, and one with figures or marks, where a slip
#: makes another value of it and Tesseract knows less of its own slips.
_UNSURE_LETTERS = 0.85
_UNSURE_FIGURES = 0.93
#: The second reading of a word counts from this probability on.
_SURE_READING = 0.95
#: Paper left around a word, in heights of it, as far as its neighbors leave room.
_PAPER = 0.15
#: Words nearer to each other than a blank and a half, in heights, may be one: "1" and "87" with a faint point between.
_NEAR = 0.45
_WORD_MARKS = frozenset(".,:;-()'")
#: What Tesseract makes of a rule that touches a word.
_RULES = frozenset("|Il![]")

_SUMS: dict[int, Rotation] = {0: 0, 90: 90, 180: 180, 270: 270}
_TURNS = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}


def is_poor(result: OcrResult, image: Image.Image) -> bool:
    """Whether a page deserves a second reading: unsure, of low resolution, or inked but empty.

    Args:
        result: of Tesseract.
        image: the page in grey (mode "L"), as it was drawn.
    """
    words = _words(result)
    if len(words) < _FEW_WORDS:
        return _ink_share(image) >= _INKED
    height = image.width if result.rotation % 180 else image.height
    heights = [(word.box.y1 - word.box.y0) * height for word in words if word.box is not None and len(word.text) > 2]
    small = bool(heights) and statistics.median(heights) < _POOR_HEIGHT
    return small or _confidence(words) < _POOR_CONFIDENCE


def better(first: OcrResult, second: OcrResult) -> OcrResult:
    """What to keep of a page read twice: mostly the second reading, with what only the first one found.

    Args:
        first: Tesseract's, with the page's rotation.
        second: RapidOCR's of the page turned by that rotation; its own rotation comes on top.
    """
    if _letters(_words(second)) < _ENOUGH * _letters(_words(first)):
        return first
    if second.rotation:
        # The first engine was wrong about how the page lies, and so about its words.
        return replace(second, rotation=_SUMS[(first.rotation + second.rotation) % 360])
    taken = [word.box for word in _words(second) if word.box is not None]
    added = []
    for line in first.lines:
        words = tuple(word for word in line.words if word.confidence >= _ADDED_CONFIDENCE and _is_free(word, taken))
        if words:
            added.append(Line(words))
    return OcrResult((*second.lines, *added), first.rotation, second.engine)


class Doubt(NamedTuple):
    """Words side by side that one look may make one word of, and what to cut out for it."""

    words: tuple[Word, ...]
    box: Box


def doubts(result: OcrResult, image: Image.Image) -> list[Doubt]:
    """What deserves a second reading on a page that is not poor.

    Args:
        result: of Tesseract.
        image: the page as it was read, upright.
    """
    shape = image.height / image.width
    found = []
    for line in result.lines:
        groups = _touching(line, shape)
        for before, group, after in zip((None, *groups), groups, (*groups[1:], None), strict=False):
            box = _hull(group)
            if box is None or not all(word.confidence < _floor(word.text) for word in group):
                continue
            paper = _PAPER * (box.y1 - box.y0)
            left = min(paper * shape, _gap(_hull(before or ()), box) / 2)
            right = min(paper * shape, _gap(box, _hull(after or ())) / 2)
            if left >= 0 and right >= 0:  # else it would show a neighbor too
                found.append(Doubt(group, _grown(box, left, paper, right)))
    return found


def corrected(first: OcrResult, readings: Iterable[tuple[Doubt, str, float]], engine: str) -> OcrResult:
    """The page with those second readings that are sure.

    Args:
        first: Tesseract's.
        readings: what the second engine made of its doubts, and the probability.
        engine: the second one's name.
    """
    changed: dict[int, Word | None] = {}
    for (words, _), text, probability in readings:
        read = _as_words(text, words) if probability >= _SURE_READING else []
        for word, new in itertools.zip_longest(words, read) if read else ():
            changed[id(word)] = new and replace(new, confidence=round(probability, 4))
    lines = []
    for line in first.lines:
        kept = (changed.get(id(word), word) for word in line.words)
        lines.append(Line(tuple(word for word in kept if word is not None)))
    return OcrResult(tuple(lines), first.rotation, f"{first.engine}, {engine}")


def upright(image: Image.Image, rotation: Rotation) -> Image.Image:
    """The image turned counter-clockwise by the rotation."""
    return image.transpose(_TURNS[rotation]) if rotation else image


def _floor(text: str) -> float:
    """The confidence from which on a word is sure."""
    is_word = all(character.isalpha() or character in _WORD_MARKS for character in text)
    return _UNSURE_LETTERS if is_word else _UNSURE_FIGURES


def _touching(line: Line, shape: float) -> list[tuple[Word, ...]]:
    """The words of a line; unsure ones near to each other together."""
    groups: list[tuple[Word, ...]] = []
    for word in line.words:
        last = groups[-1][-1] if groups else None
        is_near = (
            last is not None
            and last.box is not None
            and word.box is not None
            and _gap(last.box, word.box) < _NEAR * shape * (word.box.y1 - word.box.y0)
            and max(last.confidence / _floor(last.text), word.confidence / _floor(word.text)) < 1
        )
        if is_near:
            groups[-1] = (*groups[-1], word)
        else:
            groups.append((word,))
    return groups


def _hull(words: tuple[Word, ...]) -> Box | None:
    boxes = [word.box for word in words if word.box is not None]
    return functools.reduce(Box.union, boxes) if boxes else None


def _gap(left: Box | None, right: Box | None) -> float:
    """The paper between two neighbors, as a share of the page's width; negative where they overlap."""
    return 1.0 if left is None or right is None else right.x0 - left.x1


def _as_words(text: str, before: tuple[Word, ...]) -> list[Word]:
    """A reading as the words it stands for: as many as there were, or a single one; none if it is no better."""
    parts = text.split()
    if len(parts) != len(before):
        parts = ["".join(parts)] if len(before) == 1 or len(parts) == 1 else []
    if not all(parts) or _is_cut_off("".join(parts), "".join(word.text for word in before)):
        return []
    if len(parts) == len(before):
        return [replace(word, text=part) for word, part in zip(before, parts, strict=True)]
    return [Word(part, _hull(before), 0.0) for part in parts]


def _is_cut_off(text: str, before: str) -> bool:
    """Whether a reading is the other one without an end, unless that looks like the rule of a table beside letters.

    Beside figures such a rule may be a one: "I40" is 140 rather than 40.
    """
    if text == before or text not in before:
        return False
    return any(map(str.isdigit, text)) or not _RULES.issuperset(before.replace(text, "", 1))


def _grown(box: Box, left: float, paper: float, right: float) -> Box:
    return Box(max(box.x0 - left, 0.0), max(box.y0 - paper, 0.0), min(box.x1 + right, 1.0), min(box.y1 + paper, 1.0))


def _words(result: OcrResult) -> list[Word]:
    return [word for line in result.lines for word in line.words]


def _letters(words: list[Word]) -> int:
    return sum(len(word.text) for word in words)


def _confidence(words: list[Word]) -> float:
    return sum(word.confidence * len(word.text) for word in words) / max(_letters(words), 1)


def _ink_share(image: Image.Image) -> float:
    """The share of pixels much darker than the paper."""
    levels = image.histogram()
    total = sum(levels)
    paper = max(range(256), key=lambda level: levels[level])
    return sum(levels[: max(paper - 64, 0)]) / total


def _is_free(word: Word, taken: list[Box]) -> bool:
    """Whether a word stands where the other engine saw nothing."""
    box = word.box
    return (
        box is not None
        and any(map(str.isalnum, word.text))
        and not any(box.holds(other) or other.holds(box) for other in taken)
    )
