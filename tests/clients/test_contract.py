"""The local gateway's contract: one table of calls through both official clients, and the wire under them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import jwt
import pytest
from postgrest.exceptions import APIError
from storage3.exceptions import StorageApiError
from supabase import AsyncClient

from exora.dev.gateway.local import LocalProject, local_project
from tests.gateways import KEYS, official_client

HERE = Path(__file__).parent
CASES: list[dict[str, Any]] = json.loads((HERE / "cases.json").read_text(encoding="utf-8"))
USER = UUID("0000000a-0000-4000-8000-00000000000a")
PATIENT = "00000000-0000-4000-8000-000000000001"
_GATEWAY_KEYS = {
    "service": KEYS.service_role_key,
    "anon": KEYS.anon_key,
    "secret": KEYS.secret_key,
    "publishable": KEYS.publishable_key,
    "garbage": "garbage",
}


def _token(secret: str = KEYS.jwt_secret, algorithm: str = "HS256", **claims: object) -> str:
    return jwt.encode({"sub": str(USER), "exp": 4102444800, **claims}, secret, algorithm)


TOKENS = {
    "user": KEYS.user_token(USER),
    "expired": KEYS.user_token(USER, valid_s=-3600),
    "forged": _token("another secret of thirty-two bytes", role="service_role"),
    "unsigned": _token("", "none", role="service_role"),
    "superuser": _token(role="postgres"),
    "roleless": _token(),
}


@pytest.fixture
async def local(embedded_dsn: str) -> AsyncIterator[LocalProject]:
    """A local project whose database has the functions of the contract."""
    async with local_project(embedded_dsn, keys=KEYS) as local:
        db = await asyncpg.connect(embedded_dsn)
        await db.execute((HERE / "functions.sql").read_text(encoding="utf-8"))
        await db.execute("select public.register_patient_v3($1)", UUID(PATIENT))
        await db.close()
        # PostgREST, too, hears of new functions by a notification, a moment later.
        async with httpx.AsyncClient(base_url=local.url, headers={"apikey": KEYS.service_role_key}) as http:
            async with asyncio.timeout(5):
                while (await http.post("/rest/v1/rpc/c_int")).status_code == 404:
                    await asyncio.sleep(0.02)
        yield local


def filled(value: Any, saved: dict[str, Any]) -> Any:
    """A value with what earlier calls answered in place of names."""
    if isinstance(value, str):
        return saved[value[1:]] if value.startswith("$") else value
    if isinstance(value, list):
        return [filled(item, saved) for item in value]
    if isinstance(value, dict):
        return {name: filled(item, saved) for name, item in value.items()}
    return value


def check(case: dict[str, Any], result: dict[str, Any], saved: dict[str, Any]) -> list[str]:
    """What is wrong with a result."""
    wrong = []
    data: Any = result.get("data")
    if "code" in case:
        found = result.get("storage") if "storage" in case else result.get("code")
        if found != case["code"]:
            wrong.append(f"{case['name']}: code {found!r} ({result}), not {case['code']!r}")
    elif "code" in result:
        wrong.append(f"{case['name']}: refused: {result}")
    elif "keys" in case:
        row = data[0] if isinstance(data, list) else data
        if sorted(row) != case["keys"]:
            wrong.append(f"{case['name']}: {sorted(row)}, not {case['keys']}")
    elif "data" in case and result["data"] != filled(case["data"], saved):
        wrong.append(f"{case['name']}: {result['data']!r}, not {case['data']!r}")
    if result.get("status") and result["status"] != case.get("status", result["status"]):
        wrong.append(f"{case['name']}: HTTP {result['status']}, not {case['status']}")
    return wrong


async def test_supabase_js_finds_what_the_table_says(local: LocalProject) -> None:
    given = {"url": local.url, "keys": _GATEWAY_KEYS, "tokens": TOKENS, "bucket": local.bucket, "cases": CASES}
    node = await asyncio.create_subprocess_exec(
        "node", "run.mjs", cwd=HERE, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=None
    )
    out, _ = await node.communicate(json.dumps(given).encode())
    assert node.returncode == 0, "the JavaScript clients are missing? Run: make clients"
    results, saved, wrong = json.loads(out), {"user_id": str(USER)}, list[str]()
    for case, result in zip(CASES, results, strict=True):
        _save(case, result, saved)
        wrong += check(case, result, saved)
    assert not wrong, "\n".join(wrong)


async def test_supabase_py_finds_what_the_table_says(local: LocalProject) -> None:
    saved: dict[str, Any] = {"user_id": str(USER)}
    wrong = list[str]()
    clients: dict[tuple[str, str | None], AsyncClient] = {}
    async with contextlib.AsyncExitStack() as stack:
        for case in CASES:
            who = (case["key"], case.get("token"))
            if who not in clients:
                token = TOKENS[who[1]] if who[1] else None
                client = official_client(local.url, _GATEWAY_KEYS[who[0]], token)
                clients[who] = await stack.enter_async_context(client)
            asked = filled({name: value for name, value in case.items() if name != "data"}, saved)
            result = await _run(clients[who], asked, local.bucket)
            _save(case, result, saved)
            wrong += check(_as_python_says(case), result, saved)
    assert not wrong, "\n".join(wrong)


def _save(case: dict[str, Any], result: dict[str, Any], saved: dict[str, Any]) -> None:
    data: Any = result.get("data")
    for name, key in case.get("save", {}).items():
        saved[name] = (data[0] if isinstance(data, list) else data)[key]


def _as_python_says(case: dict[str, Any]) -> dict[str, Any]:
    """supabase-py answers an empty body with an empty list."""
    return case | {"data": []} if case.get("status") == 204 else case


async def _run(client: AsyncClient, case: dict[str, Any], bucket: str) -> dict[str, Any]:
    try:
        if "storage" in case:
            return {"data": await _storage(client.storage.from_(bucket), case)}
        query: Any
        if "rpc" in case:
            query = client.rpc(case["rpc"], case.get("arguments", {}), get=case.get("get", False))
        else:
            query = client.table(case["table"]).select(case.get("columns", "*"))
        for operator, column, value in case.get("filters", []):
            given = "null" if operator == "is" and value is None else value
            query = getattr(query, {"in": "in_", "is": "is_"}.get(operator, operator))(column, given)
        query = query.order(case["order"], desc=True) if "order" in case else query
        query = query.limit(case["limit"]) if "limit" in case else query
        query = query.single() if case.get("single") else query
        return {"data": (await query.execute()).data}
    except APIError as error:
        return {"code": error.code}
    except StorageApiError as error:
        return {"code": error.code, "storage": str(error.status)}


async def _storage(bucket: Any, case: dict[str, Any]) -> Any:
    verb = case["storage"]
    if verb == "upload":
        options = {"upsert": "true"} if case.get("upsert") else {}
        return await bucket.upload(case["path"], case["text"].encode(), options)
    if verb == "download":
        return (await bucket.download(case["path"])).decode()
    if verb == "list":
        return [item["name"] for item in await bucket.list(case["prefix"])]
    if verb == "sign":
        link = (await bucket.create_signed_url(case["path"], 60))["signedUrl"]
        async with httpx.AsyncClient() as http:
            return (await http.get(link)).text
    return [item["name"] for item in await bucket.remove(case["paths"])]


class TestWire:
    """What no client shows."""

    @pytest.fixture
    async def http(self, local: LocalProject) -> AsyncIterator[httpx.AsyncClient]:
        """Plain HTTP with the service key."""
        headers = {"apikey": KEYS.service_role_key}
        async with httpx.AsyncClient(base_url=local.url, headers=headers, timeout=30) as http:
            yield http

    async def test_errors_name_themselves_in_headers(self, http: httpx.AsyncClient) -> None:
        refused = await http.post("/rest/v1/rpc/c_raise", json={"p_state": "PT429"})
        assert refused.headers["proxy-status"] == "PostgREST; error=PT429"
        assert refused.json() == {"code": "PT429", "message": "refused", "details": "why", "hint": "do this"}
        stranger = await http.post("/rest/v1/rpc/c_int", headers={"Authorization": "Bearer nonsense"})
        assert (stranger.status_code, stranger.headers["www-authenticate"]) == (401, "Bearer")

    async def test_no_key_is_refused(self, local: LocalProject) -> None:
        async with httpx.AsyncClient(base_url=local.url) as http:
            assert (await http.post("/rest/v1/rpc/c_int")).status_code == 401
            assert (await http.get(f"/storage/v1/object/{local.bucket}/{PATIENT}/x")).status_code == 401

    async def test_void_has_neither_body_nor_type(self, http: httpx.AsyncClient) -> None:
        answer = await http.post("/rest/v1/rpc/c_void")
        assert (answer.status_code, answer.content) == (204, b"")
        assert "content-type" not in answer.headers

    async def test_a_body_that_is_no_json_object(self, http: httpx.AsyncClient) -> None:
        for body in (b"{", b"[1]", b"\xff"):
            assert (await http.post("/rest/v1/rpc/c_int", content=body)).json()["code"] == "PGRST102"

    async def test_counts_and_ranges(self, http: httpx.AsyncClient) -> None:
        answer = await http.get("/rest/v1/contract_rows?limit=2", headers={"Prefer": "count=exact"})
        assert answer.headers["content-range"] == "0-1/3"

    async def test_what_it_does_not_know_it_says(self, http: httpx.AsyncClient) -> None:
        for query in ("select=a(b)", "or=(id.eq.1)", "id=fts.x", "order=id.up"):
            assert (await http.get(f"/rest/v1/contract_rows?{query}")).json()["code"] == "PGRST100", query
        assert (await http.post("/rest/v1/contract_rows", json={"id": 4})).status_code == 405

    async def test_thirty_at_once_over_kept_connections(self, http: httpx.AsyncClient) -> None:
        answers = await asyncio.gather(
            *(http.post("/rest/v1/rpc/c_default", json={"p_a": number}) for number in range(90))
        )
        assert [answer.json() for answer in answers] == [number + 10 for number in range(90)]

    async def test_a_chunked_upload_of_fifty_megabytes_opens_no_file(self, http: httpx.AsyncClient) -> None:
        opened = list[str]()
        watching = True

        def watch(event: str, arguments: tuple[Any, ...]) -> None:
            if watching and event == "open" and arguments[2] & 3:  # not only for reading
                opened.append(str(arguments[0]))

        sys.addaudithook(watch)
        part = bytes(range(256)) * 4096

        async def parts() -> AsyncIterator[bytes]:
            for _ in range(50):
                yield part

        try:
            path = f"/storage/v1/object/medical-docs/{PATIENT}/large"
            assert (await http.post(path, content=parts())).status_code == 200
            assert (await http.get(path)).content == part * 50
        finally:
            watching = False
        assert opened == []

    @pytest.mark.parametrize("path", [f"{PATIENT}/%2e%2e/x", f"{PATIENT}//x", "nobody/x"])
    async def test_keys_that_could_lead_elsewhere_are_refused(self, http: httpx.AsyncClient, path: str) -> None:
        answer = await http.post(f"/storage/v1/object/medical-docs/{path}", content=b"x")
        assert (answer.status_code, answer.json()["code"]) == (400, "InvalidKey")

    async def test_another_bucket_is_not_found(self, http: httpx.AsyncClient) -> None:
        answer = await http.get(f"/storage/v1/object/other/{PATIENT}/x")
        assert answer.json()["code"] == "NoSuchBucket"

    async def test_an_upload_over_the_limit_is_refused(self, http: httpx.AsyncClient) -> None:
        async def endless() -> AsyncIterator[bytes]:
            for _ in range(101):
                yield bytes(1024 * 1024)

        answer = await http.post(f"/storage/v1/object/medical-docs/{PATIENT}/x", content=endless())
        assert answer.json()["statusCode"] == "413"
