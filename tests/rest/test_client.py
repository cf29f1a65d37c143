"""The way to a project: answers lost after COMMIT, redirects, proxies, silence, and what Storage says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from exora.app import open_transport
from exora.coordination.supabase import SupabaseTransport
from exora.coordination.wire import WireCoordinator
from exora.dev.gateway.app import gateway
from exora.dev.gateway.local import BUCKET
from exora.domain.job import EnqueueRequest
from exora.domain.outcome import DONE, Settlement
from exora.errors import ConfigurationError, DatabaseUnavailable, NotFound, OutcomeUnknown
from exora.http.server import bind, serve
from exora.storage.supabase import SupabaseStorage
from exora.supabase.client import Project
from exora.supabase.keys import KeyRing
from tests.gateways import KEYS, local_project

App = Callable[[Any, Any, Any], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(app: Any, *, use_proxy: bool = False) -> AsyncIterator[Project]:
    """A project whose address leads to an application."""
    async with serve(app, bind("127.0.0.1", 0)) as port:
        url = f"http://127.0.0.1:{port}"
        yield Project(url, KeyRing(lambda: KEYS.service_role_key, url), BUCKET, use_proxy)


class LosesAnswers:
    """Lets every second request through to the end, and then answers as a proxy whose upstream went away."""

    def __init__(self, inner: App) -> None:
        self._inner = inner
        self._requests = 0
        self.lost = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self._requests += 1
        if self._requests % 2 == 0:
            await self._inner(scope, receive, send)
            return

        async def swallow(_: Any) -> None:
            """The answer goes nowhere; what it tells of is committed."""

        await self._inner(scope, receive, swallow)
        self.lost += 1
        await HTMLResponse("<h1>502</h1>", status_code=502)(scope, receive, send)


async def test_a_call_whose_answer_was_lost_is_repeated_and_answered_the_same(embedded_dsn: str) -> None:
    async with gateway(embedded_dsn, KEYS, BUCKET) as app:
        unreliable = LosesAnswers(app)
        async with serving(unreliable) as project:
            transport = open_transport(project)
            coordinator = WireCoordinator(transport)
            request = EnqueueRequest("report_generation", {}, idempotency_key="once")
            [answer] = await coordinator.enqueue([request])
            token = uuid4()
            [job] = await coordinator.claim(
                worker_id="w", claim_token=token, job_types=["report_generation"], lanes=None, limit=5, wait=False
            )
            assert job.job_id == answer.job_id
            assert job.fence.attempt == 1
            assert await coordinator.settle([Settlement(job.fence, DONE)]) == ["already"]  # by the call before
            [event, *_] = [item for item in await coordinator.timeline(job.job_id) if item.event == "job_completed"]
            assert event.attempt == 1
            await transport.close()
        assert unreliable.lost >= 4


async def test_what_may_not_be_repeated_is_not(embedded_dsn: str) -> None:
    async with gateway(embedded_dsn, KEYS, BUCKET) as app, serving(LosesAnswers(app)) as project:
        transport = open_transport(project)
        with pytest.raises(OutcomeUnknown):
            await WireCoordinator(transport).enqueue([EnqueueRequest("report_generation", {})])
        stats = await WireCoordinator(transport).queue_stats()
        assert sum(lane.ready for lane in stats) == 1
        await transport.close()


async def test_a_redirect_is_not_followed_with_the_key() -> None:
    seen = list[str]()

    async def elsewhere(request: Request) -> Response:
        seen.append(request.url.path)
        return RedirectResponse("/elsewhere", status_code=308)

    app = Starlette(routes=[Route("/{path:path}", elsewhere, methods=["GET", "POST"])])
    async with serving(app) as project:
        transport = open_transport(project)
        with pytest.raises(ConfigurationError, match="redirects elsewhere") as caught:
            await transport.call("whoami_v3", {}, repeatable=True)
        await transport.close()
    assert caught.value.field == "SUPABASE_URL"
    assert seen == ["/rest/v1/rpc/whoami_v3"]


async def test_proxies_are_heeded_only_when_asked_for(embedded_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with local_project(embedded_dsn) as project:
        transport = open_transport(project)
        [row] = await transport.call("whoami_v3", {}, repeatable=True)
        assert row["whoami_v3"] == "service_role"
        await transport.close()
        asked = SupabaseTransport(Project(project.url, project.keys, BUCKET, use_proxy=True))
        with pytest.raises(DatabaseUnavailable):
            await asked.call("whoami_v3", {}, repeatable=False)
        await asked.close()


async def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    silent = asyncio.Event()

    async def never(_: Request) -> Response:
        await silent.wait()
        return Response()

    app = Starlette(routes=[Route("/{path:path}", never, methods=["POST"])])
    async with serving(app) as project:
        transport = SupabaseTransport(project, timeout_s=0.2)
        with pytest.raises(OutcomeUnknown):
            await transport.call("whoami_v3", {}, repeatable=False)
        silent.set()
        await transport.close()


async def test_documents_are_stored_once_and_what_is_missing_is_said(embedded_dsn: str) -> None:
    path, content = f"{uuid4()}/a b/ü", b"%PDF"
    async with local_project(embedded_dsn) as project:
        storage = SupabaseStorage(project)
        await storage.put(path, content)
        await storage.put(path, content)
        assert await storage.get(path, 2**20) == content
        with pytest.raises(NotFound):
            await storage.get(f"{uuid4()}/missing", 2**20)
        other = SupabaseStorage(Project(project.url, project.keys, "no-such-bucket"))
        with pytest.raises(Exception, match="bucket") as caught:
            await other.get(path, 2**20)
        assert getattr(caught.value, "field", None) == "EXORA_STORAGE_BUCKET"
        await storage.close()
        await other.close()
