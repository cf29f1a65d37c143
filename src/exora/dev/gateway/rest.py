"""/rest/v1: functions and tables, in PostgREST's shapes."""

from __future__ import annotations

import json
from typing import Any

import asyncpg
from starlette.requests import Request
from starlette.responses import Response

from exora.dev.gateway.catalog import Catalog, Function, quoted
from exora.dev.gateway.faults import Refusal
from exora.dev.gateway.keys import GatewayKeys
from exora.dev.gateway.query import Query, parse
from exora.dev.gateway.session import transaction

_JSON = "application/json; charset=utf-8"
_SINGLE = "application/vnd.pgrst.object+json"


class Rest:
    """The two endpoints.

    Args:
        pool: connections.
        keys: say who asks.
        catalog: the functions.
    """

    def __init__(self, pool: asyncpg.Pool, keys: GatewayKeys, catalog: Catalog) -> None:
        self._pool = pool
        self._keys = keys
        self._catalog = catalog

    async def call(self, request: Request) -> Response:
        """POST or GET /rest/v1/rpc/{name}."""
        caller = self._keys.caller(request)
        arguments, query_items = await _arguments(request)
        function = self._catalog.function(request.path_params["name"], frozenset(arguments))
        if request.method in ("GET", "HEAD"):
            query_items = [item for item in query_items if item[0] not in function.arguments]
        body = json.dumps(arguments)
        reads = function.reads_only or request.method in ("GET", "HEAD")
        async with transaction(self._pool, request, caller, reads=reads) as connection:
            return await _answer(connection, function, frozenset(arguments), body, parse(query_items), request)

    async def read(self, request: Request) -> Response:
        """GET /rest/v1/{table}."""
        caller = self._keys.caller(request)
        if request.method not in ("GET", "HEAD"):
            raise Refusal(405, "PGRST117", "The local gateway reads tables; write through functions")
        query = parse(request.query_params.multi_items())
        table = request.path_params["table"]
        if "\0" in table:  # PostgreSQL has no such character
            raise Refusal(404, "PGRST205", "Could not find this table in the schema cache")
        source = f"public.{quoted(table)} as _r"
        async with transaction(self._pool, request, caller, reads=True) as connection:
            total = None
            if "count=exact" in request.headers.get("prefer", ""):
                total = await connection.fetchval(f"select count(*) from {source}{query.where}")  # noqa: S608
            try:
                return await _rows(connection, source, [], query, request, total)
            except asyncpg.UndefinedTableError as error:
                raise Refusal(404, "PGRST205", "Could not find the table in the schema cache") from error


async def _arguments(request: Request) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    items = request.query_params.multi_items()
    if request.method in ("GET", "HEAD"):
        return {name: value for name, value in items if "." not in value and name not in ("select", "order")}, items
    content = await request.body()
    try:
        body = json.loads(content) if content else {}
    except (ValueError, RecursionError):
        raise Refusal(400, "PGRST102", "Empty or invalid json") from None
    if not isinstance(body, dict):
        raise Refusal(400, "PGRST102", "All object keys must match")
    return body, items


async def _answer(
    connection: Any, function: Function, names: frozenset[str], body: str, query: Query, request: Request
) -> Response:
    source, values = function.call(names), [body] if names else []
    if function.void:
        await connection.fetch(f"select _r.* from {source}", *values)  # noqa: S608  names are quoted
        return Response(status_code=204)
    if function.returns_set and function.composite:
        return await _rows(connection, source, values, query, request, None)
    if function.returns_set:
        sql = f"select coalesce(pg_catalog.json_agg(_r.value), '[]')::text from {source}"  # noqa: S608
    elif function.composite:
        sql = f"select pg_catalog.row_to_json(_q)::text from (select _r.* from {source}) _q"  # noqa: S608
    else:
        sql = f"select coalesce(pg_catalog.to_json(_r.value)::text, 'null') from {source}"  # noqa: S608
    return Response(await connection.fetchval(sql, *values), media_type=_JSON)


async def _rows(
    connection: Any, source: str, values: list[str], query: Query, request: Request, total: int | None
) -> Response:
    """Rows as an array, or as one object when the caller asks for just one."""
    sql = f"select {query.columns} from {source}{query.where}{query.page}"  # noqa: S608
    row = await connection.fetchrow(
        f"select coalesce(pg_catalog.json_agg(_q), '[]')::text as body, count(*) as rows from ({sql}) _q",  # noqa: S608
        *values,
    )
    rows, body = row["rows"], row["body"]
    if _SINGLE in request.headers.get("accept", ""):
        if rows != 1:
            message = "Cannot coerce the result to a single JSON object"
            raise Refusal(406, "PGRST116", message, details=f"The result contains {rows} rows")
        return Response(body[1:-1].strip(), media_type=f"{_SINGLE}; charset=utf-8")
    span = f"0-{rows - 1}" if rows else "*"
    headers = {"Content-Range": f"{span}/{'*' if total is None else total}"}
    return Response(b"" if request.method == "HEAD" else body, media_type=_JSON, headers=headers)
