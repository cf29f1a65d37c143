"""A document is taken only as it was enqueued, and never more of it than may be read."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from uuid import uuid4

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from exora.coordination.postgres import PostgresTransport
from exora.documents.fetch import fetch
from exora.domain.document import DocumentLimits
from exora.errors import ChecksumMismatch, DocumentTooLarge, EmptyDocument, NotFound
from exora.http.server import bind, serve
from exora.storage.port import Storage
from exora.storage.postgres import PostgresStorage
from exora.storage.supabase import SupabaseStorage
from exora.supabase.client import Project
from exora.supabase.keys import KeyRing
from tests.gateways import KEYS, local_project

LIMITS = DocumentLimits(max_bytes=1000)


@pytest.fixture(params=["postgres", "supabase"])
async def storage(request: pytest.FixtureRequest, embedded_dsn: str) -> AsyncIterator[Storage]:
    """Each store in turn."""
    if request.param == "postgres":
        transport = PostgresTransport(embedded_dsn)
        yield PostgresStorage(transport.fetch)
        await transport.close()
        return
    async with local_project(embedded_dsn) as project:
        store = SupabaseStorage(project)
        yield store
        await store.close()


async def kept(storage: Storage, content: bytes) -> str:
    """Store a document of somebody."""
    path = f"{uuid4()}/document"
    await storage.put(path, content)
    return path


async def test_bytes_that_are_not_those_enqueued_are_refused(storage: Storage) -> None:
    content = b"%PDF-1.7 of Jane Roe"
    path = await kept(storage, content)
    digest = hashlib.sha256(content).hexdigest()
    fetched = await fetch(storage, path, limits=LIMITS, sha256=digest, size_bytes=len(content))
    assert (fetched.content, fetched.sha256) == (content, digest)
    with pytest.raises(ChecksumMismatch):
        await fetch(storage, path, limits=LIMITS, sha256="0" * 64, size_bytes=len(content))
    with pytest.raises(NotFound):
        await fetch(storage, f"{uuid4()}/document", limits=LIMITS, sha256=None, size_bytes=None)
    with pytest.raises(EmptyDocument):
        await fetch(storage, await kept(storage, b""), limits=LIMITS, sha256=None, size_bytes=None)


async def test_no_more_is_read_than_may_be(storage: Storage) -> None:
    path = await kept(storage, b"x" * 5000)
    assert len(await storage.get(path, 1000)) == 1001
    with pytest.raises(DocumentTooLarge):  # whatever size was said
        await fetch(storage, path, limits=LIMITS, sha256=None, size_bytes=10)
    with pytest.raises(DocumentTooLarge):  # said to be too large: not even asked for
        await fetch(storage, "nowhere", limits=LIMITS, sha256=None, size_bytes=1001)
    exactly = await kept(storage, b"y" * 1000)
    assert len((await fetch(storage, exactly, limits=LIMITS, sha256=None, size_bytes=None)).content) == 1000


@dataclass
class Bomb:
    """A store that answers with far too much, or with little that unpacks to much."""

    sent: int = 0

    async def endless(self, _: Request) -> Response:
        async def parts() -> AsyncIterator[bytes]:
            for _ in range(1000):
                self.sent += 1 << 20
                yield b"x" * (1 << 20)
                await asyncio.sleep(0)  # or the server would never see that nobody reads any more

        return StreamingResponse(parts())

    async def packed(self, _: Request) -> Response:
        return Response(gzip.compress(b"x" * (40 << 20), 1), headers={"Content-Encoding": "gzip"})


@pytest.mark.parametrize("answer", [Bomb.endless, Bomb.packed])
async def test_a_store_that_sends_without_end_is_cut_off(answer: Callable[[Bomb, Request], Response]) -> None:
    bomb = Bomb()
    routes = [Route("/storage/v1/object/{bucket}/{path:path}", answer.__get__(bomb))]
    async with serve(Starlette(routes=routes), bind("127.0.0.1", 0)) as port:
        url = f"http://127.0.0.1:{port}"
        store = SupabaseStorage(Project(url, KeyRing(lambda: KEYS.service_role_key, url), "medical-docs"))
        with pytest.raises(DocumentTooLarge):
            await fetch(store, "p/d", limits=DocumentLimits(max_bytes=4 << 20), sha256=None, size_bytes=None)
        await store.close()
    assert bomb.sent < 64 << 20
