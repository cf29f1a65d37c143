"""/storage/v1: one private bucket over the embedded store. Bodies stay in memory; nothing is spooled to disk."""

from __future__ import annotations

import re
import time
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import asyncpg
import jwt
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from exora.dev.gateway.faults import Refusal
from exora.dev.gateway.keys import Caller, GatewayKeys
from exora.dev.gateway.session import transaction

_MAX_BYTES = 100 * 1024 * 1024
_BAD = frozenset({"", ".", ".."})


class StorageRefusal(Exception):
    """An error in Storage's form: HTTP 400 mostly, the real status in the body."""

    def __init__(self, status: int, code: str, message: str, *, http: int = 400) -> None:
        super().__init__(message)
        self.http = http
        self.body = {"statusCode": str(status), "code": code, "error": code, "message": message}

    def response(self) -> Response:
        """The answer."""
        return JSONResponse(self.body, status_code=self.http)


class LocalStorage:
    """The endpoints of objects.

    Args:
        pool: connections.
        keys: say who asks.
        bucket: the one bucket there is.
    """

    def __init__(self, pool: asyncpg.Pool, keys: GatewayKeys, bucket: str) -> None:
        self._pool = pool
        self._keys = keys
        self._bucket = bucket

    async def put(self, request: Request) -> Response:
        """POST (create; x-upsert overwrites) or PUT (overwrite) /object/{bucket}/{path}."""
        path = await self._allowed(request)
        content = _content(await _body(request), request.headers.get("content-type", ""))
        replace = request.method == "PUT" or request.headers.get("x-upsert", "").lower() == "true"
        verb = "select exora.replace_object($1, $2)" if replace else "select exora.create_object($1, $2)"
        try:
            if not await self._pool.fetchval(verb, path, content):
                raise StorageRefusal(409, "Duplicate", "The resource already exists")
        except asyncpg.CheckViolationError:
            raise StorageRefusal(
                400, "InvalidKey", "Invalid key: the first folder must be a patient's id (a UUID)"
            ) from None
        return JSONResponse({"Key": f"{self._bucket}/{path}", "Id": str(uuid5(NAMESPACE_URL, path))})

    async def get(self, request: Request) -> Response:
        """GET /object/{bucket}/{path}, also under /object/authenticated."""
        return await self._download(await self._allowed(request), request)

    async def signed(self, request: Request) -> Response:
        """GET /object/sign/{bucket}/{path}?token=…: whoever has the link may read."""
        path = self._path(request)
        try:
            claims = jwt.decode(request.query_params.get("token", ""), self._keys.jwt_secret, algorithms=["HS256"])
        except jwt.PyJWTError:
            raise StorageRefusal(400, "InvalidJWT", "The token does not hold") from None
        if claims.get("url") != f"{self._bucket}/{path}":
            raise StorageRefusal(400, "InvalidJWT", "The token is of another object")
        return await self._download(path, request)

    async def sign(self, request: Request) -> Response:
        """POST /object/sign/{bucket}/{path} {expiresIn}."""
        path = await self._allowed(request)
        valid_s = _number(await _json(request), "expiresIn", 60)
        if await self._pool.fetchval("select exora.get_object($1) is null", path):
            raise StorageRefusal(404, "NoSuchKey", "Object not found")
        claims = {"url": f"{self._bucket}/{path}", "exp": int(time.time()) + valid_s}
        token = jwt.encode(claims, self._keys.jwt_secret, "HS256")
        return JSONResponse({"signedURL": f"/object/sign/{self._bucket}/{path}?token={token}"})  # clients encode it

    async def info(self, request: Request) -> Response:
        """GET /object/info/{bucket}/{path}."""
        path = await self._allowed(request)
        content = await self._pool.fetchval("select exora.get_object($1)", path)
        if content is None:
            raise StorageRefusal(404, "NoSuchKey", "Object not found")
        return JSONResponse(
            {"id": str(uuid5(NAMESPACE_URL, path)), "name": path, "bucket_id": self._bucket, "size": len(content)}
        )

    async def list(self, request: Request) -> Response:
        """POST /object/list/{bucket} {prefix, limit, offset}: one level, folders with a null id."""
        self._check_bucket(request)
        await self._service_only(request)
        asked = await _json(request)
        folder = str(asked.get("prefix") or "").strip("/")
        rows = await self._pool.fetch(
            "select * from exora.list_objects($1, $2, $3)",
            f"{folder}/" if folder else "",
            _number(asked, "limit", 100),
            _number(asked, "offset", 0),
        )
        return JSONResponse([_entry(row) for row in rows])

    async def remove(self, request: Request) -> Response:
        """DELETE /object/{bucket} {prefixes} or /object/{bucket}/{path}."""
        await self._service_only(request)
        if "path" in request.path_params:
            paths = [self._path(request)]
        else:
            self._check_bucket(request)
            asked = (await _json(request)).get("prefixes", [])
            paths = [path for path in asked if isinstance(path, str)] if isinstance(asked, list) else []
        rows = await self._pool.fetch("select exora.remove_objects($1) as name", paths)
        return JSONResponse([{"name": row["name"], "bucket_id": self._bucket} for row in rows])

    async def bucket(self, request: Request) -> Response:
        """GET /bucket/{bucket}."""
        self._check_bucket(request)
        await self._service_only(request)
        return JSONResponse({"id": self._bucket, "name": self._bucket, "public": False})

    async def _allowed(self, request: Request) -> str:
        """The path, if the caller may reach it: service_role all, a user the folders of patients with access."""
        caller, path = self._caller(request), self._path(request)
        if caller.role == "service_role":
            return path
        try:
            patient = UUID(path.split("/")[0])
        except ValueError:
            patient = None
        if caller.role == "authenticated" and patient is not None:
            async with transaction(self._pool, request, caller, reads=True) as connection:
                if await connection.fetchval("select public.has_profile_access($1)", patient):
                    return path
        raise StorageRefusal(403, "Unauthorized", "new row violates row-level security policy")

    async def _service_only(self, request: Request) -> None:
        if self._caller(request).role != "service_role":
            raise StorageRefusal(403, "Unauthorized", "only service_role may do this here")

    def _caller(self, request: Request) -> Caller:
        try:
            return self._keys.caller(request)
        except Refusal as refusal:
            raise StorageRefusal(403, "Unauthorized", str(refusal), http=refusal.status) from None

    def _check_bucket(self, request: Request) -> None:
        if request.path_params["bucket"] != self._bucket:
            raise StorageRefusal(404, "NoSuchBucket", "Bucket not found")

    def _path(self, request: Request) -> str:
        self._check_bucket(request)
        path = str(request.path_params["path"])
        if any(part in _BAD for part in path.split("/")) or not path.isprintable() or "\\" in path:
            raise StorageRefusal(400, "InvalidKey", "Invalid key")
        return path

    async def _download(self, path: str, request: Request) -> Response:
        content = await self._pool.fetchval("select exora.get_object($1)", path)
        if content is None:
            raise StorageRefusal(404, "NoSuchKey", "Object not found")
        headers = {"Content-Length": str(len(content))}
        body = b"" if request.method == "HEAD" else content
        return Response(body, media_type="application/octet-stream", headers=headers)


def _entry(row: asyncpg.Record) -> dict[str, Any]:
    if row["size_bytes"] is None:
        return {"name": row["name"], "id": None, "metadata": None}
    return {
        "name": row["name"],
        "id": str(uuid5(NAMESPACE_URL, row["name"])),
        "created_at": row["created_at"].isoformat(),
        "metadata": {"size": row["size_bytes"]},
    }


async def _json(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise StorageRefusal(400, "InvalidRequest", "The body is no JSON object")
    return body


def _number(asked: dict[str, Any], name: str, default: int) -> int:
    value = str(asked.get(name) or default)  # the Python client sends numbers as strings
    if not re.fullmatch(r"[0-9]{1,9}", value):
        raise StorageRefusal(400, "InvalidRequest", f"{name} is no number of this API")
    return int(value)


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > _MAX_BYTES:
            raise StorageRefusal(413, "EntityTooLarge", "The object exceeded the maximum allowed size")
        parts.append(part)
    return b"".join(parts)


def _content(body: bytes, content_type: str) -> bytes:
    """The file of an upload: the body itself, or the part of a form that is a file (both clients send forms)."""
    kind, _, rest = content_type.partition(";")
    if kind.strip().lower() != "multipart/form-data":
        return body
    boundary = rest.partition("boundary=")[2].strip().strip('"').encode()
    for part in body.split(b"--" + boundary)[1:-1] if boundary else []:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if b"filename=" in head.lower():
            return content.removesuffix(b"\r\n")
    raise StorageRefusal(400, "InvalidRequest", "The form holds no file")
