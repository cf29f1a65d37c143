"""Turn clean PDF pages into what scanners, faxes and phones make of them, from fixed seeds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from io import BytesIO

import numpy as np
import pillow_heif
import pypdfium2 as pdfium
from PIL import Image, ImageFilter

_WHEN = time.struct_time((2026, 1, 5, 9, 0, 0, 0, 5, 0))
_POINTS_PER_INCH = 72
#: Sides of a desk photo that show around the sheet, as a fraction of the sheet's width.
_MARGIN = 0.04

pillow_heif.register_heif_opener()


def rasterize(pdf: bytes, dpi: int) -> list[Image.Image]:
    """Every page as a grey image at ``dpi`` dots per inch."""
    document = pdfium.PdfDocument(pdf)
    try:
        return [page.render(scale=dpi / _POINTS_PER_INCH, grayscale=True).to_pil().convert("L") for page in document]
    finally:
        document.close()


def scanned_pdf(pdf: bytes, *, seed: int, skew: Sequence[float], dpi: int = 200, quality: int = 45) -> bytes:
    """A PDF of JPEG images only: each page turned by its ``skew`` (degrees), blurred, noisy and grey."""
    rng = np.random.default_rng(seed)
    pages = [_scan(page, angle, rng) for page, angle in zip(rasterize(pdf, dpi), skew, strict=True)]
    out = BytesIO()
    pages[0].save(
        out,
        "PDF",
        save_all=True,
        append_images=pages[1:],
        resolution=dpi,
        quality=quality,
        creationDate=_WHEN,
        modDate=_WHEN,
        producer="Flatbed scanner",
    )
    return out.getvalue()


def _scan(page: Image.Image, angle: float, rng: np.random.Generator) -> Image.Image:
    turned = page.rotate(angle, Image.Resampling.BICUBIC, fillcolor=255).filter(ImageFilter.GaussianBlur(0.7))
    pixels = np.asarray(turned, dtype=np.float64)
    # Paper is not white, ink not black, and the lid leaves a shade along one edge.
    pixels = 28 + pixels * (236 - 28) / 255
    shade = np.clip((np.arange(page.width) - page.width * 0.93) / (page.width * 0.07), 0, 1) * 22
    pixels = pixels - shade[None, :] + rng.normal(0, 5, pixels.shape)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def fax_tiff(pdf: bytes, *, seed: int, skew: Sequence[float]) -> bytes:
    """A TIFF of 1-bit pages at 204 x 196 dpi (fine fax), G4, with specks and broken strokes."""
    rng = np.random.default_rng(seed)
    frames: list[Image.Image] = []
    for page, angle in zip(rasterize(pdf, 204), skew, strict=True):
        sized = page.resize((page.width, round(page.height * 196 / 204)), Image.Resampling.LANCZOS)
        pixels = np.asarray(sized.rotate(angle, Image.Resampling.BICUBIC, fillcolor=255), dtype=np.float64)
        pixels = pixels + rng.normal(0, 24, pixels.shape)
        bits = pixels > 150
        specks = rng.random(bits.shape) < 0.00025
        frames.append(Image.fromarray(np.where(bits & ~specks, 255, 0).astype(np.uint8)).convert("1"))
    out = BytesIO()
    frames[0].save(
        out, "TIFF", save_all=True, append_images=frames[1:], compression="group4", dpi=(204, 196), software="Fax"
    )
    return out.getvalue()


def grey_tiff(pdf: bytes, *, seed: int, skew: Sequence[float], dpi: int = 150) -> bytes:
    """A TIFF of grey pages in 16 levels, LZW, as a document scanner's archive stores them."""
    rng = np.random.default_rng(seed)
    frames = []
    for page, angle in zip(rasterize(pdf, dpi), skew, strict=True):
        pixels = np.asarray(page.rotate(angle, Image.Resampling.BICUBIC, fillcolor=255), dtype=np.float32)
        pixels = np.clip(pixels + rng.normal(0, 3, pixels.shape), 0, 255)
        frames.append(Image.fromarray((np.round(pixels / 17) * 17).astype(np.uint8)))
    out = BytesIO()
    frames[0].save(out, "TIFF", save_all=True, append_images=frames[1:], compression="tiff_lzw", dpi=(dpi, dpi))
    return out.getvalue()


def photo(pdf: bytes, *, seed: int, corners: Sequence[tuple[float, float]], dpi: int = 200) -> Image.Image:
    """The first page as a phone sees it lying on a desk.

    Args:
        pdf: the clean document.
        seed: of the noise and the light.
        corners: how far each corner of the sheet (top left, top right, bottom right, bottom left) is
            moved, as fractions of the sheet's width.
        dpi: of the sheet before it is bent.
    """
    rng = np.random.default_rng(seed)
    sheet = rasterize(pdf, dpi)[0].convert("RGB")
    margin = round(sheet.width * _MARGIN)
    size = (sheet.width + 2 * margin, sheet.height + 2 * margin)
    targets = [
        (x + dx * sheet.width + margin, y + dy * sheet.width + margin)
        for (x, y), (dx, dy) in zip(_corners_of(sheet.size), corners, strict=True)
    ]
    coefficients = _perspective(targets, _corners_of(sheet.size))
    bent = sheet.transform(size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC, fillcolor=None)
    inside = Image.new("L", sheet.size, 255).transform(size, Image.Transform.PERSPECTIVE, coefficients)
    desk = Image.new("RGB", size, (112, 88, 66))
    whole = Image.composite(bent, desk, inside).filter(ImageFilter.GaussianBlur(0.8))
    return _light(whole, rng)


def _light(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A lamp above the upper left, a warm cast, and the noise of a small sensor."""
    height, width = image.height, image.width
    ys, xs = np.mgrid[0:height, 0:width]
    distance = np.hypot(xs / width - 0.3, ys / height - 0.2)
    light = (1.0 - 0.33 * distance)[..., None] * np.array([0.97, 0.95, 0.88])
    pixels = np.asarray(image, dtype=np.float32) * light + rng.normal(0, 3.5, (height, width, 1))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _corners_of(size: tuple[int, int]) -> list[tuple[float, float]]:
    width, height = size
    return [(0, 0), (width, 0), (width, height), (0, height)]


def _perspective(seen: Sequence[tuple[float, float]], flat: Sequence[tuple[float, float]]) -> list[float]:
    """The eight numbers of Pillow's perspective transform that take the seen corners to the flat ones."""
    rows: list[list[float]] = []
    for (x, y), (u, v) in zip(seen, flat, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    wanted = [number for corner in flat for number in corner]
    solution: list[float] = np.linalg.solve(np.array(rows), np.array(wanted)).tolist()
    return solution


def as_jpeg(image: Image.Image, quality: int = 72) -> bytes:
    """JPEG with 4:2:0 color, as a phone stores it."""
    out = BytesIO()
    image.save(out, "JPEG", quality=quality, subsampling=2, dpi=(200, 200))
    return out.getvalue()


def as_webp(image: Image.Image, quality: int = 60) -> bytes:
    """WebP, lossy."""
    out = BytesIO()
    image.save(out, "WEBP", quality=quality, method=4)
    return out.getvalue()


def as_heic(image: Image.Image, quality: int = 45) -> bytes:
    """HEIC, lossy."""
    out = BytesIO()
    image.save(out, "HEIF", quality=quality)
    return out.getvalue()
