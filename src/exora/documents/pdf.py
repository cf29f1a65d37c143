"""Reads one page of a PDF: from its text layer where that can be trusted, else from its pixels."""

from __future__ import annotations

import contextlib
import ctypes
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image
from pypdfium2.version import PDFIUM_INFO

from exora.documents.repair import repaired_pdf
from exora.domain.document import Box, DocumentLimits, Line, PageText, Word
from exora.errors import CorruptDocument, EncryptedDocument, NoPages

ENGINE = f"pdfium {PDFIUM_INFO.build}"

POINTS_PER_INCH = 72
#: Tesseract's models were trained on text at about this resolution.
OCR_DPI = 300

#: Words of a scanner's invisible text layer are another OCR's guesses, if good ones.
_SCANNER_CONFIDENCE = 0.9
#: A picture smaller than this share of the page is a logo, a stamp or a signature.
_PICTURE_SHARE = 0.08
#: Printed text covers 10-25 % of its area with word boxes; under this share a picture's words are not in the layer.
_TEXT_DENSITY = 0.02
#: Objects looked at per page when searching for pictures.
_MAX_OBJECTS = 5000
_SAMPLES = 40

#: pdfium marks a hyphen at the end of a line with U+0002 and joins the lines without a break.
_LINE_HYPHEN = "\x02"
_TOKEN = re.compile(rf"[\r\n]+|[^\s\x00{_LINE_HYPHEN}\ufffe]+[{_LINE_HYPHEN}\ufffe]?")
_CLEAN = str.maketrans(
    {
        _LINE_HYPHEN: "-",
        "\ufffe": "-",
        "\xad": None,
        "\u200b": None,
        "\ufeff": None,
        "\ufb00": "ff",
        "\ufb01": "fi",
        "\ufb02": "fl",
        "\ufb03": "ffi",
        "\ufb04": "ffl",
    }
)
_LONG_WORD = re.compile(r"[A-Za-z]{6,}")
#: Control characters other than white space and the line hyphen, private use, and the replacement character.
_ODD = re.compile("[\x00\x01\x03-\x08\x0e-\x1f\x7f-\x9f\ue000-\uf8ff\ufffd]")
_VOWEL = re.compile(r"[aeiouyAEIOUY]")


class _Held:
    """The document opened last, and what a repair made of it if one was tried."""

    def __init__(self, content: bytes, document: pypdfium2.PdfDocument, *, is_repaired: bool) -> None:
        self.content = content
        self.document = document
        self.is_repaired = is_repaired

    def repair(self) -> bool:
        """Go on with the repaired document; False when there is none, or this is it."""
        if self.is_repaired or (repaired := repaired_pdf(self.content)) is None:
            return False
        try:
            document = pypdfium2.PdfDocument(repaired)
        except pypdfium2.PdfiumError:
            return False
        self.document.close()
        self.document, self.is_repaired = document, True
        return True


_held: _Held | None = None


def count_pages(content: bytes) -> int:
    """The number of pages.

    Raises:
        EncryptedDocument: the document opens only with a password.
        NoPages: it opens and is empty.
        CorruptDocument: it does not open at all.
    """
    return len(_hold(content).document)


class PdfPage(NamedTuple):
    """A page without recognition: its text layer, and whether, and where, it says less than its picture."""

    page: PageText
    needs_picture: bool = False
    gaps: tuple[Box, ...] = ()


def read_pdf_page(content: bytes, number: int, limits: DocumentLimits) -> PdfPage:
    """Read one page's text layer; its lines are as pdfium found them.

    Args:
        content: the whole document.
        number: the page, from 1.
        limits: bound what a page may cost.

    Raises:
        CorruptDocument: the page cannot be loaded or has no size.
    """
    with _opened(content, number) as page:
        read = _read(page, number)
    return read._replace(page=replace(read.page, warnings=_warnings(_hold(content), number)))


def draw_pdf_page(content: bytes, number: int, limits: DocumentLimits) -> tuple[Image.Image, int]:
    """The page in grey at 300 dpi, or at what fits the limit of megapixels, and its dpi.

    Raises:
        CorruptDocument: the page cannot be drawn.
    """
    with _opened(content, number) as page:
        width, height = _frame(page).size
        square_inches = width * height / POINTS_PER_INCH**2
        dpi = min(float(OCR_DPI), math.sqrt(limits.max_page_megapixels * 1e6 / square_inches))
        try:
            bitmap = page.render(scale=dpi / POINTS_PER_INCH, grayscale=True)
        except pypdfium2.PdfiumError:
            raise CorruptDocument("a page of the document cannot be drawn") from None
        return bitmap.to_pil(), round(dpi)


def _warnings(held: _Held, number: int) -> tuple[str, ...]:
    """What the document holds, or lacks, that its pages do not tell."""
    warnings = []
    if held.is_repaired:
        warnings.append("the document was damaged and has been repaired; parts of it may be missing")
    if number == 1 and (attached := pdfium.FPDFDoc_GetAttachmentCount(held.document)) > 0:
        warnings.append(f"the document has attached files, which were not read: {min(attached, 1000)}")
    return tuple(warnings)


@contextlib.contextmanager
def _opened(content: bytes, number: int) -> Iterator[pypdfium2.PdfPage]:
    """One page, with the values of its form fields drawn into it."""
    held = _hold(content)
    page = _load(held.document, number)
    if page is None and held.repair():
        page = _load(held.document, number)
    if page is None:
        raise CorruptDocument("a page of the document is damaged")
    try:
        if pdfium.FPDFPage_GetAnnotCount(page) > 0:
            page = _with_annotations_as_content(held.document, page, number)
        yield page
    finally:
        page.close()


def _load(document: pypdfium2.PdfDocument, number: int) -> pypdfium2.PdfPage | None:
    """A page, or None when it cannot be loaded."""
    if number > len(document):
        return None
    try:
        return document[number - 1]
    except pypdfium2.PdfiumError:
        return None


def _hold(content: bytes) -> _Held:
    """The opened document; the last one stays open, as pages of one document come in a row."""
    global _held
    if _held is not None and _held.content is content:
        return _held
    if _held is not None:
        _held.document.close()
        _held = None
    try:
        _held = _Held(content, _open(content), is_repaired=False)
    except CorruptDocument:
        repaired = repaired_pdf(content)
        if repaired is None:
            raise
        _held = _Held(content, _open(repaired), is_repaired=True)
    return _held


def _open(content: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if error.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
            raise EncryptedDocument("the document opens only with a password") from None
        if error.err_code == pdfium.FPDF_ERR_SUCCESS:
            # pdfium's answer to a page tree that is in order but empty.
            raise NoPages("the document has no page") from None
        raise CorruptDocument("the document is no readable PDF") from None


def _with_annotations_as_content(
    document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, number: int
) -> pypdfium2.PdfPage:
    """The page with the values of its form fields drawn into it: they are no part of the text layer otherwise."""
    pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY)
    page.close()
    return document[number - 1]


class _Frame(NamedTuple):
    """How the page lies: its visible rectangle in points and the clockwise turn that makes it upright."""

    left: float
    bottom: float
    right: float
    top: float
    turn: int

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the upright page in points."""
        width, height = self.right - self.left, self.top - self.bottom
        return (height, width) if self.turn % 180 else (width, height)

    def box(self, left: float, top: float, right: float, bottom: float) -> Box | None:
        """A rectangle of the page's own coordinates on the upright page; None when it is not on the page."""
        width, height = self.right - self.left, self.top - self.bottom
        x0, x1 = (left - self.left) / width, (right - self.left) / width
        y0, y1 = (self.top - top) / height, (self.top - bottom) / height
        if self.turn == 90:
            x0, y0, x1, y1 = 1 - y1, x0, 1 - y0, x1
        elif self.turn == 180:
            x0, y0, x1, y1 = 1 - x1, 1 - y1, 1 - x0, 1 - y0
        elif self.turn == 270:
            x0, y0, x1, y1 = y0, 1 - x1, y1, 1 - x0
        if x0 >= 0 and y0 >= 0 and x1 <= 1 and y1 <= 1:
            return Box(x0, y0, x1, y1)
        if not (0 <= (x0 + x1) / 2 <= 1 and 0 <= (y0 + y1) / 2 <= 1):
            return None
        return Box(max(x0, 0.0), max(y0, 0.0), min(x1, 1.0), min(y1, 1.0))


class _Layer(NamedTuple):
    """The text layer of a page."""

    lines: tuple[Line, ...]
    frame: _Frame
    is_legible: bool
    is_invisible: bool


def _read(page: pypdfium2.PdfPage, number: int) -> PdfPage:
    frame = _frame(page)
    if pdfium.FPDFPage_CountObjects(page) == 0:
        return PdfPage(PageText(number, *frame.size, (), "text-layer", ENGINE))
    layer = _text_layer(page, frame)
    pictures = _pictures(page, layer.frame)
    covers = sum((box.x1 - box.x0) * (box.y1 - box.y0) for box in pictures)
    # Invisible text without a scan under it is not what a reader of the page sees.
    trusted = layer.lines and layer.is_legible and not (layer.is_invisible and covers < 0.5)
    if not trusted:
        return PdfPage(PageText(number, *frame.size, (), "ocr", ENGINE), needs_picture=True)
    bare = tuple(box for box in pictures if _text_share(layer.lines, box) < _TEXT_DENSITY)
    read = PageText(number, *layer.frame.size, layer.lines, "text-layer", ENGINE)
    if not bare or layer.frame.turn != frame.turn:
        return PdfPage(read)
    return PdfPage(read, needs_picture=True, gaps=bare)


def _frame(page: pypdfium2.PdfPage) -> _Frame:
    rectangle = pdfium.FS_RECTF()
    found = pdfium.FPDF_GetPageBoundingBox(page, ctypes.byref(rectangle))
    left, right = sorted((rectangle.left, rectangle.right))
    bottom, top = sorted((rectangle.bottom, rectangle.top))
    if not found or not (right - left > 0 and top - bottom > 0 and math.isfinite(right - left + top - bottom)):
        raise CorruptDocument("a page of the document has no size")
    return _Frame(left, bottom, right, top, pdfium.FPDFPage_GetRotation(page) % 4 * 90)


def _text_layer(page: pypdfium2.PdfPage, frame: _Frame) -> _Layer:
    opened = page.get_textpage()
    textpage = opened.raw
    try:
        count = pdfium.FPDFText_CountChars(textpage)
        if count <= 0:
            return _Layer((), frame, is_legible=False, is_invisible=False)
        text = _characters(textpage, count)
        samples = [at for at in range(0, count, max(count // _SAMPLES, 1)) if not text[at].isspace()]
        invisible = sum(_is_invisible(textpage, at) for at in samples) > 0.8 * len(samples)
        frame = frame._replace(turn=(frame.turn + _text_turn(textpage, samples, frame.turn)) % 360)
        lines = tuple(_lines(textpage, text, frame, _SCANNER_CONFIDENCE if invisible else 1.0))
        return _Layer(lines, frame, _is_legible(text, strictly=invisible), invisible)
    finally:
        opened.close()


def _characters(textpage: Any, count: int) -> str:
    """The characters of the layer, exactly one for each of pdfium's indices."""
    buffer = (ctypes.c_ushort * (count + 1))()
    written = pdfium.FPDFText_GetText(textpage, 0, count, buffer)
    text = bytes(buffer).decode("utf-16-le", "replace")[:count] if written == count + 1 else ""
    if len(text) == count:
        return text
    # Characters without Unicode are left out of the text and rare ones take two units: ask for each.
    codes = (pdfium.FPDFText_GetUnicode(textpage, at) for at in range(count))
    return "".join("\ufffd" if code > 0x10FFFF or 0xD800 <= code < 0xE000 else chr(code) for code in codes)


def _is_invisible(textpage: Any, at: int) -> bool:
    drawn = pdfium.FPDFText_GetTextObject(textpage, at)
    return bool(drawn) and pdfium.FPDFTextObj_GetTextRenderMode(drawn) == pdfium.FPDF_TEXTRENDERMODE_INVISIBLE


def _text_turn(textpage: Any, samples: list[int], page_turn: int) -> int:
    """The clockwise turn that still lacks when nearly all text stands sideways or upside down on the page."""
    turns = []
    for at in samples:
        # Radians, clockwise, in the page's own coordinates; -1 for a character that has none.
        angle = math.degrees(pdfium.FPDFText_GetCharAngle(textpage, at))
        turns.append(-(round(angle / 90) * 90 + page_turn) % 360)
    usual = max(set(turns), key=turns.count, default=0)
    return usual if turns.count(usual) > 0.8 * len(turns) else 0


def _lines(textpage: Any, text: str, frame: _Frame, confidence: float) -> Iterator[Line]:
    """Words with their boxes, in lines as pdfium breaks them."""
    bounds = [ctypes.c_double() for _ in range(4)]
    references = [ctypes.byref(bound) for bound in bounds]
    words: list[Word] = []
    for token in _TOKEN.finditer(text):
        found = token.group()
        if found[0] in "\r\n":
            if words:
                yield Line(tuple(words))
                words = []
            continue
        cleaned = found if found.isalnum() and found.isascii() else found.translate(_CLEAN)
        box = _word_box(textpage, token, bounds, references, frame) if cleaned else None
        if box is not None:
            words.append(Word(cleaned, box, confidence))
        if found[-1] in "\x02\ufffe" and words:
            yield Line(tuple(words))
            words = []
    if words:
        yield Line(tuple(words))


def _word_box(
    textpage: Any,
    token: re.Match[str],
    bounds: list[ctypes.c_double],
    references: list[Any],
    frame: _Frame,
) -> Box | None:
    box: Box | None = None
    for index in range(pdfium.FPDFText_CountRects(textpage, token.start(), token.end() - token.start())):
        pdfium.FPDFText_GetRect(textpage, index, *references)
        part = frame.box(bounds[0].value, bounds[1].value, bounds[2].value, bounds[3].value)
        if part is not None:
            box = part if box is None else box.union(part)
    return box


def _is_legible(text: str, *, strictly: bool) -> bool:
    """Whether the layer's characters are the printed ones, not codes of a font without a Unicode map.

    A shifted or shuffled alphabet loses the vowels of its words: in English, other Latin-script
    languages and drug names nearly every word of six letters is at least a fifth vowels.
    """
    printed = sum(map(len, text.split()))
    if len(_ODD.findall(text)) > (0.02 if strictly else 0.1) * printed:
        return False
    long_words = _LONG_WORD.findall(text)
    if len(long_words) < 8:
        return True
    spoken = sum(len(_VOWEL.findall(word)) >= 0.2 * len(word) for word in long_words)
    return spoken >= (0.85 if strictly else 0.6) * len(long_words)


def _pictures(page: pypdfium2.PdfPage, frame: _Frame) -> list[Box]:
    """Places of the page's larger pictures."""
    corners = [ctypes.c_float() for _ in range(4)]
    references = [ctypes.byref(corner) for corner in corners]
    boxes = []
    for index in range(min(pdfium.FPDFPage_CountObjects(page), _MAX_OBJECTS)):
        item = pdfium.FPDFPage_GetObject(page, index)
        if _is_picture(item) and pdfium.FPDFPageObj_GetBounds(item, *references):
            left, bottom, right, top = (corner.value for corner in corners)
            box = frame.box(left, top, right, bottom)
            if box is not None and _area(box) >= _PICTURE_SHARE:
                boxes.append(box)
    return boxes


def _is_picture(item: Any) -> bool:
    """Whether a page object is an image, or a form made of images only."""
    kind = pdfium.FPDFPageObj_GetType(item)
    if kind != pdfium.FPDF_PAGEOBJ_FORM:
        return bool(kind == pdfium.FPDF_PAGEOBJ_IMAGE)
    parts = min(pdfium.FPDFFormObj_CountObjects(item), _MAX_OBJECTS)
    return parts > 0 and all(
        pdfium.FPDFPageObj_GetType(pdfium.FPDFFormObj_GetObject(item, index)) == pdfium.FPDF_PAGEOBJ_IMAGE
        for index in range(parts)
    )


def _area(box: Box) -> float:
    return (box.x1 - box.x0) * (box.y1 - box.y0)


def _boxes(lines: tuple[Line, ...]) -> list[Box]:
    return [word.box for line in lines for word in line.words if word.box is not None]


def _text_share(lines: tuple[Line, ...], picture: Box) -> float:
    """The share of a picture's area that words of the text layer cover."""
    return sum(_area(box) for box in _boxes(lines) if picture.holds(box)) / _area(picture)
