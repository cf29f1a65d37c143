"""Recognition by Google Vision, several pictures per call; what the API answers becomes lines of words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from exora.documents.ocr.port import OcrResult, Picture, Pictures, Report, Rotation
from exora.documents.turns import a_few_at_a_time
from exora.domain.document import Box, Line, Word
from exora.errors import CorruptDocument, DocumentError, NoCapacity, ProviderError, ProviderUnavailable

#: Raise it when the same annotation may become other lines, or old results are reused.
ENGINE = "google-vision/1"
#: Limits of images:annotate as documented; base64 makes four bytes of three.
_MAX_IMAGES = 16
_MAX_BYTES = 10_000_000 * 3 // 4 - 100_000
#: Calls of one document at a time.
_CALLS_AT_A_TIME = 4
#: After these breaks a printed line ends (EOL_SURE_SPACE, HYPHEN, LINE_BREAK), by number or by name.
_LINE_ENDS = frozenset({3, 4, 5, "EOL_SURE_SPACE", "HYPHEN", "LINE_BREAK"})


class Annotates(Protocol):
    """Google Vision behind the capacity gate."""

    async def annotate(self, images: Sequence[bytes]) -> list[dict[str, Any] | ProviderError]: ...


class VisionOcr:
    """``OcrEngine`` over Google Vision.

    Args:
        vision: makes reserved calls.
    """

    def __init__(self, vision: Annotates) -> None:
        self._vision = vision

    @property
    def name(self) -> str:
        """See ``OcrEngine``."""
        return ENGINE

    async def recognize(self, wanted: Sequence[Picture], pictures: Pictures, report: Report) -> None:
        """See ``OcrEngine``. Up to 16 pictures go in one call, as long as they stay below its 10 MB."""
        packs: list[list[tuple[Picture, bytes]]] = []
        room = 0

        async def draw(picture: Picture) -> None:
            nonlocal room
            try:
                png = await pictures.png(picture)
            except DocumentError as error:
                await report(picture, error)
                return
            if len(png) > _MAX_BYTES:
                await report(picture, CorruptDocument(f"page {picture.number} is too large for Google Vision"))
                return
            if not packs or len(packs[-1]) == _MAX_IMAGES or room < len(png):
                packs.append([])
                room = _MAX_BYTES
            packs[-1].append((picture, png))
            room -= len(png)

        # A document of many pages is not held in memory as a whole.
        for start in range(0, len(wanted), _MAX_IMAGES * _CALLS_AT_A_TIME):
            packs.clear()
            await a_few_at_a_time(wanted[start : start + _MAX_IMAGES * _CALLS_AT_A_TIME], _MAX_IMAGES, draw)
            await a_few_at_a_time(packs, _CALLS_AT_A_TIME, lambda pack: self._read(pack, report))

    async def _read(self, pack: Sequence[tuple[Picture, bytes]], report: Report) -> None:
        answers = await self._vision.annotate([png for _, png in pack])
        for (picture, _), answer in zip(pack, answers, strict=True):
            if isinstance(answer, ProviderUnavailable):
                # Of this picture alone: another attempt at the job may read it; what the others cost is kept.
                raise NoCapacity("google.vision-api:image_failed", retry_after_s=30.0) from answer
            if isinstance(answer, ProviderError):
                await report(picture, CorruptDocument(f"Google Vision refused the picture of page {picture.number}"))
            else:
                await report(picture, as_result(answer, picture.width, picture.height))


def as_result(annotation: Mapping[str, Any], width: int, height: int) -> OcrResult:
    """Lines and rotation of a ``fullTextAnnotation`` as JSON.

    Args:
        annotation: the annotation; empty for a picture without text.
        width, height: of the picture, in pixels.
    """
    lines: list[list[tuple[str, Sequence[Mapping[str, Any]], float]]] = [[]]
    for page in annotation.get("pages", ()):
        for text, vertices, confidence, ends in _words(page):
            lines[-1].append((text, vertices, confidence))
            if ends:
                lines.append([])
    rotation = _rotation([word[1] for line in lines for word in line])

    def word(text: str, vertices: Sequence[Mapping[str, Any]], confidence: float) -> Word:
        return Word(text, _box(vertices, width, height, rotation), confidence)

    return OcrResult(tuple(Line(tuple(word(*parts) for parts in line)) for line in lines if line), rotation, ENGINE)


def _words(page: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[Mapping[str, Any]], float, bool]]:
    """Words with their corners and confidence, and whether a printed line ends behind each."""
    for block in page.get("blocks", ()):
        for paragraph in block.get("paragraphs", ()):
            words = [word for word in paragraph.get("words", ()) if _text(word)]
            for place, word in enumerate(words):
                last = place == len(words) - 1
                yield (
                    _text(word),
                    word.get("boundingBox", {}).get("vertices", ()),
                    min(max(float(word.get("confidence", 0.0)), 0.0), 1.0),
                    last or _break_after(word) in _LINE_ENDS,
                )


def _text(word: Mapping[str, Any]) -> str:
    return "".join("".join(symbol.get("text", "") for symbol in word.get("symbols", ())).split())


def _break_after(word: Mapping[str, Any]) -> Any:
    return word["symbols"][-1].get("property", {}).get("detectedBreak", {}).get("type")


def _rotation(corners: Sequence[Sequence[Mapping[str, Any]]]) -> Rotation:
    """How the picture has to be turned, counter-clockwise: corners start at each word's own top left."""
    votes: Counter[Rotation] = Counter()
    for vertices in corners:
        if len(vertices) == 4:
            across = vertices[1].get("x", 0) - vertices[0].get("x", 0)
            down = vertices[1].get("y", 0) - vertices[0].get("y", 0)
            if across or down:
                # Text that runs downwards stands upright once turned by 90 degrees counter-clockwise.
                turns: tuple[Rotation, ...] = (0, 90, 180, 270)
                votes[turns[round(math.degrees(math.atan2(down, across)) / 90) % 4]] += 1
    return votes.most_common(1)[0][0] if votes else 0


def _box(vertices: Sequence[Mapping[str, Any]], width: int, height: int, rotation: Rotation) -> Box | None:
    """The box as fractions of the upright picture; coordinates that are left out are zero."""
    if not vertices:
        return None
    xs = [min(max(vertex.get("x", 0) / width, 0.0), 1.0) for vertex in vertices]
    ys = [min(max(vertex.get("y", 0) / height, 0.0), 1.0) for vertex in vertices]
    if rotation == 90:
        xs, ys = ys, [1 - x for x in xs]
    elif rotation == 180:
        xs, ys = [1 - x for x in xs], [1 - y for y in ys]
    elif rotation == 270:
        xs, ys = [1 - y for y in ys], xs
    return Box(min(xs), min(ys), max(xs), max(ys))
