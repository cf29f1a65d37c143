"""Recognition: words, boxes and confidence of scans in any orientation, from image files of every kind."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageFilter
from pillow_heif import register_heif_opener
from pypdfium2 import PdfDocument
from reportlab.lib.pagesizes import letter
from reportlab.pdfgen.canvas import Canvas

from exora.documents.lines import printed_lines
from exora.documents.ocr.port import OcrResult
from exora.documents.ocr.tesseract import shared_engine
from exora.documents.page_reader import DocumentPlan, open_document
from exora.documents.sniff import Format
from exora.domain.document import Box, DocumentLimits, PageText, Word
from tests.documents.reading import read_page

register_heif_opener()

LIMITS = DocumentLimits()
NOTE = "Lisinopril 20 mg daily for hypertension"
DATA = Path(__file__).parents[1] / "data"
ROWS = [
    "Patient seen for follow up of hypertension",
    "Lisinopril 20 mg by mouth once daily",
    "Metformin 1000 mg by mouth twice daily",
    "Blood pressure 128/76 mmHg, pulse 72",
    "Hemoglobin A1c 7.2 percent, creatinine 0.9 mg/dL",
]


def printed(*rows: str) -> bytes:
    """A digital page with the rows on it."""
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=letter)
    canvas.setFont("Helvetica", 11)
    for index, row in enumerate(rows):
        canvas.drawString(72, 700 - 24 * index, row)
    canvas.save()
    return file.getvalue()


def scanned(*rows: str, dpi: int) -> Image.Image:
    """The same page as a scanner sees it."""
    image: Image.Image = PdfDocument(printed(*rows))[0].render(scale=dpi / 72, grayscale=True).to_pil()
    return image


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def read(content: bytes, number: int = 1) -> PageText:
    return read_page(content, number, LIMITS)


@pytest.fixture(scope="module")
def scan() -> Image.Image:
    return scanned(*ROWS, dpi=200)


def words(result: OcrResult) -> list[Word]:
    return [word for line in result.lines for word in line.words]


def lines(result: OcrResult, image: Image.Image) -> list[str]:
    return [
        " ".join(word.text for word in line.words) for line in printed_lines(result.lines, image.width / image.height)
    ]


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    down = min(one.y1, other.y1) - max(one.y0, other.y0)
    shared = max(across, 0) * max(down, 0)
    areas = sum((box.x1 - box.x0) * (box.y1 - box.y0) for box in (one, other))
    return shared / (areas - shared)


def test_the_engine_names_itself_with_its_version() -> None:
    engine = shared_engine()
    assert engine.name.startswith("tesseract 5.")


def test_words_are_found_where_the_text_layer_has_them(scan: Image.Image) -> None:
    layer = read(printed(*ROWS)).words
    found = words(shared_engine().recognize(scan, 200))
    assert [word.text for word in found] == [word.text for word in layer]
    for mine, theirs in zip(found, layer, strict=True):
        assert mine.box is not None
        assert theirs.box is not None
        assert overlap(mine.box, theirs.box) > 0.6
        assert 0.6 < mine.confidence <= 1


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_scan_in_any_orientation_reads_upright(scan: Image.Image, turn: int) -> None:
    upright = words(shared_engine().recognize(scan, 200))
    turned = shared_engine().recognize(scan.rotate(turn, expand=True), 200)
    assert turned.rotation == (360 - turn) % 360
    assert lines(turned, scan) == ROWS
    for mine, theirs in zip(words(turned), upright, strict=True):
        assert mine.box is not None
        assert theirs.box is not None
        assert overlap(mine.box, theirs.box) > 0.8


@pytest.mark.parametrize("degrees", [-1.5, 4])
def test_a_skewed_scan_keeps_its_rows_and_its_boxes_stand_on_the_page_as_scanned(
    scan: Image.Image, degrees: float
) -> None:
    skewed = scan.rotate(degrees, fillcolor=255, resample=Image.Resampling.BICUBIC)
    result = shared_engine().recognize(skewed, 200)
    assert (lines(result, skewed), result.rotation) == (ROWS, 0)
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    upright = words(shared_engine().recognize(scan, 200))
    for found, level in zip(words(result), upright, strict=True):
        x, y = ((level_side - 0.5) * size for level_side, size in zip(middle(level), scan.size, strict=True))
        turned = x * cosine + y * sine, y * cosine - x * sine
        expected = [0.5 + place / size for place, size in zip(turned, scan.size, strict=True)]
        assert middle(found) == pytest.approx(expected, abs=0.003)


def middle(word: Word) -> tuple[float, float]:
    assert word.box is not None
    return (word.box.x0 + word.box.x1) / 2, (word.box.y0 + word.box.y1) / 2


def test_a_photo_in_uneven_light_is_read(scan: Image.Image) -> None:
    light = Image.linear_gradient("L").resize(scan.size).point(lambda value: 90 + value * 0.6)
    photo = ImageChops.multiply(scan, light).filter(ImageFilter.GaussianBlur(1))
    assert lines(shared_engine().recognize(photo, None), photo) == ROWS


def test_the_word_i_is_no_rule_of_a_table() -> None:
    said = "Today in clinic I have seen a patient whom I know well"
    assert read(saved(scanned(said, dpi=300), "PNG")).text == said


@pytest.mark.parametrize("scale", [0.45, 3.0])
def test_small_and_huge_pictures_are_scaled_to_what_can_be_read(scan: Image.Image, scale: float) -> None:
    size = (round(scan.width * scale), round(scan.height * scale))
    picture = scan.resize(size, Image.Resampling.LANCZOS)
    found = words(shared_engine().recognize(picture, None))
    expected = " ".join(ROWS).split()
    assert len({word.text for word in found} & set(expected)) >= 0.9 * len(set(expected))


def test_a_picture_without_print_gives_no_sure_words() -> None:
    noise = Image.effect_noise((600, 800), 60)
    assert all(word.confidence < 0.9 for word in words(shared_engine().recognize(noise, None)))


@pytest.mark.parametrize("name", ["phototest.tif", "phototest-rotated-180.png", "phototest-rotated-R.png"])
def test_the_test_page_of_tesseract_is_read_to_the_letter(name: str) -> None:
    expected = (DATA / "phototest.txt").read_text().split()
    page = read((DATA / name).read_bytes())
    assert page.text.split() == expected
    assert (page.width, page.height) == (640, 480)


# --- images -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {"quality": 80}),
        ("PNG", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("HEIF", {"quality": 80}),
        ("WEBP", {"quality": 80}),
        ("BMP", {}),
        ("GIF", {}),
    ],
)
def test_every_image_format_is_read(kind: str, options: dict[str, Any]) -> None:
    image = scanned(NOTE, dpi=150)
    content = saved(image, kind, **options)
    assert open_document(content, LIMITS) == DocumentPlan(Format[kind], 1)
    page = read(content)
    assert (page.text, page.source, page.width, page.height) == (NOTE, "ocr", *image.size)


def modes() -> dict[str, Image.Image]:
    grey = scanned(NOTE, dpi=150)
    rgb = grey.convert("RGB")
    clear = Image.new("RGBA", rgb.size, (0, 0, 0, 0))
    clear.putalpha(grey.point(lambda value: 255 - value))
    twelve_bits = grey.convert("I").point(lambda value: value * 16).convert("I;16")
    return {
        "1": grey.convert("1"),
        "P": rgb.quantize(16),
        "CMYK": rgb.convert("CMYK"),
        "RGBA": clear,
        "LA": clear.convert("LA"),
        "I;16": twelve_bits,
        "F": grey.convert("F"),
        "YCbCr": rgb.convert("YCbCr"),
    }


@pytest.mark.parametrize("mode", ["1", "P", "CMYK", "RGBA", "LA", "I;16", "F", "YCbCr"])
def test_every_kind_of_pixel_is_read(mode: str) -> None:
    assert read(saved(modes()[mode], "TIFF")).text == NOTE


@pytest.mark.parametrize(("orientation", "turn"), [(3, 180), (6, 90), (8, 270)])
def test_exif_orientation_is_applied(orientation: int, turn: int) -> None:
    image = scanned(NOTE, dpi=150)
    exif = Image.Exif()
    exif[0x0112] = orientation
    page = read(saved(image.rotate(turn, expand=True), "JPEG", exif=exif, quality=90))
    assert (page.text, page.width, page.height) == (NOTE, *image.size)


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "WEBP"])
def test_every_frame_is_a_page(kind: str) -> None:
    frames = [scanned(f"{NOTE} {name}", dpi=150) for name in ("first", "second", "third")]
    content = saved(frames[0], kind, save_all=True, append_images=frames[1:])
    assert open_document(content, LIMITS).pages == 3
    assert [read(content, number).words[-1].text for number in (3, 1, 2)] == ["third", "first", "second"]
