"""Reads one page of any document, in a child process: all that touches hostile bytes with native code."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, replace

from PIL import Image

from exora.documents.lines import printed_lines
from exora.documents.ocr.port import OcrResult, Picture
from exora.documents.packed import PackedPage, pack
from exora.documents.sniff import Format, sniff
from exora.domain.document import Box, DocumentLimits, Line, PageText
from exora.errors import DocumentTooLarge, NoPages, UnsupportedFormat

#: Words an OCR adds to a digital page must be surer than those of a scan: pictures are full of chance letters.
_ADDED_CONFIDENCE = 0.6


@dataclass(frozen=True, slots=True)
class DocumentPlan:
    """What a document turned out to be: its format and number of pages."""

    format: Format
    pages: int


@dataclass(frozen=True, slots=True)
class PreparedPage:
    """A page as far as it can be read without recognition.

    Attributes:
        page: its text layer or text; without words for a scan.
        picture: what has to be recognized, if anything.
        gaps: pictures within the page that its text layer says nothing about; none when the whole page is one.
    """

    page: PackedPage
    picture: Picture | None = None
    gaps: tuple[Box, ...] = ()


def open_document(content: bytes, limits: DocumentLimits) -> DocumentPlan:
    """Find out format and number of pages.

    Raises:
        DocumentError: the subclass says what is wrong with the document.
    """
    # Here and below, the native readers are loaded by the child that needs them and never by its parent.
    from exora.documents.docx import count_docx_pages
    from exora.documents.images import count_frames
    from exora.documents.pdf import count_pages

    content, kind = _unwrapped(content, limits)
    match kind:
        case Format.PDF:
            pages = count_pages(content)
        case Format.DOCX:
            pages = count_docx_pages(content, limits)
        case Format.CCDA | Format.TEXT:
            pages = 1
        case _:
            pages = count_frames(content, kind, limits)
    if pages == 0:
        raise NoPages("the document has no page")
    if pages > limits.max_pages:
        raise DocumentTooLarge(f"the document has more than {limits.max_pages} pages")
    return DocumentPlan(kind, pages)


def prepare_page(content: bytes, number: int, limits: DocumentLimits) -> PreparedPage:
    """Read page ``number``, from 1, as far as that needs no recognition.

    Raises:
        DocumentError: the page cannot be read.
    """
    from exora.documents.ccda.read import read_ccda_page
    from exora.documents.docx import read_docx_text
    from exora.documents.pdf import read_pdf_page
    from exora.documents.plain import read_text

    source, kind, frame = _source(content, number, limits)
    match kind:
        case Format.TEXT:
            return PreparedPage(pack(read_text(source, limits)))
        case Format.CCDA:
            return PreparedPage(pack(read_ccda_page(source, limits)))
        case Format.DOCX:
            return PreparedPage(pack(read_docx_text(source, limits)))
        case Format.PDF:
            read = read_pdf_page(source, frame, limits)
            page, gaps, needs_picture = read.page, read.gaps, read.needs_picture
        case _:
            page, gaps, needs_picture = _image_page(source, kind, number, frame, limits), (), True
    picture = _picture(content, number, limits) if needs_picture else None
    if picture is not None and gaps:
        return PreparedPage(pack(page), picture, gaps)
    return PreparedPage(pack(_in_lines(page)), picture)


def finish_page(prepared: PreparedPage, result: OcrResult, warnings: tuple[str, ...] = ()) -> PackedPage:
    """The page, completed by what was recognized in its picture, and by warnings."""
    page = prepared.page.unpacked()
    page = replace(page, warnings=(*page.warnings, *warnings))
    width, height = page.width, page.height
    if result.rotation % 180:
        width, height = height, width
    recognized = PageText(page.number, width, height, result.lines, "ocr", result.engine, page.warnings)
    return pack(_in_lines(_completed(page, recognized, prepared.gaps) if prepared.gaps else recognized))


def draw_page(content: bytes, number: int, limits: DocumentLimits) -> tuple[Image.Image, int | None]:
    """A page's picture in grey (mode "L"), and its pixels per inch where known.

    Raises:
        DocumentError: it cannot be drawn.
    """
    from exora.documents.images import decode_frame
    from exora.documents.pdf import draw_pdf_page

    source, kind, frame = _source(content, number, limits)
    if kind is Format.PDF:
        return draw_pdf_page(source, frame, limits)
    decoded = decode_frame(source, kind, frame, limits)
    return decoded.grey, decoded.dpi


def page_png(content: bytes, number: int, limits: DocumentLimits) -> bytes:
    """A page's picture in grey as a PNG file.

    Raises:
        DocumentError: it cannot be drawn.
    """
    image, dpi = draw_page(content, number, limits)
    file = io.BytesIO()
    # The lowest level: half the time of the default for a tenth more bytes.
    image.save(file, "PNG", compress_level=1, dpi=(dpi, dpi) if dpi else None)
    return file.getvalue()


def _unwrapped(content: bytes, limits: DocumentLimits) -> tuple[bytes, Format]:
    """The document and its format; for a C-CDA that only wraps a file, that file."""
    kind = sniff(content)
    if kind is not Format.CCDA:
        return content, kind
    from exora.documents.ccda.read import embedded_document

    embedded = embedded_document(content, limits)
    if embedded is None:
        return content, kind
    kind = sniff(embedded)
    if kind is Format.CCDA:
        raise UnsupportedFormat("the document is a C-CDA inside another, which is not read")
    return embedded, kind


def _source(content: bytes, number: int, limits: DocumentLimits) -> tuple[bytes, Format, int]:
    """The file that page ``number`` is in, its format, and the page's number there."""
    content, kind = _unwrapped(content, limits)
    if kind is Format.DOCX and number > 1:
        from exora.documents.docx import docx_picture

        picture = docx_picture(content, number, limits)
        return picture, sniff(picture), 1
    return content, kind, number


def _image_page(content: bytes, kind: Format, number: int, frame: int, limits: DocumentLimits) -> PageText:
    from exora.documents.images import ENGINE, decode_frame

    decoded = decode_frame(content, kind, frame, limits)
    return PageText(number, decoded.width, decoded.height, (), "ocr", ENGINE)


def _picture(content: bytes, number: int, limits: DocumentLimits) -> Picture | None:
    """The page's picture described; None when there is nothing on it."""
    image, dpi = draw_page(content, number, limits)
    darkest, lightest = image.getextrema()
    if darkest == lightest:
        return None
    digest = hashlib.sha256(f"{image.width}x{image.height}@{dpi}".encode())
    digest.update(image.tobytes())
    return Picture(number, digest.hexdigest(), image.width, image.height, dpi)


def _in_lines(page: PageText) -> PageText:
    return replace(page, lines=printed_lines(page.lines, page.width / page.height)) if page.lines else page


def _completed(page: PageText, recognized: PageText, gaps: tuple[Box, ...]) -> PageText:
    """The text layer and, from OCR, the words of pictures that it says nothing about."""
    if (recognized.width, recognized.height) != (page.width, page.height):
        # The scan lies sideways under an upright stamp or fax header: it is the page.
        return recognized
    known = [word.box for word in page.words if word.box is not None]
    added = []
    for line in recognized.lines:
        words = tuple(
            word
            for word in line.words
            if word.box is not None
            and word.confidence >= _ADDED_CONFIDENCE
            and any(gap.holds(word.box) for gap in gaps)
            and not any(box.holds(word.box) or word.box.holds(box) for box in known)
        )
        if words:
            added.append(Line(words))
    if not added:
        return page
    mostly_recognized = sum(len(line.words) for line in added) > len(known)
    return PageText(
        page.number,
        page.width,
        page.height,
        (*page.lines, *added),
        "ocr" if mostly_recognized else "text-layer",
        f"{page.engine} + {recognized.engine}",
        page.warnings,
    )
