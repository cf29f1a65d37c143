"""exora worker: claim and process jobs until told to stop; HTTP on the side."""

from __future__ import annotations

import contextlib
import socket
from typing import Annotated

import structlog
import typer

from exora import __version__
from exora.app import open_worker
from exora.cli.database import database, services
from exora.cli.output import run
from exora.http.access import Access
from exora.http.live import LiveWorker
from exora.http.server import application, bind, serve
from exora.observe.logs import configure_logs
from exora.settings import Settings, read_settings
from exora.worker.config import WorkerConfig, new_worker_id

_log = structlog.get_logger("exora.cli.worker")


def worker(
    concurrency: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Slots; default WORKER_CONCURRENCY or 50.")
    ] = None,
    lane: Annotated[list[str] | None, typer.Option(help="Serve only this lane; may be repeated.")] = None,
    pool_size: Annotated[
        int | None, typer.Option(min=1, max=256, help="Child processes for pages; default: CPUs.")
    ] = None,
    http: Annotated[bool, typer.Option(help="Serve /health, /ready, /metrics and /dashboard on PORT (10000).")] = True,
) -> None:
    """Run a worker. SIGTERM drains it: running jobs may finish, the rest is given back; a second one hurries."""
    settings = read_settings()
    configure_logs(settings.log_level)
    config = WorkerConfig(
        worker_id=new_worker_id(settings.worker_id),
        concurrency=concurrency or settings.worker_concurrency,
        lanes=tuple(lane) if lane else None,
        drain_s=settings.drain_s,
    )
    listener = bind("0.0.0.0", settings.http_port) if http else None  # noqa: S104  the platform's probe comes from outside
    with database(settings) as dsn:
        run(_work(settings, dsn, config, pool_size, listener))


async def _work(
    settings: Settings, dsn: str, config: WorkerConfig, pool_size: int | None, listener: socket.socket | None
) -> None:
    async with (
        services(settings, dsn) as exora,
        open_worker(exora, config, pool_size=pool_size) as running,
        contextlib.AsyncExitStack() as stack,
    ):
        if listener is not None:
            access = Access(settings.read_token, settings.operate_token, open_reads=not settings.production_like)
            app = application(LiveWorker(running), exora.coordinator, access)
            port = await stack.enter_async_context(serve(app, listener))
            _log.info("http_listening", port=port, version=__version__, app_env=settings.app_env)
        await running.run()
