"""Medical reports as scans with known text: drawn cleanly, or degraded as offices and faxes do."""

from __future__ import annotations

import csv
import io
import random
import re
import textwrap
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter
from pypdfium2 import PdfDocument
from reportlab.lib.pagesizes import letter
from reportlab.pdfgen.canvas import Canvas

from quality.registry import Run

#: Pages of a long document.
PAGES = 20
FONTS = ("Helvetica", "Times-Roman", "Courier")
_LINES = 54
_LINE_CHARACTERS = 88


@dataclass(frozen=True)
class Rendering:
    """A page as a digital PDF, and the lines on it."""

    pdf: bytes
    lines: tuple[str, ...]


def wrapped(report: str) -> list[str]:
    """The lines of a report as wide as a page, runs of blanks collapsed."""
    # The reports lost their line breaks: a comma stands where one was.
    restored = re.sub(r"(?<=[.:]) *,\s*|,(?=[A-Z]{3})", "\n", report)
    lines = [line for part in restored.splitlines() for line in textwrap.wrap(part, _LINE_CHARACTERS)]
    return [" ".join(line.split()) for line in lines]


def render(report: str, number: int) -> Rendering:
    """The first page of a report, in the font whose turn it is."""
    lines = tuple(wrapped(report))[:_LINES]
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=letter, invariant=True)
    canvas.setFont(FONTS[number % len(FONTS)], 10)
    for row, line in enumerate(lines):
        canvas.drawString(54, 740 - 13 * row, line)
    canvas.save()
    return Rendering(file.getvalue(), lines)


def long_document(run: Run, number: int) -> bytes:
    """A digital PDF of twenty pages of report text, different for each number."""
    with (run.folder("mtsamples") / "mtsamples.csv").open(encoding="utf-8") as file:
        reports = [row["transcription"] for row in csv.DictReader(file) if row["transcription"]]
    lines = [line for report in reports[number:] for line in wrapped(report)][: 50 * PAGES]
    content = io.BytesIO()
    canvas = Canvas(content, pagesize=letter, invariant=True)
    for page in range(PAGES):
        canvas.setFont("Helvetica", 10)
        for row, line in enumerate(lines[50 * page : 50 * (page + 1)]):
            canvas.drawString(54, 740 - 13 * row, line)
        canvas.drawString(54, 40, f"document {number} page {page + 1}")
        canvas.showPage()
    canvas.save()
    return content.getvalue()


def scan(rendering: Rendering, dpi: int) -> Image.Image:
    """The page in grey as a flawless scanner sees it."""
    image: Image.Image = PdfDocument(rendering.pdf)[0].render(scale=dpi / 72, grayscale=True).to_pil()
    return image


def png(image: Image.Image, dpi: int) -> bytes:
    """The image as a PNG file that says its resolution."""
    file = io.BytesIO()
    image.save(file, "PNG", dpi=(dpi, dpi), compress_level=1)
    return file.getvalue()


def degraded(rendering: Rendering, seed: int) -> bytes:
    """The page at 200 dpi, skewed by up to 1.5 degrees, blurred, noisy, of low contrast, as a JPEG of quality 35."""
    chance = random.Random(seed)  # noqa: S311 - reproducible damage, no secret
    image = scan(rendering, 200)
    image = image.rotate(chance.uniform(-1.5, 1.5), Image.Resampling.BICUBIC, fillcolor=255)
    image = image.filter(ImageFilter.GaussianBlur(chance.uniform(0.4, 0.8)))
    noise = np.random.default_rng(seed).normal(0, chance.uniform(6, 12), (image.height, image.width))
    paper, ink = chance.randint(215, 240), chance.randint(50, 80)
    levels = ink + np.asarray(image, np.float64) / 255 * (paper - ink) + noise
    file = io.BytesIO()
    Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=35, dpi=(200, 200))
    return file.getvalue()
