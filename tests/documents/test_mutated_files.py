"""Damaged files of every format: whatever a decoder makes of them, it stays within its limits and answers again."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from pillow_heif import register_heif_opener
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from exora.documents.page_reader import open_document, prepare_page
from exora.documents.pool import ChildPool
from exora.domain.document import DocumentLimits
from exora.errors import DocumentError
from tests.documents.word_files import docx, paragraph, table

register_heif_opener()

LIMITS = DocumentLimits(page_cpu_s=4, page_wall_s=8, max_pages=20, max_page_megapixels=4, max_unpacked_bytes=10_000_000)
ADDRESS_SPACE = 1024**3
#: The kernel and the pool need a moment to end a process that is over its limit.
GRACE_S = 4.0
#: Sizes, counts and offsets that decoders trip over, as they stand in files.
EDGES = [
    b"\x00" * 4,
    b"\xff" * 4,
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\x00\x00\xff\xff",
    b"999999999",
    b"-1",
    b"<<",
]


def picture(mode: str = "L") -> Image.Image:
    image = Image.new("L", (320, 240), 255)
    draw = ImageDraw.Draw(image)
    for row in range(6):
        draw.text((10, 20 + 30 * row), f"Sodium 14{row} mmol/L", fill=0)
    return image.convert(mode)


def saved(kind: str, mode: str = "L", **options: Any) -> bytes:
    file = io.BytesIO()
    picture(mode).save(file, kind, **options)
    return file.getvalue()


def pdf() -> bytes:
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=(400, 300), invariant=True)
    canvas.drawString(20, 250, "Lisinopril 20 mg by mouth once daily")
    canvas.acroForm.textfield(value="Penicillin", x=20, y=200, width=120, height=18)
    canvas.showPage()
    canvas.drawImage(ImageReader(picture()), 0, 0, 400, 300)
    canvas.showPage()
    canvas.save()
    return file.getvalue()


WHOLE: dict[str, Callable[[], bytes]] = {
    "PDF": pdf,
    "JPEG": lambda: saved("JPEG", progressive=True),
    "PNG": lambda: saved("PNG"),
    "TIFF": lambda: saved("TIFF", save_all=True, append_images=[picture()], compression="tiff_lzw"),
    "TIFF G4": lambda: saved("TIFF", "1", compression="group4"),
    "GIF": lambda: saved("GIF", save_all=True, append_images=[picture().rotate(90)]),
    "WEBP": lambda: saved("WEBP"),
    "HEIF": lambda: saved("HEIF"),
    "BMP": lambda: saved("BMP"),
    "DOCX": lambda: docx(paragraph("Seen today"), table(("Sodium", "140", "mmol/L"))),
    "C-CDA": lambda: (Path(__file__).parents[1] / "data" / "summary.ccda.xml").read_bytes(),
}


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """A file with bytes changed, taken out, doubled or cut off; its first bytes still say what it is."""
    content = bytearray(whole)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(8, max(len(content) - 1, 8)))
        match draw(st.sampled_from(["change", "edge", "remove", "double", "cut"])):
            case "change":
                content[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case "edge":
                edge = draw(st.sampled_from(EDGES))
                content[at : at + len(edge)] = edge
            case "remove":
                del content[at : at + draw(st.integers(1, 64))]
            case "double":
                content[at:at] = content[at : at + draw(st.integers(1, 256))] * draw(st.integers(1, 20))
            case _:
                del content[max(at, len(content) // 2) :]
    return bytes(content)


@pytest.fixture(scope="module")
def reads() -> Iterator[Callable[[bytes], list[float]]]:
    """Reads a document's first pages without recognition, as a worker would; returns the seconds of each call."""
    loop = asyncio.new_event_loop()
    pool = ChildPool(1, address_space_bytes=ADDRESS_SPACE)
    loop.run_until_complete(pool.start())

    async def timed(function: Callable[..., object], *arguments: object) -> float:
        started = time.monotonic()
        await pool.run(function, *arguments, key="file", cpu_s=LIMITS.page_cpu_s, wall_s=LIMITS.page_wall_s)
        return time.monotonic() - started

    async def read(content: bytes) -> list[float]:
        plan = await pool.run(
            open_document, content, LIMITS, key="file", cpu_s=LIMITS.page_cpu_s, wall_s=LIMITS.page_wall_s
        )
        return [await timed(prepare_page, content, number, LIMITS) for number in range(1, min(plan.pages, 3) + 1)]

    yield lambda content: loop.run_until_complete(read(content))
    loop.run_until_complete(pool.close())
    loop.close()


@pytest.mark.parametrize("kind", WHOLE)
def test_a_damaged_file_ends_in_pages_or_a_typed_error_in_time(
    kind: str, reads: Callable[[bytes], list[float]]
) -> None:
    whole = WHOLE[kind]()
    assert reads(whole)

    def outcome(content: bytes) -> str:
        try:
            return f"{len(reads(content))} pages"
        except DocumentError as refusal:
            return refusal.remedy

    @settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(damaged(whole))
    def check(content: bytes) -> None:
        started = time.monotonic()
        assert outcome(content)
        assert time.monotonic() - started < 4 * (LIMITS.page_wall_s + GRACE_S)

    check()
