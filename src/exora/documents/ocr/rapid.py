"""RapidOCR (PP-OCRv6): finds the lines of poor scans with its detector, reads them, and boxes each word by its ink; or
reads single words.

An extra (``exora[ocr]``): its models come in its wheel, nothing is downloaded, nothing is written.
"""

from __future__ import annotations

import functools
import itertools
import math
import os
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from PIL import Image

from exora.documents.ocr.port import OcrResult, Rotation
from exora.domain.document import Box, Line, Word

# onnxruntime sends telemetry and keeps a device id on disk unless this is set before its import.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime
import rapidocr

from exora.documents.ocr.recognizer import Character, Recognizer

Pixels = npt.NDArray[Any]
Points = npt.NDArray[np.float32]

#: Lines are found on a page reduced to this long side, in pixels: at 2000, the package's own, nothing more (ocr.md).
_FOUND_AT = 1400
#: A line is dropped below this mean probability: it is a drawing or a texture.
_LINE_PROBABILITY = 0.5
#: A tall narrow box holds a single character, unless it is this many times as tall as wide.
_VERTICAL = 6.0
#: A blank less probable than this is a guess, which needs a gap in the ink of this share of the line's height.
_SURE_BLANK = 0.5
_BLANK_WIDTH = 0.08
#: Lines this many times as tall as wide stand on their side.
_SIDEWAYS = 1.5
#: The page's longest lines tell how it lies; read with this probability they stand upright.
_SAMPLES = 8
_UPRIGHT_PROBABILITY = 0.9
#: Pixels darker than this share of the way from ink to paper are ink.
_INK = 0.6


class RapidEngine:
    """Recognizes print; one instance per process, never shared between threads."""

    def __init__(self) -> None:
        self._models = Path(str(rapidocr.__file__)).parent / "models"
        cv2.setNumThreads(1)
        options: Any = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        (model,) = self._models.glob("*_rec_small.onnx")
        self._recognizer = Recognizer(model, options)

    @functools.cached_property
    def _detector(self) -> Any:
        """Loaded with the first whole page: words alone need none."""
        (model,) = self._models.glob("*_det_small.onnx")
        threads = "EngineConfig.onnxruntime"
        return rapidocr.RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.max_side_len": _FOUND_AT,
                "Det.model_path": str(model),
                f"{threads}.intra_op_num_threads": 1,
                f"{threads}.inter_op_num_threads": 1,
            }
        )

    @property
    def name(self) -> str:
        """The engine and its version."""
        return f"rapidocr {version('rapidocr')}"

    def recognize(self, image: Image.Image) -> OcrResult:
        """Read a page in any of the four orientations.

        Args:
            image: the page in grey (mode "L").
        """
        pixels: Pixels = cv2.cvtColor(np.asarray(image), cv2.COLOR_GRAY2BGR)
        boxes = self._find(pixels)
        turn = self._turn(pixels, boxes)
        if turn:
            pixels = np.ascontiguousarray(np.rot90(pixels, turn // 90))
            boxes = self._find(pixels)
        height, width = pixels.shape[:2]
        pictures = [_line_picture(pixels, box) for box in boxes]
        lines = []
        for box, picture, characters in zip(boxes, pictures, self._recognizer.read(pictures), strict=True):
            if _probability(characters) >= _LINE_PROBABILITY:
                words = tuple(_words(characters, picture, box, width, height))
                if words:
                    lines.append(Line(words))
        return OcrResult(tuple(lines), turn, self.name)

    def read_words(self, image: Image.Image, boxes: Sequence[Box]) -> list[tuple[str, float]]:
        """Read single words.

        Args:
            image: the page in grey (mode "L"), upright.
            boxes: where the words stand, with some paper around them.

        Returns:
            For each what it says, with the blanks that are sure, and the mean probability of its characters.
        """
        pixels: Pixels = cv2.cvtColor(np.asarray(image), cv2.COLOR_GRAY2BGR)
        height, width = pixels.shape[:2]
        pictures = []
        for box in boxes:
            x0, x1 = int(box.x0 * width), math.ceil(box.x1 * width)
            y0, y1 = int(box.y0 * height), math.ceil(box.y1 * height)
            pictures.append(pixels[min(y0, height - 1) : max(y1, y0 + 1), min(x0, width - 1) : max(x1, x0 + 1)])
        return [
            (
                "".join(each.text for each in characters if each.text != " " or each.probability >= _SURE_BLANK),
                _probability(characters),
            )
            for characters in self._recognizer.read(pictures)
        ]

    def _find(self, pixels: Pixels) -> list[Points]:
        """The corners of each line of print, from its top left clockwise."""
        found: Any = self._detector(pixels, use_det=True, use_cls=False, use_rec=False)
        return [] if found is None or found.boxes is None else [np.asarray(box, np.float32) for box in found.boxes]

    def _turn(self, pixels: Pixels, boxes: list[Points]) -> Rotation:
        """The counter-clockwise turn that sets the page upright, by how well its longest lines then read."""
        longest = sorted(boxes, key=lambda box: max(_size(box)), reverse=True)[:_SAMPLES]
        if not longest:
            return 0
        tall = sum(height > _SIDEWAYS * width for width, height in map(_size, longest))
        turns: tuple[Rotation, ...] = (90, 270) if 2 * tall > len(longest) else (0, 180)
        pictures = [_straightened(pixels, box) for box in longest]
        scores: dict[Rotation, float] = {}
        for turn in turns:
            read = self._recognizer.read([np.ascontiguousarray(np.rot90(each, turn // 90)) for each in pictures])
            scores[turn] = float(np.mean([_probability(characters) for characters in read]))
            if scores[turn] >= _UPRIGHT_PROBABILITY:
                return turn
        return max(scores, key=lambda turn: scores[turn])


def _probability(characters: list[Character]) -> float:
    """The mean over a line's characters; blanks, which may be guesses, left out."""
    found = [each.probability for each in characters if each.text != " "]
    return float(np.mean(found)) if found else 0.0


@functools.cache
def shared_engine() -> RapidEngine:
    """The one engine of this process; loading it takes 1-2 s, and a page up to 1.4 GB."""
    return RapidEngine()


def _line_picture(page: Pixels, corners: Points) -> Pixels:
    """A detected line for reading; one that runs down the page is laid on its side."""
    picture = _straightened(page, corners)
    width, height = _size(corners)
    return np.ascontiguousarray(np.rot90(picture)) if height > _VERTICAL * width else picture


def _straightened(page: Pixels, corners: Points) -> Pixels:
    """What is within four corners, from the page at its full resolution."""
    width, height = _size(corners)
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    transform = cv2.getPerspectiveTransform(corners, target)
    return cv2.warpPerspective(page, transform, (width, height), borderMode=cv2.BORDER_REPLICATE, flags=cv2.INTER_CUBIC)


def _size(corners: Points) -> tuple[int, int]:
    top, right, bottom, left = (float(np.linalg.norm(corners[i] - corners[(i + 1) % 4])) for i in range(4))
    return max(round(max(top, bottom)), 1), max(round(max(left, right)), 1)


def _words(characters: list[Character], picture: Pixels, corners: Points, width: int, height: int) -> Iterator[Word]:
    """The words of a line: each from the middle of the gap before it to that of the gap after, trimmed to its ink."""
    ink = _ink(picture)
    columns: Pixels = np.any(ink, axis=0)
    groups = _grouped(characters, columns, _BLANK_WIDTH * picture.shape[0])
    edges = [0, *(_gap(columns, a[-1].at, b[0].at) for a, b in itertools.pairwise(groups)), picture.shape[1]]
    for group, (start, end) in zip(groups, itertools.pairwise(edges), strict=True):
        text = "".join(each.text for each in group)
        probability = float(np.mean([each.probability for each in group]))
        area = _trimmed(ink, start, max(end, start + 1))
        yield Word(text, _on_page(area, picture, corners, width, height), round(probability, 4))


def _grouped(characters: list[Character], columns: Pixels, narrowest: float) -> list[list[Character]]:
    """Characters by word: apart at sure blanks, and at guessed ones where the ink has a gap of some width."""
    groups: list[list[Character]] = [[]]
    for before, each, after in zip([None, *characters], characters, [*characters[1:], None], strict=False):
        if each.text != " ":
            groups[-1].append(each)
        elif each.probability >= _SURE_BLANK or (
            before is not None and after is not None and len(_widest_gap(columns, before.at, after.at)) >= narrowest
        ):
            groups.append([])
    return [group for group in groups if group]


def _ink(picture: Pixels) -> npt.NDArray[Any]:
    grey = picture.min(axis=2)
    dark, light = np.percentile(grey, (2, 90))
    return grey < dark + _INK * (light - dark) if light - dark > 20 else np.zeros(grey.shape, bool)


def _gap(columns: Pixels, before: float, after: float) -> int:
    """The middle of the widest run of columns without ink between two characters."""
    widest = _widest_gap(columns, before, after)
    return (widest[0] + widest[-1]) // 2 if widest else int((before + after) / 2 * len(columns))


def _widest_gap(columns: Pixels, before: float, after: float) -> list[int]:
    size = len(columns)
    between = range(max(int(before * size), 0), min(int(after * size), size))
    runs = [list(run) for has_ink, run in itertools.groupby(between, lambda at: bool(columns[at])) if not has_ink]
    return max(runs, key=len, default=[])


def _trimmed(ink: npt.NDArray[Any], start: int, end: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the ink between two columns."""
    part = ink[:, start:end]
    across, down = np.flatnonzero(part.any(axis=0)), np.flatnonzero(part.any(axis=1))
    if not across.size:
        return start, 0, end, ink.shape[0]
    return start + int(across[0]), int(down[0]), start + int(across[-1]) + 1, int(down[-1]) + 1


def _on_page(area: tuple[int, int, int, int], picture: Pixels, corners: Points, width: int, height: int) -> Box:
    """An area of a line's picture as a box on the page."""
    left, top, right, bottom = area
    down, across = picture.shape[:2]
    upright = _size(corners) == (across, down)
    points = []
    for x, y in ((left, top), (right, top), (right, bottom), (left, bottom)):
        u, v = (x / across, y / down) if upright else (1 - y / down, x / across)
        upper = corners[0] * (1 - u) + corners[1] * u
        lower = corners[3] * (1 - u) + corners[2] * u
        points.append(upper * (1 - v) + lower * v)
    xs, ys = [float(point[0]) / width for point in points], [float(point[1]) / height for point in points]
    return Box(max(min(xs), 0.0), max(min(ys), 0.0), min(max(xs), 1.0), min(max(ys), 1.0))
