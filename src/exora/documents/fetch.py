"""Gets a job's document: bytes from storage, checked against what was enqueued."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

from exora.domain.document import DocumentLimits
from exora.errors import ChecksumMismatch, DocumentTooLarge, EmptyDocument


class Reads(Protocol):
    """The verb of a storage that reading needs."""

    async def get(self, path: str, most_bytes: int) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document's bytes in memory, and their SHA-256 in hex."""

    content: bytes
    sha256: str


async def fetch(
    storage: Reads, path: str, *, limits: DocumentLimits, sha256: str | None, size_bytes: int | None
) -> Fetched:
    """Read a document into memory.

    Args:
        storage: where it is.
        path: its path.
        limits: its size limit.
        sha256: what the enqueuer said its checksum is, if it did.
        size_bytes: what the enqueuer said its size is, if it did; too large is refused unread.

    Raises:
        DocumentTooLarge, EmptyDocument, ChecksumMismatch: the document is not what was enqueued.
        NotFound: nothing is stored there.
    """
    if size_bytes is not None and size_bytes > limits.max_bytes:
        raise DocumentTooLarge(f"the document has {size_bytes} bytes; the limit is {limits.max_bytes}")
    content = await storage.get(path, limits.max_bytes)
    if len(content) > limits.max_bytes:
        raise DocumentTooLarge(f"the document has more than {limits.max_bytes} bytes")
    if not content:
        raise EmptyDocument("the document has no content")
    digest = hashlib.sha256(content).hexdigest()
    if sha256 is not None and sha256 != digest:
        raise ChecksumMismatch("the stored bytes are not the ones that were enqueued")
    return Fetched(content, digest)
