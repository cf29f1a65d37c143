"""Local Supabase projects for tests: a database behind the gateway, on a port of its own."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from exora.dev.gateway.keys import GatewayKeys
from exora.dev.gateway.local import local_project as serve_project
from exora.supabase.client import Project

KEYS = GatewayKeys.derived("a secret of the tests")


@contextlib.asynccontextmanager
async def local_project(dsn: str) -> AsyncIterator[Project]:
    """A project with the database of this DSN, reached with its service key."""
    async with serve_project(dsn, keys=KEYS) as local:
        yield local.project()
