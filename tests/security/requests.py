"""Requests as nobody should send them, as bytes on a connection."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import strategies as st

_PATIENCE_S = 20.0
_MOMENT_S = 0.1

odd_text = st.one_of(
    st.sampled_from(
        [
            "",
            "\x00",
            "²",
            "٣",
            "-1",
            "0",
            "1e9",
            "9" * 40,
            "'",
            '"',
            "';--",
            "../..",
            "..%2f",
            "%00",
            "%",
            "%zz",
            "{}",
            "[",
            "]",
            "null",
            "true",
            "a" * 9000,
            "\r\nSet-Cookie: x=1",
            "\u202e",
            "{{7*7}}",
            "<script>alert(1)</script>",
            "00000000-0000-7000-8000-000000000000",
            "00000000-0000-4000-8000-000000000001/x",
            "report_generation",
        ]
    ),
    st.text(max_size=20),
    st.binary(max_size=12).map(lambda b: b.decode("latin-1")),
)
_methods = st.sampled_from(
    ["GET", "GET", "GET", "POST", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "get", "G E T", "\x00"]
)


@dataclass(frozen=True)
class Asked:
    """One request; ``who`` names the credentials the sender puts in place."""

    method: str
    path: str
    who: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    raw: bytes | None = None

    def wire(self, credentials: dict[str, str], host: str) -> bytes:
        """The bytes to send."""
        if self.raw is not None:
            return self.raw
        length = (
            {}
            if any(name.lower() in ("content-length", "transfer-encoding") for name, _ in self.headers)
            else {"Content-Length": str(len(self.body))}
        )
        lines = {"Host": host, "Connection": "close", **length, **credentials, **dict(self.headers)}
        head = "".join(f"{name}: {_one_line(value)}\r\n" for name, value in lines.items())
        return (
            f"{_one_line(self.method)} {_one_line(self.path)} HTTP/1.1\r\n{head}\r\n".encode("latin-1", "replace")
            + self.body
        )


def _one_line(text: str) -> str:
    return text.replace("\r", "").replace("\n", "")


_odd_headers = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(
                [
                    "Origin",
                    "Host",
                    "Cookie",
                    "Authorization",
                    "Accept",
                    "Prefer",
                    "Range",
                    "Referer",
                    "X-Forwarded-Proto",
                    "Sec-Fetch-Site",
                    "Content-Type",
                    "Accept-Encoding",
                    "x-upsert",
                ]
            ),
            st.one_of(
                odd_text,
                st.sampled_from(
                    [
                        "http://[",
                        "[",
                        "application/json",
                        "count=exact",
                        "multipart/form-data; boundary=x",
                        "exora_session=2.9.0.61.0",
                        "Bearer ",
                        "application/vnd.pgrst.object+json",
                    ]
                ),
            ),
        ),
        st.tuples(
            st.sampled_from(["Content-Length", "Transfer-Encoding"]),
            st.sampled_from(["0", "-1", "5", "99999999999", "chunked", "x", "gzip, chunked"]),
        ),
    ),
    max_size=3,
    unique_by=lambda header: header[0],
).map(tuple)
_raw = st.one_of(
    st.binary(max_size=200),
    st.sampled_from(
        [
            b"GET / HTTP/1.1\r\n",
            b"GET /health HTTP/9.9\r\n\r\n",
            b"GET /health\r\n\r\n",
            b"\x16\x03\x01\x02\x00",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET /health HTTP/1.1\r\nHost: a\r\n" + b"A: " + b"x" * 80_000 + b"\r\n\r\n",
            b"GET /" + b"a" * 80_000 + b" HTTP/1.1\r\n\r\n",
            b"POST /dashboard/sign-in HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"0\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n",
        ]
    ),
)


def _asked(
    paths: st.SearchStrategy[str], who: st.SearchStrategy[str], bodies: st.SearchStrategy[bytes]
) -> st.SearchStrategy[Asked]:
    plain = st.builds(Asked, _methods, paths, who, _odd_headers, bodies)
    broken = st.builds(lambda raw: Asked("", "", "nobody", (), b"", raw), _raw)
    return st.one_of(*[plain] * 9, broken)


def _query(names: list[str]) -> st.SearchStrategy[str]:
    items = st.lists(st.tuples(st.one_of(st.sampled_from(names), odd_text), odd_text), max_size=4)
    return items.map(lambda pairs: "?" + urlencode(pairs) if pairs else "")


def _paths(known: list[str], names: list[str]) -> st.SearchStrategy[str]:
    filled = st.builds(lambda path, odd: path.replace("{}", quote(odd, safe="")), st.sampled_from(known), odd_text)
    free = odd_text.map(lambda text: "/" + quote(text, safe="/%"))
    return st.builds(lambda path, query: path + query, st.one_of(filled, filled, filled, free), _query(names))


def to_worker() -> st.SearchStrategy[Asked]:
    """Requests to the HTTP side of a worker."""
    known = [
        "/health",
        "/ready",
        "/metrics",
        "/dashboard",
        "/dashboard/",
        "/dashboard/jobs",
        "/dashboard/jobs/{}",
        "/dashboard/dead",
        "/dashboard/jobs/00000000-0000-7000-8000-000000000000",
        "/dashboard/workers",
        "/dashboard/audit",
        "/dashboard/act/lane",
        "/dashboard/act/job",
        "/dashboard/act/group",
        "/dashboard/act/{}",
        "/dashboard/sign-in",
        "/dashboard/sign-out",
        "/dashboard/static/app.js",
        "/dashboard/static/{}",
        "/{}",
    ]
    names = ["range", "id", "status", "lane", "fingerprint", "before", "said", "count"]
    fields = st.lists(
        st.tuples(
            st.sampled_from(["token", "name", "csrf", "verb", "lane", "job", "why", "back", "all", "fingerprint"]),
            st.one_of(odd_text, st.sampled_from(["pause", "resume", "cancel", "retry", "hold", "yes", "CSRF"])),
        ),
        max_size=8,
    )
    bodies = st.one_of(
        fields.map(lambda pairs: urlencode(pairs).encode()),
        fields.map(lambda pairs: urlencode([*pairs, ("csrf", "CSRF")]).encode()),
        st.binary(max_size=100),
        st.just(b"x=" + b"y" * 20_000),
        st.just(b"&".join([b"a=b"] * 100)),
    )
    return _asked(
        _paths(known, names), st.sampled_from(["nobody", "reader", "operator", "session", "acting", "stale"]), bodies
    )


def to_gateway(functions: dict[str, list[str]]) -> st.SearchStrategy[Asked]:
    """Requests to the development gateway.

    Args:
        functions: their names, and the names of their arguments.
    """

    def call(name: str) -> st.SearchStrategy[tuple[str, bytes]]:
        values: st.SearchStrategy[Any] = st.one_of(
            odd_text,
            st.none(),
            st.booleans(),
            st.integers(),
            st.floats(),
            st.lists(odd_text, max_size=3),
            st.dictionaries(odd_text, odd_text, max_size=3),
            st.just([[1], [2]]),
        )
        body = st.fixed_dictionaries({}, optional=dict.fromkeys(functions[name], values))
        return body.map(lambda arguments: (f"/rest/v1/rpc/{name}", json.dumps(arguments).encode()))

    calls = (
        st.sampled_from(sorted(functions))
        .flatmap(call)
        .map(lambda pair: Asked("POST", pair[0], "service", (), pair[1]))
    )
    known = [
        "/rest/v1/rpc/{}",
        "/rest/v1/job_queue",
        "/rest/v1/documents",
        "/rest/v1/records",
        "/rest/v1/{}",
        "/storage/v1/object/list/medical-docs",
        "/storage/v1/object/medical-docs/{}",
        "/storage/v1/object/medical-docs/00000000-0000-4000-8000-000000000001/{}",
        "/storage/v1/object/{}/x",
        "/storage/v1/object/sign/medical-docs/00000000-0000-4000-8000-000000000001/x",
        "/storage/v1/object/info/medical-docs/{}",
        "/storage/v1/object/medical-docs",
        "/storage/v1/bucket/{}",
        "/rest/v1/rpc/claim_next_job_v3",
        "/rest/v1/rpc/queue_stats_v3",
    ]
    names = [
        "select",
        "order",
        "limit",
        "offset",
        "apikey",
        "token",
        "status",
        "id",
        "number",
        "job_payload",
        "p_limit",
        "p_worker_id",
    ]
    operators = st.builds(
        lambda operator, text: f"{operator}.{text}",
        st.sampled_from(["eq", "in", "is", "like", "not.eq", "gt", "cs", "or"]),
        odd_text,
    )
    filtered = st.builds(
        lambda table, pairs: f"/rest/v1/{table}?{urlencode(pairs)}",
        st.sampled_from(["job_queue", "documents"]),
        st.lists(st.tuples(st.sampled_from([*names, "created_at", "retry_count"]), operators), min_size=1, max_size=3),
    )
    bodies = st.one_of(
        st.binary(max_size=100),
        st.builds(
            lambda pairs: json.dumps(pairs).encode(),
            st.dictionaries(
                st.sampled_from(["prefix", "limit", "offset", "prefixes", "expiresIn"]),
                st.one_of(odd_text, st.integers(), st.none(), st.lists(odd_text, max_size=3)),
                max_size=4,
            ),
        ),
        st.integers(1, 100_000).map(lambda depth: b"[" * depth),
        st.integers(1, 20_000).map(lambda depth: b'{"a":' * depth + b"1" + b"}" * depth),
    )
    others = _asked(
        st.one_of(_paths(known, names), filtered),
        st.sampled_from(["nobody", "anon", "service", "user", "forged"]),
        bodies,
    )
    return st.one_of(calls, others)


@dataclass(frozen=True)
class Answered:
    """An answer as it came; ``status`` 0: the connection was closed without one."""

    status: int
    head: str
    body: bytes


async def ask(port: int, asked: Asked, wire: bytes, dice: random.Random) -> Answered:
    """Send a request from some loopback address and read until the end. One that is not whole is ended after a moment.

    Raises:
        TimeoutError: the server neither answered nor closed.
    """
    source = f"127.{dice.randrange(1, 255)}.{dice.randrange(1, 255)}.{dice.randrange(1, 255)}"
    whole = asked.raw is None and not any(name in ("Content-Length", "Transfer-Encoding") for name, _ in asked.headers)
    content = b""
    async with asyncio.timeout(_PATIENCE_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
        try:
            writer.write(wire)
            await writer.drain()
            if not whole:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_MOMENT_S):
                        content = await reader.read(1)
                if not content:
                    writer.write_eof()
            content += await reader.read(-1)
        except OSError:  # it closed before it had read everything, as it may
            pass
        finally:
            writer.close()
    head, _, body = content.partition(b"\r\n\r\n")
    first = head.split(b" ", 2)
    status = int(first[1]) if len(first) > 1 and first[0].startswith(b"HTTP/") and first[1].isdigit() else 0
    return Answered(status, head.decode("latin-1"), body)
