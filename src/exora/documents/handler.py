"""The job: fetch, read the pages, analyze them, store the record. Top to bottom."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, TypeAdapter

from exora.documents.analyze import add_coded_entries, analyze_pages
from exora.documents.fetch import Reads, fetch
from exora.documents.pages import read_pages
from exora.documents.persist import persist
from exora.documents.pool import ChildPool
from exora.documents.sniff import sniff
from exora.domain.document import DocumentLimits, PageText
from exora.worker.context import JobContext

#: Part of the address of stored pages: raise it when reading changes, or old pages are reused.
READER_VERSION = 1

_PAGES = TypeAdapter(tuple[PageText, ...])


class DocumentJob(BaseModel):
    """The payload of a document's job; the keys are those of deployed callers."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    patient_id: UUID
    shell_file_id: UUID
    storage_path: str
    sha256: str | None = None
    file_size_bytes: int | None = None


class DocumentHandler:
    """Handles ``shell_file_processing`` and ``ai_processing``.

    Args:
        storage: where documents are.
        pool: child processes for everything that runs native code or takes CPU time.
        limits: what one document may cost.
    """

    def __init__(self, storage: Reads, pool: ChildPool, limits: DocumentLimits | None = None) -> None:
        self._storage = storage
        self._pool = pool
        self._limits = limits or DocumentLimits()

    async def __call__(self, context: JobContext, job: DocumentJob) -> dict[str, Any]:
        """Process one document; returns ids, counts and codes.

        Raises:
            DocumentError: this document can never be processed.
            LostClaim: another worker owns the job.
        """
        # The access is on record before it happens: no trail, no bytes.
        await context.audit("document_opened", document_id=job.shell_file_id)
        fetched = await fetch(
            self._storage,
            job.storage_path,
            limits=self._limits,
            sha256=job.sha256,
            size_bytes=job.file_size_bytes,
        )
        key = context.job.job_id
        pages = await self._pages(context, fetched.content, fetched.sha256, key)
        record = await analyze_pages(pages, sha256=fetched.sha256, pool=self._pool, limits=self._limits, key=key)
        record = await add_coded_entries(record, fetched.content, pool=self._pool, limits=self._limits, key=key)
        return await persist(
            context, record, size_bytes=len(fetched.content), media_type=sniff(fetched.content).media_type
        )

    async def _pages(self, context: JobContext, content: bytes, sha256: str, key: UUID) -> tuple[PageText, ...]:
        async def read() -> dict[str, Any]:
            pages = await read_pages(content, pool=self._pool, limits=self._limits, key=key, on_page=context.progress)
            return {"pages": _PAGES.dump_python(pages, mode="json")}

        # A page that failed may succeed next time, on a calmer machine: only whole readings are kept.
        stored = await context.step(
            "pages", READER_VERSION, sha256, compute=read, keep=lambda result: not _has_warnings(result)
        )
        return _PAGES.validate_python(stored["pages"])


def _has_warnings(result: dict[str, Any]) -> bool:
    return any(page["warnings"] for page in result["pages"])
