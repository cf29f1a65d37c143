"""Decides which page is read by a second engine, and what is kept of two readings.

The thresholds were decided by measurement: docs/explanation/ocr.md.
"""

from __future__ import annotations

import statistics
from dataclasses import replace

from PIL import Image

from exora.documents.ocr.port import OcrResult, Rotation
from exora.domain.document import Box, Line, Word

#: Mean confidence of Tesseract, weighted by length, under which a page is poor.
_POOR_CONFIDENCE = 0.90
#: Words of print lower than this many pixels were scanned at under about 130 dpi: poor whatever the confidence.
_POOR_HEIGHT = 13.0
#: A page with this share of dark pixels or more is inked, and has words.
_INKED = 0.002
_FEW_WORDS = 3
#: A word of Tesseract's is added where the second engine found nothing if it is this sure.
_ADDED_CONFIDENCE = 0.85
#: The second reading replaces the first if it holds at least this share of its letters.
_ENOUGH = 0.5

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


def upright(image: Image.Image, rotation: Rotation) -> Image.Image:
    """The image turned counter-clockwise by the rotation."""
    return image.transpose(_TURNS[rotation]) if rotation else image


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
