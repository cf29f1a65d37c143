"""Local Supabase projects for tests: a database behind the gateway, on a port of its own."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import AsyncIterator

import httpx
from supabase import AsyncClient, AsyncClientOptions, acreate_client

from exora.dev.gateway.keys import GatewayKeys
from exora.dev.gateway.local import local_project as serve_project
from exora.supabase.client import Project

KEYS = GatewayKeys.derived("a secret of the tests")


@contextlib.asynccontextmanager
async def local_project(dsn: str) -> AsyncIterator[Project]:
    """A project with the database of this DSN, reached with its service key."""
    async with serve_project(dsn, keys=KEYS) as local:
        yield local.project()


@contextlib.asynccontextmanager
async def official_client(url: str, key: str, token: str | None = None) -> AsyncIterator[AsyncClient]:
    """The official Python client, and the token of a user who signed in, if any."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(timeout=10) as http:
        client = await acreate_client(url, key, AsyncClientOptions(headers=headers, httpx_client=http))
        with warnings.catch_warnings():  # its parts are made when first used, in a way they call deprecated
            warnings.simplefilter("ignore", DeprecationWarning)
            assert client.storage is not None
            assert client.postgrest is not None
        yield client
