"""Google Vision's annotations as lines of words, upright, whatever way the picture lay; and how pictures are packed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from exora.documents.ocr.port import OcrResult, Picture
from exora.documents.ocr.vision import ENGINE, VisionOcr, as_result
from exora.errors import DocumentError, NoCapacity, ProviderError, ProviderUnavailable, RequestRefused

WIDTH, HEIGHT = 400, 200


def word(text: str, corners: Sequence[tuple[int, int]], after: Any = 1) -> dict[str, Any]:
    """A word of an annotation; zeros are left out."""
    symbols: list[dict[str, Any]] = [{"text": character} for character in text]
    symbols[-1]["property"] = {"detectedBreak": {"type": after}}
    vertices = [{name: value for name, value in (("x", x), ("y", y)) if value} for x, y in corners]
    return {"symbols": symbols, "boundingBox": {"vertices": vertices}, "confidence": 0.9}


def annotation(*words: dict[str, Any]) -> dict[str, Any]:
    """An annotation of one paragraph."""
    return {"pages": [{"blocks": [{"paragraphs": [{"words": list(words)}]}]}]}


def texts(result: OcrResult) -> list[list[str]]:
    """The words of each line."""
    return [[word.text for word in line.words] for line in result.lines]


def upright(x0: int, y0: int, x1: int, y1: int) -> list[tuple[int, int]]:
    """The corners of a word that stands upright."""
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


@pytest.mark.parametrize("line_end", [3, 5, "LINE_BREAK", "EOL_SURE_SPACE"])
def test_words_become_lines_at_line_breaks(line_end: Any) -> None:
    found = as_result(
        annotation(
            word("Jane", upright(0, 0, 100, 20)),
            word("Roe", upright(110, 0, 200, 20), line_end),
            word("Aspirin", upright(0, 40, 200, 60)),
        ),
        WIDTH,
        HEIGHT,
    )
    assert texts(found) == [["Jane", "Roe"], ["Aspirin"]]
    assert (found.rotation, found.engine) == (0, ENGINE)
    assert found.lines[0].words[0].box == pytest.approx((0, 0, 0.25, 0.1))


def _turned(corners: Sequence[tuple[int, int]], degrees: int) -> tuple[list[tuple[int, int]], int, int]:
    """Corners and size of a picture that was turned clockwise by so many degrees."""
    width, height = WIDTH, HEIGHT
    points = list(corners)
    for _ in range(degrees // 90):
        points = [(height - y, x) for x, y in points]
        width, height = height, width
    return points, width, height


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_picture_on_its_side_comes_out_upright(degrees: int) -> None:
    corners, width, height = _turned(upright(40, 20, 200, 60), degrees)
    found = as_result(annotation(word("Aspirin", corners)), width, height)
    assert found.rotation == degrees
    assert found.lines[0].words[0].box == pytest.approx((0.1, 0.1, 0.5, 0.3))


def test_a_picture_without_text_has_no_lines_and_missing_coordinates_are_zero() -> None:
    assert as_result({}, WIDTH, HEIGHT) == OcrResult((), 0, ENGINE)
    found = as_result(annotation(word("Jane", [(0, 0)] * 4)), WIDTH, HEIGHT)
    assert found.lines[0].words[0].box == (0, 0, 0, 0)


class Drawn:
    """Pictures of a given size in bytes."""

    content = b""

    def __init__(self, size: int) -> None:
        self._size = size

    async def png(self, picture: Picture) -> bytes:
        """A picture."""
        return bytes([picture.number % 256]) * self._size

    async def here(self, *_: Any, **__: Any) -> Any:
        """Not for this engine."""
        raise NotImplementedError


class Answers:
    """What Vision answers: nothing on any picture, or what is said for some."""

    def __init__(self, special: dict[int, ProviderError] | None = None) -> None:
        self.packs: list[list[int]] = []
        self._special = special or {}

    async def annotate(self, images: Sequence[bytes]) -> list[dict[str, Any] | ProviderError]:
        """One call."""
        numbers = [image[0] for image in images]
        self.packs.append(numbers)
        return [self._special.get(number, {}) for number in numbers]


async def read(count: int, size: int, answers: Answers) -> dict[int, OcrResult | DocumentError]:
    """Have pictures read."""
    found: dict[int, OcrResult | DocumentError] = {}

    async def report(picture: Picture, outcome: OcrResult | DocumentError) -> None:
        found[picture.number] = outcome

    wanted = [Picture(number, "0" * 64, WIDTH, HEIGHT, 300) for number in range(1, count + 1)]
    await VisionOcr(answers).recognize(wanted, Drawn(size), report)
    return found


@pytest.mark.parametrize(("count", "size", "calls"), [(1, 100, 1), (16, 100, 1), (17, 100, 2), (16, 1_000_000, 3)])
async def test_pictures_go_sixteen_to_a_call_below_ten_megabytes(count: int, size: int, calls: int) -> None:
    answers = Answers()
    found = await read(count, size, answers)
    assert sorted(found) == list(range(1, count + 1))
    assert len(answers.packs) == calls
    assert all(len(pack) <= 16 and math.ceil(len(pack) * size / 3) * 4 < 10_000_000 for pack in answers.packs)


async def test_a_picture_that_is_refused_does_not_spoil_the_others() -> None:
    found = await read(3, 100, Answers({2: RequestRefused("google", "x", reason="bad_image")}))
    assert isinstance(found[2], DocumentError)
    assert isinstance(found[1], OcrResult)
    assert isinstance(found[3], OcrResult)


async def test_a_picture_that_failed_is_tried_again_by_the_next_attempt() -> None:
    with pytest.raises(NoCapacity):
        await read(2, 100, Answers({2: ProviderUnavailable("google", "x")}))
