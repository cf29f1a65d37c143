"""One request, one transaction: role, claims and limits are set in it and end with it, as PostgREST does."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
from starlette.requests import Request

from exora.dev.gateway.catalog import literal
from exora.dev.gateway.keys import Caller

#: Supabase's: a statement of anon is cut off after 3 s, of the others after 8 s.
_TIMEOUT_S = {"anon": 3, "authenticated": 8, "service_role": 8}
_CONNECTIONS = 10


class _Connection(asyncpg.Connection):
    """Nothing outlives a transaction here, so there is nothing to reset."""

    def get_reset_query(self) -> str:
        return ""


async def open_pool(dsn: str) -> asyncpg.Pool:
    """The connections of the gateway."""
    return await asyncpg.create_pool(dsn, min_size=1, max_size=_CONNECTIONS, connection_class=_Connection)


@contextlib.asynccontextmanager
async def transaction(pool: asyncpg.Pool, request: Request, caller: Caller, *, reads: bool) -> AsyncIterator[Any]:
    """A connection in a transaction of the caller's role; committed unless the block raises."""
    settings = {
        "search_path": "public",
        "statement_timeout": f"{_TIMEOUT_S[caller.role]}s",
        "request.jwt.claims": json.dumps(caller.claims),
        "request.headers": json.dumps(
            {name: value for name, value in request.headers.items() if name not in ("apikey", "authorization")}
        ),
        "request.method": request.method,
        "request.path": request.scope["path"],
        "role": caller.role,
    }
    begin = "; ".join(f"select pg_catalog.set_config({literal(k)}, {literal(v)}, true)" for k, v in settings.items())
    async with pool.acquire() as connection:
        await connection.execute(f"begin {'read only' if reads else 'read write'}; {begin}")
        try:
            yield connection
        except BaseException:
            if not connection.is_closed():
                await connection.execute("rollback")
            raise
        await connection.execute("commit")
