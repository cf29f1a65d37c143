"""Turns pages into a record, in a child process: analysis is CPU-bound and must not hold the event loop."""

from __future__ import annotations

from collections.abc import Hashable

from exora.documents.packed import Pages
from exora.documents.pool import ChildPool
from exora.documents.sniff import Format, sniff
from exora.domain.document import DocumentLimits
from exora.domain.record import Record


def record_json(pages: Pages, sha256: str) -> str:
    """The record of pages as JSON. Runs in the child, which alone loads the analyzer's tables."""
    from exora.documents.analysis.local import analyze

    return analyze(tuple(pages), sha256=sha256).to_json()


#: Characters of text that count as one page where there are none.
_CHARS_PER_PAGE = 3000


def complete_record(content: bytes, record: str, limits: DocumentLimits) -> str:
    """A record as JSON, completed by a C-CDA's coded entries. Runs in the child: it parses hostile bytes."""
    from exora.documents.ccda.read import with_entries

    return with_entries(Record.model_validate_json(record), content, limits).to_json()


async def add_coded_entries(
    record: Record, content: bytes, *, pool: ChildPool, limits: DocumentLimits, key: Hashable
) -> Record:
    """The record with what the document itself states in codes; only a C-CDA does.

    Raises:
        DocumentError: the document ran into a limit or crashed its process.
    """
    if sniff(content) is not Format.CCDA:
        return record
    text = await pool.run(
        complete_record,
        content,
        record.to_json(),
        limits,
        key=key,
        cpu_s=limits.page_cpu_s,
        wall_s=limits.page_wall_s,
    )
    return Record.model_validate_json(text)


async def analyze_pages(pages: Pages, *, sha256: str, pool: ChildPool, limits: DocumentLimits, key: Hashable) -> Record:
    """Analyze the pages of one document.

    Args:
        pages: as read.
        sha256: of the document's bytes, in hex.
        pool: runs the work.
        limits: CPU seconds and wall clock count per page.
        key: the document's identity in the pool's turns.

    Raises:
        DocumentError: the analysis ran into a limit or crashed its process.
    """
    factor = max(len(pages), pages.layout_characters // _CHARS_PER_PAGE, 1)
    text = await pool.run(
        record_json,
        pages,
        sha256,
        key=key,
        cpu_s=limits.page_cpu_s * factor,
        wall_s=limits.page_wall_s * factor,
    )
    return Record.model_validate_json(text)
