"""Recognition on this machine: Tesseract in the pool's child processes."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from exora.documents.ocr.port import OcrResult, Picture, Pictures, Report
from exora.documents.turns import a_few_at_a_time
from exora.domain.document import DocumentLimits
from exora.errors import DocumentError, ProcessingLimit

#: Raise it when the same picture may be read differently than before, or old results are reused.
_VERSION = 1
#: Pages of one document waiting for a child at a time: enough to keep the children busy.
_AT_A_TIME = 8
#: After this many pages that ran into a limit the rest is not tried: it would cost as much each.
_MAX_EXHAUSTED_PAGES = 5


def recognize_page(content: bytes, number: int, limits: DocumentLimits) -> OcrResult:
    """Read a page's picture with Tesseract. Runs in the child."""
    from exora.documents.ocr.tesseract import shared_engine
    from exora.documents.page_reader import draw_page

    image, dpi = draw_page(content, number, limits)
    return shared_engine().recognize(image, dpi)


class LocalOcr:
    """Tesseract, one engine in each child process."""

    @property
    def name(self) -> str:
        """See ``OcrEngine``."""
        return f"local/{_VERSION} tesserocr {version('tesserocr')}"

    async def recognize(self, wanted: Sequence[Picture], pictures: Pictures, report: Report) -> None:
        """See ``OcrEngine``."""
        exhausted = 0

        async def read(picture: Picture) -> None:
            nonlocal exhausted
            try:
                if exhausted >= _MAX_EXHAUSTED_PAGES:
                    raise ProcessingLimit("too many pages of the document ran into a limit")
                outcome: OcrResult | DocumentError = await pictures.here(recognize_page, picture)
            except DocumentError as error:
                exhausted += isinstance(error, ProcessingLimit)
                outcome = error
            await report(picture, outcome)

        await a_few_at_a_time(wanted, _AT_A_TIME, read)
