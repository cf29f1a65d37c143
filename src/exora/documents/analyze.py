"""Turns pages into a record, in a child process: analysis is CPU-bound and must not hold the event loop."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from exora.documents.pool import ChildPool
from exora.domain.document import DocumentLimits, PageText
from exora.domain.record import Record


def record_json(pages: Sequence[PageText], sha256: str) -> str:
    """The record of pages as JSON. Runs in the child, which alone loads the analyzer's tables."""
    from exora.documents.analysis.local import analyze

    return analyze(pages, sha256=sha256).to_json()


async def analyze_pages(
    pages: Sequence[PageText], *, sha256: str, pool: ChildPool, limits: DocumentLimits, key: Hashable
) -> Record:
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
    factor = max(len(pages), 1)
    text = await pool.run(
        record_json,
        tuple(pages),
        sha256,
        key=key,
        cpu_s=limits.page_cpu_s * factor,
        wall_s=limits.page_wall_s * factor,
    )
    return Record.model_validate_json(text)
