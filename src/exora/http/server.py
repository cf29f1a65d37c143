"""The HTTP server inside a worker's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from exora.coordination.port import Coordinator
from exora.errors import ConfigurationError, ExoraError
from exora.http.access import Access, Machines, Scope
from exora.http.dashboard.site import Site
from exora.http.health import health
from exora.http.live import LiveWorker
from exora.http.metrics import CONTENT_TYPE, Metrics
from exora.http.ready import accepts_work, ready
from exora.http.watch import OLD_S, Watch

_NO_STORE = {"Cache-Control": "no-store"}
_CLOSED = "Send EXORA_READ_TOKEN or EXORA_OPERATE_TOKEN as a bearer token; without one of them set, this is closed.\n"


def _nothing() -> None:
    """Nothing to do first."""


def application(
    worker: LiveWorker,
    coordinator: Coordinator,
    access: Access,
    *,
    before_ready: Callable[[], None] = _nothing,
    old_s: float = OLD_S,
) -> Starlette:
    """The routes: /health for everybody; /ready, whose details, and /metrics, which need a token; the
    dashboard, if there is any token. ``old_s``: age at which the picture of the database is looked up anew."""
    watch = Watch(coordinator, old_s)
    metrics = Metrics(worker)
    machines = Machines(access)

    async def get_health(_: Request) -> JSONResponse:
        return JSONResponse(health(worker), status_code=200 if worker.alive else 503, headers=_NO_STORE)

    async def get_ready(request: Request) -> JSONResponse:
        scope = machines.scope(request)
        before_ready()  # reads a rotated key again
        body = ready(worker, await watch.look())
        code = 200 if accepts_work(body["status"]) else 503
        if scope < Scope.READ:
            body = {"status": body["status"]}
        return JSONResponse(body, status_code=code, headers=_NO_STORE)

    async def get_metrics(request: Request) -> Response:
        if machines.scope(request) < Scope.READ:
            return PlainTextResponse(_CLOSED, status_code=401, headers={"WWW-Authenticate": "Bearer"} | _NO_STORE)
        return Response(metrics.render(await watch.look()), media_type=CONTENT_TYPE, headers=_NO_STORE)

    routes: list[BaseRoute] = [
        Route("/health", get_health, methods=["GET"]),
        Route("/ready", get_ready, methods=["GET"]),
        Route("/metrics", get_metrics, methods=["GET"]),
    ]
    if not access.enabled:
        return Starlette(routes=routes)
    site = Site(coordinator, watch, access)
    handlers = {HTTPException: site.failed, ExoraError: site.failed, Exception: site.failed}
    return Starlette(routes=[*routes, site.mount()], exception_handlers=handlers)


def bind(host: str, port: int) -> socket.socket:
    """Take the port before anything else starts, so that a taken one is an error at once.

    Args:
        host: address to listen on.
        port: 0 = any free one.

    Raises:
        ConfigurationError: the port is taken or not allowed.
    """
    # By name: asyncio turns Nagle's algorithm off only where the protocol says TCP; else each answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        reason = "is taken by another process" if error.errno == errno.EADDRINUSE else "cannot be used"
        raise ConfigurationError(
            f"port {port} {reason}", field="PORT", remedy="Set PORT to a free port, or to 0 for any"
        ) from error
    return listener


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the worker's drain decides when the process ends."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@contextlib.asynccontextmanager
async def serve(app: Starlette, listener: socket.socket) -> AsyncIterator[int]:
    """Serve until the block ends; yields the port."""
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", server_header=False)
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]), name="exora-http")
    try:
        await server.listening.wait()
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await asyncio.gather(task, return_exceptions=True)
