"""Hostile and odd files end in pages or a typed error, one file after another in the same processes."""

from __future__ import annotations

import io
import struct
import time
import zlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from pypdfium2 import PdfDocument, PdfiumError

from exora.documents.ocr.local import LocalOcr
from exora.documents.pages import read_pages
from exora.documents.pool import ChildPool
from exora.domain.document import DocumentLimits, PageText
from exora.errors import DocumentError, DocumentTooLarge, ProcessingLimit
from tests.documents.test_pages import NOTE, pdf, text

LIMITS = DocumentLimits()
FOLDER = Path(__file__).parents[1] / "data" / "bad-files"
OUTCOMES = dict(line.split("\t") for line in (FOLDER / "outcomes.tsv").read_text().splitlines())


@pytest.fixture
async def pool() -> AsyncIterator[ChildPool]:
    async with ChildPool(1) as opened:
        yield opened


async def read(pool: ChildPool, content: bytes, limits: DocumentLimits = LIMITS) -> Sequence[PageText]:
    return await read_pages(content, pool=pool, ocr=LocalOcr(), limits=limits, key="document")


async def outcome(pool: ChildPool, content: bytes, limits: DocumentLimits = LIMITS) -> str:
    """What a document ends in; anything but pages or a document's error fails the test."""
    try:
        return f"pages {len(await read(pool, content, limits))}"
    except DocumentError as refusal:
        return refusal.code if refusal.remedy else f"{refusal.code} without a remedy"


async def test_every_bad_file_ends_in_pages_or_a_typed_error(pool: ChildPool) -> None:
    outcomes = {name: await outcome(pool, (FOLDER / name).read_bytes()) for name in OUTCOMES}
    assert outcomes == OUTCOMES


async def test_a_damaged_pdf_is_repaired_once_and_says_so(pool: ChildPool) -> None:
    content = (FOLDER / "qpdf" / "bad35.pdf").read_bytes()
    with pytest.raises(PdfiumError):
        PdfDocument(content)
    (page,) = await read(pool, content)
    assert page.text == "Potato"
    assert page.warnings == ("the document was damaged and has been repaired; parts of it may be missing",)


async def test_attached_files_are_told_and_not_read(pool: ChildPool) -> None:
    document, file = PdfDocument(pdf(text(NOTE))), io.BytesIO()
    document.new_attachment("x.exe").set_data(b"MZ")
    document.save(file)
    (page,) = await read(pool, file.getvalue())
    assert page.warnings == ("the document has attached files, which were not read: 1",)


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that unpacks to white in any size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    squeezer = zlib.compressobj(9)
    row = b"\x00" + b"\xff" * ((width + 7) // 8)
    pixels = b"".join(squeezer.compress(row * 100) for _ in range(height // 100)) + squeezer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


async def test_a_decompression_bomb_is_refused_by_its_size(pool: ChildPool) -> None:
    content = bomb(40_000, 40_000)
    assert len(content) < 1_000_000
    with pytest.raises(DocumentTooLarge):
        await read(pool, content)


async def test_pages_beyond_the_address_space_end_as_a_limit_and_the_next_document_is_read(pool: ChildPool) -> None:
    async with ChildPool(1, address_space_bytes=400 * 1024 * 1024) as small:
        huge = DocumentLimits(max_page_megapixels=400)
        with pytest.raises(ProcessingLimit):
            await read(small, bomb(30_000, 20_000), huge)
        assert (await read(small, pdf(text(NOTE))))[0].text == NOTE


def endless_form() -> bytes:
    """A page whose content draws a form that draws itself, many times over."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 600]/Resources<</XObject<</A 5 0 R>>>>/Contents 4 0 R>>",
        b"<</Length 500000>>\nstream\n" + b"/A Do " * 80_000 + b" " * 20_000 + b"\nendstream",
        b"<</Type/XObject/Subtype/Form/BBox[0 0 600 600]/Resources<</XObject<</A 5 0 R>>>>/Length 60>>\nstream\n"
        + b"/A Do " * 10
        + b"\nendstream",
    ]
    file = b"%PDF-1.7\n" + b"".join(b"%d 0 obj\n%s\nendobj\n" % (at, body) for at, body in enumerate(objects, 1))
    return file + b"trailer<</Root 1 0 R/Size 6>>\n%%EOF"


async def test_work_without_end_is_stopped_by_its_seconds(pool: ChildPool) -> None:
    await read(pool, pdf(text(NOTE)))
    started = time.monotonic()
    ended = await outcome(pool, endless_form(), DocumentLimits(page_cpu_s=2, page_wall_s=20))
    assert ended in ("pages 1", ProcessingLimit.code)
    assert time.monotonic() - started < 60
    assert (await read(pool, pdf(text(NOTE))))[0].text == NOTE
