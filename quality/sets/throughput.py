"""How fast digital pages are read: to words and boxes, without recognition."""

from __future__ import annotations

import time

from exora.documents.page_reader import open_document, prepare_page
from exora.domain.document import DocumentLimits
from quality.registry import Measures, Run, scored
from quality.rendered import long_document


@scored("reading", "mtsamples")
def score_reading(run: Run) -> Measures:
    """Digital pages read to words and boxes per CPU second, the opening of each document included."""
    limits = DocumentLimits()
    documents = [long_document(run, number) for number in range(min(run.limit or 10, 10))]
    prepare_page(documents[0], 1, limits)
    started = time.process_time()
    pages = [
        prepare_page(content, number, limits).page
        for content in documents
        for number in range(1, open_document(content, limits).pages + 1)
    ]
    seconds = time.process_time() - started
    return {"digital_pages_per_s": sum(bool(page.unpacked().words) for page in pages) / seconds}
