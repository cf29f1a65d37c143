"""Recognition on this machine: Tesseract first, RapidOCR for poor pages and unsure words where it is installed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import Literal

from exora.documents.machine import cpus
from exora.documents.ocr.port import OcrResult, Picture, Pictures, Report
from exora.documents.pool import ChildPool
from exora.documents.turns import a_few_at_a_time
from exora.domain.document import DocumentLimits
from exora.errors import DocumentError, ProcessingLimit

#: Raise it when the same picture may be read differently than before, or old results are reused.
_VERSION = 7
#: RapidOCR's sessions grow to 1.4 GB and stay there; loading them anew for each page would cost 2 s.
_SECOND_RSS_BYTES = 2 * 1024**3
#: Pages of one document waiting for a child at a time: enough to keep the children busy.
_AT_A_TIME = 8
#: After this many pages that ran into a limit the rest is not tried: it would cost as much each.
_MAX_EXHAUSTED_PAGES = 5


@dataclass(frozen=True, slots=True)
class FirstReading:
    """What Tesseract made of a page, and what of it a second engine should read: the page, some words, or nothing."""

    result: OcrResult
    again: Literal["page", "words", ""]


def read_first(content: bytes, number: int, limits: DocumentLimits) -> FirstReading:
    """Read a page's picture with Tesseract. Runs in the child."""
    from exora.documents.ocr.router import doubts, is_poor, upright
    from exora.documents.ocr.tesseract import shared_engine
    from exora.documents.page_reader import draw_page

    image, dpi = draw_page(content, number, limits)
    result = shared_engine().recognize(image, dpi)
    if is_poor(result, image):
        return FirstReading(result, "page")
    return FirstReading(result, "words" if doubts(result, upright(image, result.rotation)) else "")


def read_again(content: bytes, number: int, limits: DocumentLimits, first: OcrResult) -> OcrResult:
    """Read a page's picture with RapidOCR, in the orientation that Tesseract found. Runs in the child."""
    from exora.documents.ocr.rapid import shared_engine
    from exora.documents.ocr.router import better, upright
    from exora.documents.page_reader import draw_page

    image, _ = draw_page(content, number, limits)
    return better(first, shared_engine().recognize(upright(image, first.rotation)))


def read_words_again(content: bytes, number: int, limits: DocumentLimits, first: OcrResult) -> OcrResult:
    """Read the words again of which Tesseract was unsure. Runs in the child."""
    from exora.documents.ocr.rapid import shared_engine
    from exora.documents.ocr.router import corrected, doubts, upright
    from exora.documents.page_reader import draw_page

    image, _ = draw_page(content, number, limits)
    image = upright(image, first.rotation)
    unsure = doubts(first, image)
    readings = shared_engine().read_words(image, [doubt.box for doubt in unsure])
    told = [(doubt, text, probability) for doubt, (text, probability) in zip(unsure, readings, strict=True)]
    return corrected(first, told, shared_engine().name)


def has_second_engine() -> bool:
    """Whether RapidOCR is installed (the extra ``exora[ocr]``)."""
    return find_spec("rapidocr") is not None and find_spec("onnxruntime") is not None


def second_pool(limits: DocumentLimits) -> ChildPool:
    """Child processes for RapidOCR: half as many as CPUs, started with the first page that needs it."""
    return ChildPool(
        max(cpus() // 2, 1),
        address_space_bytes=limits.address_space_bytes,
        max_rss_bytes=_SECOND_RSS_BYTES,
    )


class LocalOcr:
    """Tesseract in the children that read pages, and RapidOCR in children of its own.

    Args:
        second: runs RapidOCR, which takes up to 1.4 GB a process; None = Tesseract alone.
    """

    def __init__(self, second: ChildPool | None = None) -> None:
        self._second = second if has_second_engine() else None

    @property
    def name(self) -> str:
        """See ``OcrEngine``."""
        second = f", rapidocr {version('rapidocr')}" if self._second is not None else ""
        return f"local/{_VERSION} tesserocr {version('tesserocr')}{second}"

    async def recognize(self, wanted: Sequence[Picture], pictures: Pictures, report: Report) -> None:
        """See ``OcrEngine``."""
        exhausted = 0

        async def read(picture: Picture) -> None:
            nonlocal exhausted
            try:
                if exhausted >= _MAX_EXHAUSTED_PAGES:
                    raise ProcessingLimit("too many pages of the document ran into a limit")
                outcome: OcrResult | DocumentError = await self._read(picture, pictures)
            except DocumentError as error:
                exhausted += isinstance(error, ProcessingLimit)
                outcome = error
            await report(picture, outcome)

        await a_few_at_a_time(wanted, _AT_A_TIME, read)

    async def _read(self, picture: Picture, pictures: Pictures) -> OcrResult:
        first = await pictures.here(read_first, picture)
        if not first.again or self._second is None:
            return first.result
        again = read_again if first.again == "page" else read_words_again
        try:
            return await pictures.here(again, picture, first.result, pool=self._second)
        except ProcessingLimit:
            # The first reading stands: poor words are better than none.
            return first.result
