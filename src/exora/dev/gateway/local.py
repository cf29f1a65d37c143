"""A local Supabase project: a database behind the gateway, at a loopback address, with keys of its own."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from exora.dev.gateway.app import gateway
from exora.dev.gateway.keys import GatewayKeys
from exora.http.server import bind, serve
from exora.supabase.client import Project
from exora.supabase.keys import KeyRing

BUCKET = "medical-docs"
_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class LocalProject:
    """Where it is and how to get in.

    Attributes:
        url: SUPABASE_URL.
        keys: its keys.
        dsn: its database. Holds a password.
        bucket: its bucket.
    """

    url: str
    keys: GatewayKeys
    dsn: str
    bucket: str

    def project(self) -> Project:
        """It, as a worker reaches it with the service role key."""
        return Project(self.url, KeyRing(lambda: self.keys.service_role_key, self.url), self.bucket)


@contextlib.asynccontextmanager
async def local_project(
    dsn: str, *, port: int = 0, keys: GatewayKeys | None = None, bucket: str = BUCKET
) -> AsyncIterator[LocalProject]:
    """Serve a migrated database as a project until the block ends.

    Args:
        dsn: the database.
        port: 0 = any free one.
        keys: None = those that belong to the database's password, the same at every start.
        bucket: the one bucket there is.
    """
    made = keys or GatewayKeys.derived(urlsplit(dsn).password or secrets.token_hex(32))
    async with gateway(dsn, made, bucket) as app, serve(app, bind(_HOST, port)) as number:
        yield LocalProject(f"http://{_HOST}:{number}", made, dsn, bucket)
