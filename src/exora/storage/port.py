"""The contract of a document store: bytes by path."""

from __future__ import annotations

from typing import Protocol


class Storage(Protocol):
    """Bytes by path; every path starts with the patient's id and a slash."""

    async def put(self, path: str, content: bytes) -> None:
        """Store bytes; the same path again is a no-op, since paths are content addresses."""
        ...

    async def get(self, path: str, most_bytes: int) -> bytes:
        """Read bytes; of more than ``most_bytes`` just one more than that, so that no object fills the memory.

        Raises:
            NotFound: nothing is stored under this path.
        """
        ...
