"""Decodes one frame of an image file, within limits, upright and in grey."""

from __future__ import annotations

import contextlib
import io
import math
import warnings
from collections.abc import Iterator
from typing import NamedTuple

import pi_heif
from PIL import Image, ImageOps, UnidentifiedImageError

from exora.documents.sniff import Format
from exora.domain.document import DocumentLimits
from exora.errors import CorruptDocument, DocumentTooLarge, ExoraError

ENGINE = "pillow"

#: An image may be decoded at this many times the page limit, because phones take 108-megapixel photos
#: of one page; it is scaled down to the limit at once.
_DECODE_FACTOR = 4
#: A resolution outside these bounds is a camera's or an editor's default, not a measurement.
_CREDIBLE_DPI = (100, 1200)
_MULTIPLE = frozenset({Format.TIFF, Format.GIF, Format.WEBP, Format.HEIF})

pi_heif.register_heif_opener(thumbnails=False)


class _Held(NamedTuple):
    content: bytes
    image: Image.Image


_held: _Held | None = None


def count_frames(content: bytes, kind: Format, limits: DocumentLimits) -> int:
    """The number of frames, each of which is a page.

    Raises:
        CorruptDocument: the file does not open, or the chain of its frames is broken.
        DocumentTooLarge: it has too many frames, or its first frame too many pixels.
    """
    with _typed_errors():
        image = _open(content, kind, limits)
        if kind not in _MULTIPLE:
            return 1
        frames = 1
        # Walked one by one: a hostile TIFF can declare an endless chain, which `n_frames` would follow.
        with contextlib.suppress(EOFError):
            while frames <= limits.max_pages:
                image.seek(frames)
                frames += 1
        return frames


class Frame(NamedTuple):
    """One frame, upright by what the file says of it.

    Attributes:
        grey: its pixels, reduced to the limit.
        width, height: of the frame as stored, upright.
        dpi: pixels per inch of ``grey``, None when unknown.
    """

    grey: Image.Image
    width: int
    height: int
    dpi: int | None


def decode_frame(content: bytes, kind: Format, number: int, limits: DocumentLimits) -> Frame:
    """Decode one frame.

    Args:
        content: the whole document.
        kind: its format, as sniffed.
        number: the frame, from 1.
        limits: bounds the pixels decoded and kept.

    Raises:
        CorruptDocument: the frame cannot be decoded.
        DocumentTooLarge: it has too many pixels.
    """
    with _typed_errors():
        image = _open(content, kind, limits)
        if number > 1 or image.tell() != 0:
            image.seek(number - 1)
        _check_size(image, limits)
        width, height = image.size
        dpi = _dpi(image)
        if kind is Format.JPEG:
            # Decodes at a half, quarter or eighth where that still leaves as many pixels as wanted.
            image.draft("L", _fitting(width, height, limits))
        grey = _grey(ImageOps.exif_transpose(image))
    if (grey.width > grey.height) != (width > height):
        width, height = height, width
    fitting = _fitting(grey.width, grey.height, limits)
    if fitting != grey.size:
        grey = grey.resize(fitting, Image.Resampling.BOX, reducing_gap=2.0)
    if dpi is not None:
        dpi = round(dpi * grey.width / width)
    return Frame(grey, width, height, dpi)


@contextlib.contextmanager
def _typed_errors() -> Iterator[None]:
    """What Pillow raises, as Exora's errors without its messages."""
    try:
        with warnings.catch_warnings():
            # Warnings about odd metadata are no reason to lose a page; those about size never get this far.
            warnings.simplefilter("ignore")
            yield
    except (ExoraError, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise DocumentTooLarge("an image of the document has too many pixels") from None
    except UnidentifiedImageError:
        raise CorruptDocument("the document is no readable image") from None
    except Exception as error:
        raise CorruptDocument(f"an image of the document is damaged ({type(error).__name__})") from None


def _open(content: bytes, kind: Format, limits: DocumentLimits) -> Image.Image:
    """The opened image; a multi-frame one stays open, as its frames come in a row."""
    global _held
    if _held is not None and _held.content is content:
        return _held.image
    if _held is not None:
        _held.image.close()
        _held = None
    Image.MAX_IMAGE_PIXELS = round(limits.max_page_megapixels * 1e6 * _DECODE_FACTOR)
    image = Image.open(io.BytesIO(content), formats=[kind.value])
    _check_size(image, limits)
    if kind in _MULTIPLE:
        _held = _Held(content, image)
    return image


def _check_size(image: Image.Image, limits: DocumentLimits) -> None:
    if image.width * image.height > limits.max_page_megapixels * 1e6 * _DECODE_FACTOR:
        raise DocumentTooLarge("an image of the document has too many pixels")
    if image.width < 1 or image.height < 1:
        raise CorruptDocument("an image of the document has no size")


def _fitting(width: int, height: int, limits: DocumentLimits) -> tuple[int, int]:
    """The size, at most as given, that keeps within the page limit."""
    scale = math.sqrt(limits.max_page_megapixels * 1e6 / (width * height))
    return (width, height) if scale >= 1 else (max(int(width * scale), 1), max(int(height * scale), 1))


def _dpi(image: Image.Image) -> int | None:
    """The resolution the file declares, if it is a scanner's."""
    try:
        across, down = (float(value) for value in image.info.get("dpi", ()))
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    low, high = _CREDIBLE_DPI
    return round(across) if low <= across <= high and abs(across - down) < 1 else None


def _grey(image: Image.Image) -> Image.Image:
    """Eight-bit grey, transparency on white."""
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa"):
        opaque = image.convert("RGBA")
        paper = Image.new("RGBA", opaque.size, "white")
        return Image.alpha_composite(paper, opaque).convert("L")
    if image.mode.startswith(("I", "F")):
        return _stretched(image)
    if image.mode == "LAB":
        return image.getchannel(0)
    if image.mode == "L":
        return image
    return image.convert("L") if image.mode in ("1", "RGB", "P", "YCbCr") else image.convert("RGB").convert("L")


def _stretched(image: Image.Image) -> Image.Image:
    """Samples of more than eight bits, their own range spread over that of grey: 12-bit data fill 16 bits sparsely."""
    wide = image.convert("F")
    darkest, lightest = wide.getextrema()
    assert isinstance(darkest, float)
    assert isinstance(lightest, float)
    if not lightest - darkest > 0:
        return Image.new("L", image.size)
    scale = 255 / (lightest - darkest)
    return wide.point(lambda value: value * scale - darkest * scale).convert("L")
