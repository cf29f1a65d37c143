"""The embedded store: documents as bytes in PostgreSQL, when no Supabase Storage is configured."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Protocol

from exora.errors import NotFound


class Fetch(Protocol):
    """Runs one statement and returns its rows; the direct transport's ``fetch``."""

    def __call__(self, statement: str, *values: Any, repeatable: bool) -> Awaitable[Sequence[Mapping[str, Any]]]: ...


class PostgresStorage:
    """``Storage`` over the functions ``exora.put_object`` and ``exora.get_object``.

    Args:
        fetch: runs one statement on the database.
    """

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch

    async def put(self, path: str, content: bytes) -> None:
        await self._fetch("select exora.put_object($1, $2)", path, content, repeatable=True)

    async def get(self, path: str, most_bytes: int) -> bytes:
        rows = await self._fetch(
            "select substr(exora.get_object($1), 1, $2) as content", path, most_bytes + 1, repeatable=True
        )
        content = rows[0]["content"]
        if content is None:
            raise NotFound("the stored document is gone", remedy="Upload it again")
        return bytes(content)
