"""The gateway as a web application over one database."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from exora.dev.gateway.catalog import Catalog
from exora.dev.gateway.faults import Refusal, of_database
from exora.dev.gateway.keys import GatewayKeys
from exora.dev.gateway.rest import Rest
from exora.dev.gateway.session import open_pool
from exora.dev.gateway.storage import LocalStorage, StorageRefusal

_log = structlog.get_logger("exora.dev.gateway")

Endpoint = Callable[[Request], Awaitable[Response]]


@contextlib.asynccontextmanager
async def gateway(dsn: str, keys: GatewayKeys, bucket: str) -> AsyncIterator[Starlette]:
    """The application, connected to its database until the block ends.

    Args:
        dsn: a migrated database; its user must be able to become anon, authenticated and service_role.
        keys: the project's.
        bucket: the one bucket there is.
    """
    pool = await open_pool(dsn)
    catalog = Catalog()
    listener = await asyncpg.connect(dsn)
    reloads: set[asyncio.Task[None]] = set()

    def reload(*_: object) -> None:
        task = asyncio.ensure_future(catalog.load(pool))
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    try:
        await listener.add_listener("pgrst", reload)  # `notify pgrst` after a migration, as PostgREST has it
        await catalog.load(pool)
        yield _application(Rest(pool, keys, catalog), LocalStorage(pool, keys, bucket), keys)
    finally:
        listener.terminate()
        for task in reloads:
            task.cancel()
        pool.terminate()


def _application(rest: Rest, storage: LocalStorage, keys: GatewayKeys) -> Starlette:
    path, bucket = "/storage/v1/object/{bucket}/{path:path}", "/storage/v1/object"
    routes = [
        ("/rest/v1/rpc/{name}", rest.call, ["POST", "GET"]),
        ("/rest/v1/{table}", rest.read, ["GET", "POST", "PATCH", "PUT", "DELETE"]),
        (f"{bucket}/list/{{bucket}}", storage.list, ["POST"]),
        (f"{bucket}/sign/{{bucket}}/{{path:path}}", storage.sign, ["POST"]),
        (f"{bucket}/sign/{{bucket}}/{{path:path}}", storage.signed, ["GET"]),
        (f"{bucket}/info/{{bucket}}/{{path:path}}", storage.info, ["GET"]),
        (f"{bucket}/info/authenticated/{{bucket}}/{{path:path}}", storage.info, ["GET"]),
        (f"{bucket}/authenticated/{{bucket}}/{{path:path}}", storage.get, ["GET"]),
        (f"{bucket}/{{bucket}}", storage.remove, ["DELETE"]),
        (path, storage.put, ["POST", "PUT"]),
        (path, storage.get, ["GET"]),
        (path, storage.remove, ["DELETE"]),
        ("/storage/v1/bucket/{bucket}", storage.bucket, ["GET"]),
    ]
    return Starlette(
        routes=[Route(route, _guarded(endpoint, keys), methods=methods) for route, endpoint, methods in routes]
    )


def _guarded(endpoint: Endpoint, keys: GatewayKeys) -> Endpoint:
    """The endpoint, whose errors are answers."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except (Refusal, StorageRefusal) as refusal:
            return refusal.response()
        except asyncpg.PostgresError as error:
            return of_database(error, keys.caller(request).role)
        except (OSError, asyncpg.InterfaceError) as error:
            _log.warning("database_unavailable", error_class=type(error).__name__)
            body = {"code": "PGRST002", "message": "Could not query the database", "details": None, "hint": None}
            return JSONResponse(body, status_code=503)

    return answer
