"""exora worker: claim and process jobs until told to stop; HTTP on the side."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Annotated

import structlog
import typer

from exora import __version__
from exora.app import Target, open_worker
from exora.cli.database import database, services
from exora.cli.output import run
from exora.errors import BadInput, ConfigurationError
from exora.http.access import Access
from exora.http.live import LiveWorker
from exora.http.server import application, bind, serve
from exora.observe.build import this_build
from exora.observe.logs import configure_logs
from exora.observe.sentry import start_sentry
from exora.observe.tracing import start_tracing, tracing
from exora.settings import Settings, read_settings
from exora.worker.config import WorkerConfig, new_worker_id

_log = structlog.get_logger("exora.cli.worker")


def worker(
    concurrency: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Slots; default WORKER_CONCURRENCY or 50.")
    ] = None,
    modules: Annotated[
        list[str] | None,
        typer.Option("--import", metavar="MODULE", help="Import this module first: its handlers are served, too."),
    ] = None,
    lane: Annotated[list[str] | None, typer.Option(help="Serve only this lane; may be repeated.")] = None,
    pool_size: Annotated[
        int | None, typer.Option(min=1, max=256, help="Child processes for pages; default: CPUs.")
    ] = None,
    http: Annotated[bool, typer.Option(help="Serve /health, /ready, /metrics and /dashboard on PORT (10000).")] = True,
) -> None:
    """Run a worker. SIGTERM drains it: running jobs may finish, the rest is given back; a second one hurries."""
    settings = read_settings()
    observe(settings)
    if modules:
        import_handlers(modules)
    config = WorkerConfig(
        worker_id=new_worker_id(settings.worker_id),
        concurrency=concurrency or settings.worker_concurrency,
        lanes=tuple(lane) if lane else None,
        drain_s=settings.drain_s,
        version=str(this_build(settings.commit)),
    )
    listener = bind("0.0.0.0", settings.http_port) if http else None  # noqa: S104  the platform's probe comes from outside
    with database(settings) as target:
        run(_work(settings, target, config, pool_size, listener))


def observe(settings: Settings) -> None:
    """Set up logs, and Sentry and traces where they are asked for."""
    also = None
    if settings.sentry_dsn is not None:
        also = start_sentry(settings.sentry_dsn, environment=settings.app_env, release=__version__)
    configure_logs("debug" if settings.verbose else settings.log_level, also=also)
    if settings.otel_endpoint is not None:
        start_tracing(settings.otel_endpoint, version=__version__, environment=settings.app_env)


def import_handlers(modules: Sequence[str]) -> None:
    """Import modules that register handlers with ``@exora.handler``; they may lie in the current directory.

    Raises:
        BadInput: there is no such module. What goes wrong inside of one comes out as it is.
    """
    sys.path.insert(0, os.getcwd())
    for module in modules:
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise
            raise BadInput(
                f"there is no module {module}",
                field="--import",
                remedy="Name it as Python imports it, and start the worker where it lies, or install it",
            ) from None


async def _work(
    settings: Settings, target: Target, config: WorkerConfig, pool_size: int | None, listener: socket.socket | None
) -> None:
    async with (
        services(settings, target) as exora,
        open_worker(exora, config, vision=settings.vision, openai=settings.openai, pool_size=pool_size) as running,
        contextlib.AsyncExitStack() as stack,
    ):
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _reread_key, settings)
        if listener is not None:
            access = Access(settings.read_token, settings.operate_token, open_reads=not settings.production_like)
            app = application(
                LiveWorker(running), exora.coordinator, access, before_ready=lambda: _reread_key(settings)
            )
            port = await stack.enter_async_context(serve(app, listener))
            _log.info("http_listening", port=port, version=__version__, app_env=settings.app_env)
        await running.run()
    tracing.stop()
    if running.failed:
        raise typer.Exit(1)


def _reread_key(settings: Settings) -> None:
    """Take up a rotated key; a bad one is said and not taken."""
    if settings.project is None:
        return
    try:
        if settings.project.keys.reread():
            _log.info("supabase_key_changed")
    except ConfigurationError as error:
        _log.error("supabase_key_refused", error_class=type(error).__name__, error_code=error.code)
