"""Stores what a document became, under the job's fence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from exora.domain.record import Record


class StoresRecords(Protocol):
    """The fenced write; the job's context."""

    async def store_record(
        self, record: Mapping[str, Any], *, sha256: str, size_bytes: int, media_type: str
    ) -> UUID: ...


async def persist(context: StoresRecords, record: Record, *, size_bytes: int, media_type: str) -> dict[str, Any]:
    """Store a record and return the job's result: ids, counts and codes only.

    Raises:
        LostClaim: another worker owns the job; nothing was stored.
    """
    document_id = await context.store_record(
        record.model_dump(mode="json", by_alias=True),
        sha256=record.document.sha256,
        size_bytes=size_bytes,
        media_type=media_type,
    )
    return {
        "document_id": str(document_id),
        "document_type": record.document.type,
        "pages": record.document.pages,
        "ocr": record.engines.ocr.split()[0],
        "items": record.item_counts(),
        "warnings": len(record.warnings),
    }
