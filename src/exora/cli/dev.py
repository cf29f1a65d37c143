"""exora dev: a local Supabase project to build against: a database, REST, Storage and keys, on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from typing import Annotated

import typer

from exora.app import migrate_schema
from exora.cli.database import direct_database
from exora.cli.output import out, run
from exora.dev.gateway.local import LocalProject, local_project
from exora.observe.logs import configure_logs
from exora.settings import read_settings
from exora.testing.providers.answers import read_here
from exora.testing.providers.limits import Limits
from exora.testing.providers.openai import OpenAIServer
from exora.testing.providers.vision import VisionServer

_PORT = 54321


def dev(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the gateway, on 127.0.0.1; 0 = any free one.")
    ] = _PORT,
    ephemeral: Annotated[bool, typer.Option("--ephemeral", help="A fresh database; keep nothing afterwards.")] = False,
    apis: Annotated[bool, typer.Option("--apis", help="Run stand-ins of OpenAI and Google Vision as well.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON when ready.")] = False,
) -> None:
    """Run a local Supabase project until SIGTERM or Ctrl-C: point supabase-js, supabase-py or a worker at it."""
    settings = read_settings()
    configure_logs(settings.log_level)
    with direct_database(settings, ephemeral=ephemeral) as dsn:
        run(_serve(dsn, port, apis, as_json))


async def _serve(dsn: str, port: int, apis: bool, as_json: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await migrate_schema(dsn)
    async with local_project(dsn, port=port) as local, contextlib.AsyncExitStack() as stack:
        providers = await _stand_ins(stack) if apis else {}
        _say(local, providers, as_json)
        await stop.wait()


async def _stand_ins(stack: contextlib.AsyncExitStack) -> dict[str, str]:
    """Stand-ins of the providers with the limits of new accounts; returns the variables that lead to them."""
    chat = OpenAIServer(Limits(500, 200_000), latency_s=0.5, reply=read_here)
    vision = VisionServer(Limits(1800))
    return {
        "OPENAI_API_KEY": "test-key",
        "OPENAI_BASE_URL": await stack.enter_async_context(chat.serve()),
        "GOOGLE_CLOUD_API_KEY": "test-key",
        "GOOGLE_VISION_BASE_URL": await stack.enter_async_context(vision.serve()),
    }


def _say(local: LocalProject, providers: dict[str, str], as_json: bool) -> None:
    if as_json:
        line = {
            "url": local.url,
            "anon_key": local.keys.anon_key,
            "service_role_key": local.keys.service_role_key,
            "jwt_secret": local.keys.jwt_secret,
            "database_url": local.dsn,
        } | {name.lower(): value for name, value in providers.items()}
        print(json.dumps(line), flush=True)
        return
    lines = {
        "SUPABASE_URL": local.url,
        "SUPABASE_ANON_KEY": local.keys.anon_key,
        "SUPABASE_SERVICE_ROLE_KEY": local.keys.service_role_key,
        "SUPABASE_JWT_SECRET": local.keys.jwt_secret,
    } | providers
    out.print("A local Supabase project. Its keys are for this machine only; Ctrl-C ends it.\n")
    for name, value in lines.items():
        out.print(f"export {name}={value}", soft_wrap=True, highlight=False)
    out.print("\nThen, in another terminal with these lines:  exora worker")
