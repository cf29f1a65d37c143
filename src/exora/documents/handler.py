"""The job: fetch, read the pages, analyze them, store the record. Top to bottom."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Protocol
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from exora.capacity.gate import Terms, current_terms
from exora.documents.analysis import ANALYZER
from exora.documents.analyze import add_coded_entries, analyze_pages
from exora.documents.fetch import Reads, fetch
from exora.documents.machine import memory_bytes
from exora.documents.ocr.port import OcrEngine
from exora.documents.packed import Pages
from exora.documents.pages import Steps, read_pages
from exora.documents.persist import persist
from exora.documents.pool import ChildPool
from exora.documents.room import Place, Room
from exora.documents.sniff import sniff
from exora.domain.document import DocumentLimits
from exora.domain.record import Record
from exora.observe.tracing import tracing
from exora.worker.context import JobContext

#: Of this machine's memory, the share that documents may take: the rest is for the processes that read them.
_ROOM_SHARE = 0.25
#: A document's bytes are held by the job and, for moments, by the storage's client and by the pipe to a child.
_COPIES = 3
#: Packed pages, results and record of an ordinary document; megabytes even for three hundred dense pages.
_PER_DOCUMENT_BYTES = 1024 * 1024
#: Taken for the size of a document whose enqueuer does not tell it, until it is here.
_USUAL_BYTES = 2 * 1024 * 1024


class DocumentJob(BaseModel):
    """The payload of a document's job; the keys are those of deployed callers."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    patient_id: UUID
    shell_file_id: UUID
    storage_path: str
    sha256: str | None = None
    file_size_bytes: int | None = None


class Analyzer(Protocol):
    """Turns pages into a record elsewhere, keeping what was paid for in steps of its own."""

    async def analyze(self, pages: Pages, *, sha256: str, key: Hashable, steps: Steps) -> Record: ...


class DocumentHandler:
    """Handles ``shell_file_processing`` and ``ai_processing``.

    Args:
        storage: where documents are.
        pool: child processes for everything that runs native code or takes CPU time.
        ocr: recognizes pages without a text layer.
        limits: what one document may cost.
        analyzer: None = the local one.
        room: bounds what all documents take of memory; None = a quarter of what this process may use.
    """

    def __init__(
        self,
        storage: Reads,
        pool: ChildPool,
        ocr: OcrEngine,
        limits: DocumentLimits | None = None,
        analyzer: Analyzer | None = None,
        room: Room | None = None,
    ) -> None:
        self._storage = storage
        self._pool = pool
        self._ocr = ocr
        self._analyzer = analyzer
        self._limits = limits or DocumentLimits()
        self._room = room or Room(int(_ROOM_SHARE * memory_bytes()))

    async def __call__(self, context: JobContext, job: DocumentJob) -> dict[str, Any]:
        """Process one document; returns ids, counts and codes.

        Raises:
            DocumentError: this document can never be processed.
            LostClaim: another worker owns the job.
            NoCapacity: a remote engine has none for it now.
        """
        current_terms.set(Terms(priority=context.job.priority, deadline=context.deadline))
        size_bytes = min(job.file_size_bytes or _USUAL_BYTES, self._limits.max_bytes)
        async with self._room.taken(_held_bytes(size_bytes)) as place:
            return await self._process(context, job, place)

    async def _process(self, context: JobContext, job: DocumentJob, place: Place) -> dict[str, Any]:
        # The access is on record before it happens: no trail, no bytes.
        await context.audit("document_opened", document_id=job.shell_file_id)
        with tracing.span("fetch") as facts:
            fetched = await fetch(
                self._storage,
                job.storage_path,
                limits=self._limits,
                sha256=job.sha256,
                size_bytes=job.file_size_bytes,
            )
            facts["size_bytes"] = len(fetched.content)
        place.resize(_held_bytes(len(fetched.content)))
        key = context.job.job_id
        with tracing.span("read_pages", engine=self._ocr.name) as facts:
            pages = await read_pages(
                fetched.content,
                pool=self._pool,
                ocr=self._ocr,
                limits=self._limits,
                key=key,
                steps=context,
                on_page=context.progress,
            )
            facts["pages"] = len(pages)
        with tracing.span("analyze"):
            record = await self._analyze(context, pages, fetched.sha256)
            record = await add_coded_entries(record, fetched.content, pool=self._pool, limits=self._limits, key=key)
        return await persist(
            context, record, size_bytes=len(fetched.content), media_type=sniff(fetched.content).media_type
        )

    async def _analyze(self, context: JobContext, pages: Pages, sha256: str) -> Record:
        if self._analyzer is not None:
            return await self._analyzer.analyze(pages, sha256=sha256, key=context.job.job_id, steps=context)

        async def compute() -> dict[str, Any]:
            record = await analyze_pages(
                pages, sha256=sha256, pool=self._pool, limits=self._limits, key=context.job.job_id
            )
            return record.model_dump(mode="json", by_alias=True)

        return Record.model_validate(await context.step("analysis", ANALYZER, sha256, pages.digest, compute=compute))


def _held_bytes(size_bytes: int) -> int:
    """Memory that a document of this size takes of the worker."""
    return _PER_DOCUMENT_BYTES + _COPIES * size_bytes
