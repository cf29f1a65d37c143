"""Turns PDF pages into poor scans and reads them back, in this process."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator

import pypdfium2 as pdfium
from PIL import Image, ImageChops, ImageFilter

from exora.documents.ocr.tesseract import shared_engine
from exora.documents.packed import pack
from exora.documents.page_reader import PreparedPage, finish_page
from exora.domain.document import PageText

_DPI = 200


def scans(content: bytes, seed: str) -> Iterator[Image.Image]:
    """Each page as an office scanner gives it: askew, a little soft and noisy, pressed by JPEG."""
    chance = random.Random(seed)  # noqa: S311 - noise, not a secret
    document = pdfium.PdfDocument(content)
    for page in document:
        image = page.render(scale=_DPI / 72, grayscale=True).to_pil().convert("L")
        image = image.rotate(chance.uniform(-1.2, 1.2), Image.Resampling.BICUBIC, fillcolor=250)
        image = image.filter(ImageFilter.GaussianBlur(chance.uniform(0.4, 0.8)))
        noise = Image.effect_noise(image.size, chance.uniform(10, 22))
        image = ImageChops.add(image, noise, scale=1.0, offset=-128)
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=chance.choice((35, 45, 60)))
        yield Image.open(io.BytesIO(buffer.getvalue())).convert("L")


def read_scans(content: bytes, seed: str) -> list[PageText]:
    """The pages of a PDF as recognized from poor scans of them."""
    pages = []
    for number, image in enumerate(scans(content, seed), start=1):
        empty = PageText(number, float(image.width), float(image.height), (), "ocr", "none")
        pages.append(finish_page(PreparedPage(pack(empty)), shared_engine().recognize(image, _DPI)).unpacked())
    return pages
