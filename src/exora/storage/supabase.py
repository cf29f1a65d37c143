"""Supabase Storage: documents as objects of one bucket."""

from __future__ import annotations

from urllib.parse import quote

import httpx

from exora.domain.retrying import retrying
from exora.errors import AccessDenied, CoordinationError, DatabaseUnavailable, ExoraError, NotFound
from exora.supabase.client import Project, SupabaseClient, body_of

#: Uploading and downloading a large document takes longer than a call of a function.
_TIMEOUT_S = 60.0


class SupabaseStorage:
    """``Storage`` over ``/storage/v1/object``.

    Args:
        project: the project, its key and the bucket.
    """

    def __init__(self, project: Project) -> None:
        self._bucket = project.bucket
        self._client = SupabaseClient(project, timeout_s=_TIMEOUT_S)

    async def put(self, path: str, content: bytes) -> None:
        headers = {"Content-Type": "application/octet-stream", "x-upsert": "false"}

        async def run() -> None:
            response = await self._client.send("POST", self._path(path), content=content, headers=headers)
            if not response.is_success and _status(response) != 409:  # the same path again is the same bytes
                raise _failure(response, self._bucket)

        await retrying(run)

    async def get(self, path: str, most_bytes: int) -> bytes:
        async def run() -> bytes:
            response = await self._client.send("GET", self._path(path), headers={}, most_bytes=most_bytes)
            if not response.is_success:
                raise _failure(response, self._bucket)
            return response.content

        return await retrying(run)

    async def close(self) -> None:
        """Close every connection."""
        await self._client.close()

    def _path(self, path: str) -> str:
        return f"/storage/v1/object/{quote(self._bucket, safe='')}/{quote(path)}"


def _status(response: httpx.Response) -> int:
    """The real status: Storage answers most errors with 400 and says in the body which."""
    inner = str(body_of(response).get("statusCode") or "")
    return int(inner) if inner.isdigit() else response.status_code


def _failure(response: httpx.Response, bucket: str) -> ExoraError:
    body, status = body_of(response), _status(response)
    if status == 404 and "bucket" in str(body.get("message") or body.get("error") or "").lower():
        return CoordinationError(
            "the bucket for documents does not exist in Supabase Storage",
            field="EXORA_STORAGE_BUCKET",
            remedy=f"Create the private bucket {bucket}, or name another with EXORA_STORAGE_BUCKET",
        )
    if status == 404:
        return NotFound("the stored document is gone", remedy="Upload it again")
    if status == 403:
        return AccessDenied("Supabase Storage refused the key or the path (403)")
    if status in (408, 429, 544) or status >= 500:
        return DatabaseUnavailable(f"Supabase Storage is busy ({status})")
    return CoordinationError(f"Supabase Storage refused a document ({status})")
