"""Documents of every readable kind become pages whose words stand where they were drawn."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

import pytest
from PIL import Image
from PIL.TiffImagePlugin import STRIPOFFSETS, TiffImageFile
from pillow_heif import register_heif_opener
from pypdfium2 import PdfDocument
from reportlab.lib.pagesizes import letter
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from exora.documents.ocr.local import LocalOcr
from exora.documents.page_reader import open_document
from exora.documents.pages import read_pages
from exora.documents.pool import ChildPool
from exora.domain.document import Box, DocumentLimits, PageText
from exora.errors import (
    CorruptDocument,
    DocumentError,
    DocumentTooLarge,
    EmptyDocument,
    EncryptedDocument,
    NoPages,
    ProcessingLimit,
    UnsupportedFormat,
)
from tests.documents.reading import read_page

register_heif_opener()

LIMITS = DocumentLimits()
WIDTH, HEIGHT = letter
NOTE = "Lisinopril 20 mg daily for hypertension"
PROSE = "The patient was seen in clinic today and reports feeling well since the last visit"


@pytest.fixture
async def pool() -> AsyncIterator[ChildPool]:
    async with ChildPool(2) as opened:
        yield opened


async def read_all(
    pool: ChildPool,
    content: bytes,
    limits: DocumentLimits = LIMITS,
    on_page: Callable[[int, int], None] | None = None,
) -> Sequence[PageText]:
    return await read_pages(content, pool=pool, ocr=LocalOcr(), limits=limits, key="document", on_page=on_page)


def pdf(*draw: Callable[[Canvas], Any], **options: Any) -> bytes:
    """A PDF with one page for each function."""
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=letter, **options)
    for page in draw:
        canvas.setFont("Helvetica", 11)
        page(canvas)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def text(content: str, x: float = 72, y: float = 700) -> Callable[[Canvas], Any]:
    return lambda canvas: canvas.drawString(x, y, content)


def both(*draw: Callable[[Canvas], Any]) -> Callable[[Canvas], Any]:
    return lambda canvas: [page(canvas) for page in draw]


def blank(canvas: Canvas) -> None:
    """A page with nothing on it."""


def drawn(content: bytes, dpi: int = 200) -> Image.Image:
    """The first page of a PDF as a scanner would see it."""
    image: Image.Image = PdfDocument(content)[0].render(scale=dpi / 72).to_pil().convert("RGB")
    return image


def scan(*lines: str, dpi: int = 200) -> Image.Image:
    return drawn(pdf(both(*(text(line, y=700 - 30 * row) for row, line in enumerate(lines)))), dpi)


def placed(image: Image.Image, x: float, y: float, width: float, height: float) -> Callable[[Canvas], Any]:
    return lambda canvas: canvas.drawImage(ImageReader(image), x, y, width, height)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def read(content: bytes, number: int = 1, limits: DocumentLimits = LIMITS) -> PageText:
    return read_page(content, number, limits)


def box_of(page: PageText, word: str) -> Box:
    (found,) = [each for each in page.words if each.text == word]
    assert found.box is not None
    return found.box


def near(box: Iterable[float], expected: Iterable[float], tolerance: float = 0.005) -> bool:
    return all(abs(mine - theirs) <= tolerance for mine, theirs in zip(box, expected, strict=True))


# --- the text layer ---------------------------------------------------------------------------------


def test_words_of_a_text_layer_stand_where_they_were_drawn() -> None:
    page = read(pdf(text(NOTE, x=72, y=700)))
    assert (page.source, page.width, page.height, page.text) == ("text-layer", WIDTH, HEIGHT, NOTE)
    x0 = 72 + stringWidth("Lisinopril 20 mg daily for ", "Helvetica", 11)
    x1 = x0 + stringWidth("hypertension", "Helvetica", 11)
    # Helvetica's ascenders and descenders reach 0.72 and 0.21 of the size.
    expected = (x0 / WIDTH, 1 - (700 + 0.72 * 11) / HEIGHT, x1 / WIDTH, 1 - (700 - 0.21 * 11) / HEIGHT)
    assert near(box_of(page, "hypertension"), expected, 0.003)
    assert all(word.confidence == 1 for word in page.words)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_page_turned_by_its_rotate_entry_reads_upright(turn: int) -> None:
    def sideways(canvas: Canvas) -> None:
        """Drawn so that it stands upright in a viewer, which reportlab takes the page size to be of."""
        canvas.setPageRotation(turn)
        canvas.translate(*{90: (HEIGHT, 0), 180: (WIDTH, HEIGHT), 270: (0, WIDTH)}[turn])
        canvas.rotate(turn)
        canvas.drawString(100, 400, NOTE)

    page = read(pdf(sideways))
    assert (page.width, page.height, page.text) == (WIDTH, HEIGHT, NOTE)
    end = 100 + stringWidth("Lisinopril", "Helvetica", 11)
    expected = (100 / WIDTH, 1 - (400 + 0.72 * 11) / HEIGHT, end / WIDTH, 1 - (400 - 0.21 * 11) / HEIGHT)
    assert near(box_of(page, "Lisinopril"), expected, 0.004)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_text_that_stands_sideways_on_an_unturned_page_reads_upright(turn: int) -> None:
    def sideways(canvas: Canvas) -> None:
        canvas.translate(WIDTH / 2, HEIGHT / 2)
        canvas.rotate(turn)
        for row in range(6):
            canvas.drawString(-100, -20 * row, f"{NOTE} number {row}")

    page = read(pdf(sideways))
    assert [line.words[-1].text for line in page.lines] == list("012345")
    assert page.width == (WIDTH if turn == 180 else HEIGHT)


def test_boxes_are_fractions_of_the_cropped_page() -> None:
    def cropped(canvas: Canvas) -> None:
        canvas.setCropBox((50, 100, 450, 750))
        canvas.drawString(150, 425, "Lisinopril")
        canvas.drawString(500, 425, "outside")

    page = read(pdf(cropped))
    assert (page.width, page.height, page.text) == (400, 650, "Lisinopril")
    assert near(box_of(page, "Lisinopril")[:2], (100 / 400, 1 - (325 + 0.72 * 11) / 650))


def test_a_word_hyphenated_at_the_end_of_a_line_keeps_two_boxes() -> None:
    page = read(pdf(both(text("treated for hyper-", y=700), text("tension since 2019", y=686))))
    assert [[word.text for word in line.words] for line in page.lines] == [
        ["treated", "for", "hyper-"],
        ["tension", "since", "2019"],
    ]


def test_values_typed_into_a_form_are_read() -> None:
    def form(canvas: Canvas) -> None:
        canvas.drawString(72, 700, "Allergies:")
        canvas.acroForm.textfield(value="Penicillin", x=150, y=695, width=120, height=18, fontSize=10)

    page = read(pdf(form))
    assert page.text == "Allergies: Penicillin"
    assert near(box_of(page, "Penicillin")[:1], [152 / WIDTH])


# --- lines ------------------------------------------------------------------------------------------


def test_a_row_of_a_table_is_one_line_even_when_drawn_column_by_column() -> None:
    names, values, units = ["Sodium", "Potassium", "Glucose"], ["140", "4.1", "98"], ["mmol/L", "mmol/L", "mg/dL"]
    columns = [(72, names), (300, values), (500, units)]
    page = read(pdf(both(*(text(cell, x, 600 - 18 * row) for x, cells in columns for row, cell in enumerate(cells)))))
    assert page.text.splitlines() == ["Sodium 140 mmol/L", "Potassium 4.1 mmol/L", "Glucose 98 mg/dL"]


def test_two_columns_of_prose_are_read_one_after_the_other() -> None:
    half = PROSE[:45]
    rows = [
        each
        for row in range(12)
        for each in (text(f"L{row} {half}", 50, 600 - 14 * row), text(f"R{row} {half}", 330, 600 - 14 * row))
    ]
    page = read(
        pdf(both(text("Case report on the course of one illness over several years in one patient", 50, 650), *rows))
    )
    firsts = [line.words[0].text for line in page.lines]
    assert firsts == ["Case", *(f"L{row}" for row in range(12)), *(f"R{row}" for row in range(12))]


def test_names_and_values_side_by_side_stay_on_their_lines() -> None:
    rows = [
        each
        for row in range(12)
        for each in (text(f"Left{row}: value", 50, 600 - 14 * row), text(f"Right{row}: value", 330, 600 - 14 * row))
    ]
    page = read(pdf(both(*rows)))
    assert page.text.splitlines() == [f"Left{row}: value Right{row}: value" for row in range(12)]


# --- when the text layer is not what is printed -----------------------------------------------------


def test_a_blank_page_has_no_words_and_costs_no_recognition() -> None:
    page = read(pdf(blank))
    assert (page.words, page.width, page.height, page.engine.split()[0]) == ((), WIDTH, HEIGHT, "pdfium")


def test_a_scanned_page_is_recognized() -> None:
    page = read(pdf(placed(scan(NOTE, PROSE), 0, 0, WIDTH, HEIGHT)))
    assert page.source == "ocr"
    assert page.text.splitlines() == [NOTE, PROSE]
    assert (page.width, page.height) == (WIDTH, HEIGHT)


def test_a_fax_header_over_a_scan_does_not_hide_the_scan() -> None:
    page = read(pdf(both(placed(scan(NOTE, PROSE), 0, 0, WIDTH, HEIGHT), text("FAX FROM CLINIC PAGE 1/3", 72, 770))))
    assert page.text.splitlines() == ["FAX FROM CLINIC PAGE 1/3", NOTE, PROSE]
    assert page.words[0].confidence == 1


def test_a_picture_of_text_inside_a_digital_page_is_read_too() -> None:
    insert = scan(NOTE).crop((150, 150, 1100, 500))
    page = read(pdf(both(text(PROSE, 72, 740), placed(insert, 72, 300, 950 * 0.36, 350 * 0.36))))
    assert page.text.splitlines() == [PROSE, NOTE]
    assert page.source == "text-layer" or len(PROSE.split()) <= len(NOTE.split())


def test_a_font_without_unicode_is_recognized_from_its_shapes() -> None:
    garbled = "".join(chr(ord(char) - 29) if char.isalpha() else char for char in PROSE)
    assert "patient" not in garbled
    layer = [lambda canvas: canvas._code.append("3 Tr"), *(text(garbled, 72, 700 - 14 * row) for row in range(4))]
    page = read(pdf(both(placed(scan(PROSE), 0, 0, WIDTH, HEIGHT), *layer)))
    assert (page.source, page.text) == ("ocr", PROSE)


def test_a_good_scanner_layer_is_used_and_trusted_less_than_print() -> None:
    lines = [(f"{PROSE} visit {row}", 700 - 14 * row) for row in range(45)]
    image = drawn(pdf(both(*(text(line, 72, y) for line, y in lines))), 100)
    layer = [lambda canvas: canvas._code.append("3 Tr"), *(text(line, 72, y) for line, y in lines)]
    page = read(pdf(both(placed(image, 0, 0, WIDTH, HEIGHT), *layer)))
    assert (page.source, page.text.splitlines()[44]) == ("text-layer", lines[44][0])
    assert page.confidence == pytest.approx(0.9)


def test_text_that_nobody_can_see_is_not_read() -> None:
    hidden = both(lambda canvas: canvas._code.append("3 Tr"), text("Allergic to penicillin", 72, 700))
    shown = both(lambda canvas: canvas._code.append("0 Tr"), lambda canvas: canvas.rect(72, 100, 50, 50, fill=1))
    page = read(pdf(both(hidden, shown)))
    assert "penicillin" not in page.text


# --- what cannot be read ----------------------------------------------------------------------------


def zero_pages() -> bytes:
    file = io.BytesIO()
    PdfDocument.new().save(file)
    return file.getvalue()


def cut(content: bytes) -> bytes:
    return content[: len(content) * 6 // 10]


TINY = DocumentLimits(max_pages=2, max_page_megapixels=0.01, max_bytes=100_000)


@pytest.mark.parametrize(
    ("content", "limits", "expected"),
    [
        (b"", LIMITS, EmptyDocument),
        (b"<html><body>seen today</body></html>", LIMITS, UnsupportedFormat),
        (zero_pages(), LIMITS, NoPages),
        (pdf(text(NOTE))[:300], LIMITS, CorruptDocument),
        (b"%PDF-1.7\n" + bytes(1000), LIMITS, CorruptDocument),
        (pdf(text(NOTE), encrypt=StandardEncryption("secret")), LIMITS, EncryptedDocument),
        (cut(saved(scan(NOTE, dpi=50), "JPEG")), LIMITS, CorruptDocument),
        (cut(saved(scan(NOTE, dpi=50), "PNG")), LIMITS, CorruptDocument),
        (cut(saved(scan(NOTE, dpi=50), "HEIF")), LIMITS, CorruptDocument),
        (cut(saved(scan(NOTE, dpi=50), "WEBP")), LIMITS, CorruptDocument),
        (cut(saved(scan(NOTE, dpi=50), "TIFF")), LIMITS, CorruptDocument),
        (saved(scan(NOTE, dpi=50), "PNG"), TINY, DocumentTooLarge),
        (pdf(blank, blank, blank), TINY, DocumentTooLarge),
        (pdf(blank) + bytes(100_000), TINY, DocumentTooLarge),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
async def test_a_document_that_cannot_be_read_says_why(
    pool: ChildPool, content: bytes, limits: DocumentLimits, expected: type[DocumentError]
) -> None:
    with pytest.raises(DocumentError) as refusal:
        await read_all(pool, content, limits)
    assert type(refusal.value) is expected
    assert refusal.value.remedy


def test_encryption_with_an_empty_password_is_no_obstacle() -> None:
    assert read(pdf(text(NOTE), encrypt=StandardEncryption("", ownerPassword="owner"))).text == NOTE


def test_a_tiff_whose_frames_form_a_circle_is_counted_to_the_limit() -> None:
    frame = scan(NOTE, dpi=20)
    content = bytearray(saved(frame, "TIFF", save_all=True, append_images=[frame]))
    first = int.from_bytes(content[4:8], "little")
    entries = int.from_bytes(content[first : first + 2], "little")
    link = first + 2 + 12 * entries
    second = int.from_bytes(content[link : link + 4], "little")
    link = second + 2 + 12 * int.from_bytes(content[second : second + 2], "little")
    content[link : link + 4] = first.to_bytes(4, "little")
    assert open_document(bytes(content), LIMITS).pages == 2


def test_a_huge_page_is_drawn_small_rather_than_refused() -> None:
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=(14400, 14400))
    canvas.setFont("Helvetica", 600)
    image = Image.new("L", (100, 20), "white")
    image.paste(0, (10, 5, 60, 15))
    canvas.drawImage(ImageReader(image), 0, 0, 14400, 14400)
    canvas.save()
    page = read(file.getvalue(), limits=DocumentLimits(max_page_megapixels=1))
    assert (page.width, page.height, page.source) == (14400, 14400, "ocr")


# --- whole documents through the pool ---------------------------------------------------------------


async def test_pages_come_in_order_and_progress_is_told(pool: ChildPool) -> None:
    content = pdf(*(text(f"{NOTE} page {number}") for number in range(1, 31)))
    progress: list[tuple[int, int]] = []
    pages = await read_all(pool, content, on_page=lambda done, total: progress.append((done, total)))
    assert [(page.number, page.words[-1].text) for page in pages] == [(n, str(n)) for n in range(1, 31)]
    assert progress == [(done, 30) for done in range(1, 31)]


def with_broken_frames(*numbers: int) -> bytes:
    """A TIFF of three frames, the compressed pixels of some of which are noise."""
    frames = [scan(f"{NOTE} {name}", dpi=100).convert("L") for name in ("first", "second", "third")]
    content = bytearray(saved(frames[0], "TIFF", save_all=True, append_images=frames[1:], compression="tiff_deflate"))
    with Image.open(io.BytesIO(bytes(content))) as image:
        assert isinstance(image, TiffImageFile)
        for number in numbers:
            image.seek(number - 1)
            start = image.tag_v2[STRIPOFFSETS][0]
            content[start : start + 40] = b"\xff" * 40
    return bytes(content)


async def test_one_bad_page_does_not_cost_the_document(pool: ChildPool) -> None:
    pages = await read_all(pool, with_broken_frames(2))
    assert [page.warnings for page in pages] == [(), ("page 2 could not be read: document_corrupt",), ()]
    assert [len(page.words) > 5 for page in pages] == [True, False, True]


async def test_a_document_without_one_good_page_fails(pool: ChildPool) -> None:
    with pytest.raises(CorruptDocument):
        await read_all(pool, with_broken_frames(1, 2, 3))


async def test_pages_that_take_too_long_end_as_a_limit(pool: ChildPool) -> None:
    content = pdf(*(placed(scan(NOTE, PROSE), 0, 0, WIDTH, HEIGHT) for _ in range(3)))
    await read_all(pool, pdf(text(NOTE)))
    with pytest.raises(ProcessingLimit):
        await read_pages(content, pool=pool, ocr=LocalOcr(), limits=DocumentLimits(page_wall_s=0.1), key="document")
