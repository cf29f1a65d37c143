"""Poor pages are read again by RapidOCR, upright, with words boxed by their ink; of better ones the unsure words."""

from __future__ import annotations

import io
import json
import os
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from exora.doctor.check import Status
from exora.doctor.recognition import check_recognition
from exora.documents.ocr import rapid, tesseract
from exora.documents.ocr.local import LocalOcr, has_second_engine, read_first, read_words_again, second_pool
from exora.documents.ocr.port import OcrResult
from exora.documents.ocr.router import better, corrected, doubts, is_poor
from exora.documents.pages import read_pages
from exora.documents.pool import ChildPool
from exora.domain.document import Box, DocumentLimits, Line, PageText, Word
from tests.documents.test_ocr import ROWS, overlap, printed, read, saved, scanned, words

LIMITS = DocumentLimits()
EXAMPLES = Path(__file__).parents[2] / "examples" / "documents"


@pytest.fixture(scope="module")
def poor() -> Image.Image:
    """The page as a fax of 75 dpi makes it."""
    image = scanned(*ROWS, dpi=75).filter(ImageFilter.GaussianBlur(0.5))
    grain = np.random.default_rng(3).normal(108, 40, (image.height, image.width)).clip(0, 255)
    return Image.blend(image, Image.fromarray(grain.astype(np.uint8)), 0.15)


@pytest.fixture(scope="module")
def poor_reading(poor: Image.Image) -> OcrResult:
    return rapid.shared_engine().recognize(poor)


def share_found(found: list[str]) -> float:
    expected = " ".join(ROWS).split()
    return len(set(expected) & set(found)) / len(set(expected))


def test_the_second_engine_reads_what_the_first_cannot(poor: Image.Image, poor_reading: OcrResult) -> None:
    first = words(tesseract.shared_engine().recognize(poor, None))
    second = words(poor_reading)
    assert share_found([word.text for word in second]) >= 0.9 > share_found([word.text for word in first])
    assert poor_reading.engine.startswith("rapidocr 3.")


def test_its_words_stand_where_the_text_layer_has_them() -> None:
    layer = read(printed(*ROWS)).words
    found = words(rapid.shared_engine().recognize(scanned(*ROWS, dpi=100)))
    assert [word.text for word in found] == [word.text for word in layer]
    close = 0
    for mine, theirs in zip(found, layer, strict=True):
        assert mine.box is not None
        assert theirs.box is not None
        close += overlap(mine.box, theirs.box) > 0.5
    assert close >= 0.9 * len(layer)


@pytest.mark.parametrize("turn", [90, 180])
def test_it_finds_the_orientation_itself(poor: Image.Image, poor_reading: OcrResult, turn: int) -> None:
    turned = rapid.shared_engine().recognize(poor.rotate(turn, expand=True))
    assert turned.rotation == (360 - turn) % 360
    assert share_found([word.text for word in words(turned)]) >= 0.9
    for mine, theirs in zip(words(turned), words(poor_reading), strict=False):
        assert mine.box is not None
        assert theirs.box is not None
        assert overlap(mine.box, theirs.box) > 0.5


def test_telemetry_of_its_runtime_is_off() -> None:
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"


def test_a_blank_page_has_no_words() -> None:
    assert rapid.shared_engine().recognize(Image.new("L", (400, 500), 250)).lines == ()


# --- the router -------------------------------------------------------------------------------------


def result(*placed: tuple[str, float, float], confidence: float = 0.95) -> OcrResult:
    """One word a line: text, left and top, each a hundredth of a page high."""
    lines = [
        Line((Word(text, Box(x, y, min(x + 0.01 * len(text), 1.0), y + 0.02), confidence),)) for text, x, y in placed
    ]
    return OcrResult(tuple(lines), 0, "engine")


PAGE = Image.new("L", (1000, 1400), "white")
PAGE.paste(0, (100, 100, 300, 200))
SURE = [("lisinopril", 0.1, 0.1 * row) for row in range(8)]


@pytest.mark.parametrize(
    ("reading", "image", "expected"),
    [
        (result(*SURE), PAGE, False),
        (result(*SURE, confidence=0.8), PAGE, True),
        (result(*SURE), PAGE.resize((400, 560)), True),
        (result(), PAGE, True),
        (result(), Image.new("L", (1000, 1400), "white"), False),
    ],
    ids=["sure", "unsure", "low resolution", "inked but empty", "blank"],
)
def test_poor_pages_are_told(reading: OcrResult, image: Image.Image, expected: bool) -> None:
    assert is_poor(reading, image) is expected


def test_the_second_reading_is_kept_with_what_only_the_first_found() -> None:
    first = result(("Lisinoprll", 0.1, 0.1), ("7.2", 0.8, 0.5))
    second = result(("Lisinopril", 0.1, 0.1), ("daily", 0.4, 0.1))
    kept = words(better(first, second))
    assert sorted(word.text for word in kept) == ["7.2", "Lisinopril", "daily"]


def test_a_second_reading_of_hardly_anything_is_not_kept() -> None:
    assert better(result(*SURE), result(("lis", 0.1, 0.1))) == result(*SURE)


def line_of(*placed: tuple[str, float, float, float]) -> OcrResult:
    """A line of words: text, left and right, confidence; 30 pixels high on a page of 1000 by 1400."""
    return OcrResult((Line(tuple(Word(text, Box(a, 0.1, b, 0.13), sure) for text, a, b, sure in placed)),), 0, "first")


@pytest.mark.parametrize(
    ("placed", "looked_at"),
    [
        ((("sodium", 0.1, 0.2, 0.86), ("135", 0.3, 0.35, 0.94)), []),
        ((("sodlum", 0.1, 0.2, 0.84), ("135", 0.3, 0.35, 0.94)), [("sodlum",)]),
        ((("sodium", 0.1, 0.2, 0.86), ("138", 0.3, 0.35, 0.92)), [("138",)]),
        ((("72", 0.30, 0.33, 0.7), (".7", 0.331, 0.34, 0.1)), [("72", ".7")]),
        ((("72", 0.30, 0.33, 0.99), (".7", 0.331, 0.34, 0.1)), [(".7",)]),
        ((("SURGERY,", 0.1, 0.25, 0.5), ("The", 0.24, 0.28, 0.96)), []),
    ],
    ids=["sure", "unsure", "figures must be surer", "cut in two", "beside a sure word", "overlapping its neighbor"],
)
def test_unsure_words_are_looked_at_again(
    placed: tuple[tuple[str, float, float, float], ...], looked_at: list[tuple[str, ...]]
) -> None:
    found = doubts(line_of(*placed), PAGE)
    assert [tuple(word.text for word in doubt.words) for doubt in found] == looked_at


def test_what_is_cut_out_for_a_word_ends_halfway_to_its_neighbors() -> None:
    reading = line_of(("take", 0.1, 0.196, 0.99), ("2O", 0.2, 0.22, 0.5), ("mg", 0.226, 0.25, 0.99))
    [doubt] = doubts(reading, PAGE)
    assert doubt.box == pytest.approx((0.198, 0.0955, 0.223, 0.1345))


@pytest.mark.parametrize(
    ("before", "reading", "after"),
    [
        (("2252",), ("12.2", 0.99), ["12.2"]),
        (("2252",), ("12.2", 0.9), ["2252"]),
        (("2252",), ("", 1.0), ["2252"]),
        (("72", ".7"), ("72.7", 0.99), ["72.7"]),
        (("5", "Sy"), ("1 87", 0.99), ["1", "87"]),
        (("5", "Sy"), ("1 8 7", 0.99), ["5", "Sy"]),
        (("NOTES",), ("NOTES :", 0.99), ["NOTES:"]),
        (("(disorder",), ("(disorde", 0.99), ["(disorder"]),
        (("mmHgI",), ("mmHg", 0.99), ["mmHg"]),
        (("I40",), ("40", 0.99), ["I40"]),
    ],
    ids=[
        "sure",
        "not sure",
        "nothing",
        "one word of two",
        "two of two",
        "three of two",
        "a blank in one",
        "cut off",
        "without the rule beside it",
        "a rule that may be a one",
    ],
)
def test_a_word_is_what_the_sure_second_reading_says(
    before: tuple[str, ...], reading: tuple[str, float], after: list[str]
) -> None:
    placed = ((text, 0.3 + 0.02 * at, 0.319 + 0.02 * at, 0.3) for at, text in enumerate(before))
    first = line_of(*placed, ("kept", 0.9, 0.95, 0.99))
    [doubt] = doubts(first, PAGE)
    result = corrected(first, [(doubt, *reading)], "second")
    assert [word.text for word in words(result)] == [*after, "kept"]
    assert words(result)[0].box == Box(0.3, 0.1, 0.319 + 0.02 * (len(before) - len(after)), 0.13)
    assert result.engine == "first, second"


# --- through the pools ------------------------------------------------------------------------------


async def test_a_poor_page_in_any_orientation_is_read_within_the_limits(poor: Image.Image) -> None:
    turn = random.Random(0).choice([90, 180, 270])
    content = saved(poor.rotate(turn, expand=True), "PNG")
    async with ChildPool(1) as pool, second_pool(LIMITS) as second:
        ocr = LocalOcr(second)
        assert has_second_engine()
        assert "rapidocr" in ocr.name
        assert "rapidocr" not in LocalOcr().name
        (page,) = await read_pages(content, pool=pool, ocr=ocr, limits=LIMITS, key="page")
        (good,) = await read_pages(saved(scanned(*ROWS, dpi=300), "PNG"), pool=pool, ocr=ocr, limits=LIMITS, key="good")
    assert isinstance(page, PageText)
    assert page.engine.startswith("rapidocr")
    assert share_found([word.text for word in page.words]) >= 0.85
    assert good.engine.startswith("tesseract")


def test_figures_of_a_noisy_scan_come_right() -> None:
    scan = EXAMPLES / "lab-report-scan.pdf"
    truth = json.loads((EXAMPLES / "truth" / "lab-report-scan.json").read_text(encoding="utf-8"))
    values = {result["value"] for result in truth["results"] if any(map(str.isdigit, result["value"]))}
    content, found = scan.read_bytes(), [set[str](), set[str]()]
    for number in (1, 2):
        first = read_first(content, number, LIMITS)
        assert first.again == "words"
        again = read_words_again(content, number, LIMITS, first.result)
        assert again.engine.startswith("tesseract")
        for texts, result in zip(found, (first.result, again), strict=True):
            texts.update(word.text for word in words(result))
    assert len(values - found[0]) >= 3
    assert not values - found[1]


async def test_without_the_extra_or_its_pool_tesseracts_reading_stands(poor: Image.Image) -> None:
    async with ChildPool(1) as pool:
        (page,) = await read_pages(saved(poor, "PNG"), pool=pool, ocr=LocalOcr(), limits=LIMITS, key="page")
    assert page.engine.startswith("tesseract")


def test_png_of_a_picture_is_what_engines_elsewhere_get() -> None:
    from exora.documents.page_reader import page_png, prepare_page

    content = saved(scanned(*ROWS, dpi=100), "TIFF")
    picture = prepare_page(content, 1, LIMITS).picture
    assert picture is not None
    with Image.open(io.BytesIO(page_png(content, 1, LIMITS))) as image:
        assert (image.mode, image.size) == ("L", (picture.width, picture.height))


def test_doctor_tells_which_engines_there_are() -> None:
    assert "RapidOCR for poor scans" in check_recognition()[0].detail
    (alone,) = check_recognition(lambda: False)
    assert (alone.status, "exora[ocr]" in alone.detail) == (Status.OK, True)
