"""Reads a page of a document as a job would, in this process."""

from __future__ import annotations

from exora.documents.ocr.local import read_first
from exora.documents.page_reader import finish_page, prepare_page
from exora.domain.document import DocumentLimits, PageText


def read_page(content: bytes, number: int, limits: DocumentLimits) -> PageText:
    """Prepared, recognized where that is needed, and finished."""
    prepared = prepare_page(content, number, limits)
    if prepared.picture is None:
        return prepared.page.unpacked()
    return finish_page(prepared, read_first(content, number, limits).result).unpacked()
