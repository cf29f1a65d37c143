"""Local Supabase projects for tests: a database behind the gateway, on a port of its own."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from exora.dev.gateway.app import gateway
from exora.dev.gateway.keys import GatewayKeys
from exora.http.server import bind, serve
from exora.supabase.client import Project
from exora.supabase.keys import KeyRing

KEYS = GatewayKeys.derived("a secret of the tests")
BUCKET = "medical-docs"


@contextlib.asynccontextmanager
async def local_project(dsn: str, keys: GatewayKeys = KEYS) -> AsyncIterator[Project]:
    """A project with the database of this DSN, reached with its service key."""
    async with gateway(dsn, keys, BUCKET) as app, serve(app, bind("127.0.0.1", 0)) as port:
        url = f"http://127.0.0.1:{port}"
        yield Project(url, KeyRing(lambda: keys.service_role_key, url), BUCKET)
