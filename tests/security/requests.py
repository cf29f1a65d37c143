"""Requests to an HTTP server: well-formed ones with one or two things wrong, and bytes that are none."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import strategies as st

_PATIENCE_S = 20.0
_MOMENT_S = 0.05

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
            "1970-01-01",
            "infinity",
            "{1,2}",
        ]
    ),
    st.text(max_size=20),
    st.binary(max_size=12).map(lambda b: b.decode("latin-1")),
)
odd_value: st.SearchStrategy[Any] = st.one_of(
    odd_text,
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-2, 3),
    st.sampled_from([2**31 - 1, 2**31, -(2**31) - 1, 2**63 - 1, 2**63, 1e300, -1.5, 0.1]),
    st.floats(),
    st.lists(odd_text, max_size=3),
    st.lists(st.none(), min_size=1, max_size=3),
    st.dictionaries(odd_text, odd_text, max_size=3),
    st.just([[1], [2]]),
)


@dataclass(frozen=True)
class Asked:
    """One request.

    Attributes:
        method: such as GET.
        parts: of the path, quoted where they must be and no further.
        who: names the credentials that the sender puts in place.
        query: names and values.
        fields: of the body, as a form or a JSON object; None = the body is ``content``.
        json: the fields are JSON.
        content: the body, unless there are fields.
        headers: beside those of the credentials.
        raw: if any, sent instead of all that.
        spoiled: in what something was made wrong; none = a client would send it so.
    """

    method: str
    parts: tuple[str, ...]
    who: str
    query: tuple[tuple[str, str], ...] = ()
    fields: tuple[tuple[str, Any], ...] | None = None
    json: bool = False
    content: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    raw: bytes | None = None
    spoiled: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """With its query."""
        path = "/" + "/".join(quote(part, safe="/%") for part in self.parts)
        return f"{path}?{urlencode(self.query)}" if self.query else path

    @property
    def body(self) -> bytes:
        """As sent."""
        if self.fields is None:
            return self.content
        return (
            json.dumps(dict(self.fields)).encode() if self.json else urlencode(self.fields, errors="replace").encode()
        )

    def wire(self, credentials: dict[str, str], host: str, put: dict[str, str]) -> bytes:
        """The bytes to send; ``put`` replaces words in the body."""
        if self.raw is not None:
            return self.raw
        body = self.body
        for word, instead in put.items():
            body = body.replace(word.encode(), instead.encode())
        length = {"Content-Length": str(len(body))}
        if any(name in ("Content-Length", "Transfer-Encoding") for name, _ in self.headers):
            length = {}
        lines = {"Host": host, "Connection": "close", **length, **credentials, **dict(self.headers)}
        head = "".join(f"{name}: {_one_line(value)}\r\n" for name, value in lines.items())
        first = f"{_one_line(self.method)} {_one_line(self.path)} HTTP/1.1"
        return f"{first}\r\n{head}\r\n".encode("latin-1", "replace") + body


def _one_line(text: str) -> str:
    return text.replace("\r", "").replace("\n", "")


_Spoiling = Callable[[Asked], Asked]
_methods = st.sampled_from(
    ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "get", "G E T", "\x00"]
)
_lengths = st.sampled_from(["0", "-1", "5", "99999999999", "chunked", "x", "gzip, chunked"])
_header_names = st.sampled_from(
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
)
_header_values = st.one_of(
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
)
_bodies = st.one_of(
    st.binary(max_size=100),
    st.just(b"x=" + b"y" * 20_000),
    st.just(b"&".join([b"a=b"] * 100)),
    st.integers(1, 100_000).map(lambda depth: b"[" * depth),
    st.integers(1, 20_000).map(lambda depth: b'{"a":' * depth + b"1" + b"}" * depth),
)


def _changed(items: tuple[Any, ...], where: int, how: str, other: Any) -> tuple[Any, ...]:
    """A sequence with one of its items replaced, left out or there twice, or another one behind them."""
    at = where % len(items) if items else 0
    match how if items else "added":
        case "replaced":
            return (*items[:at], other, *items[at + 1 :])
        case "left out":
            return (*items[:at], *items[at + 1 :])
        case "twice":
            return (*items[: at + 1], items[at], *items[at + 1 :])
        case _:
            return (*items, other)


def _named(items: tuple[tuple[str, Any], ...], where: int, how: str, value: Any, name: str) -> tuple[Any, ...]:
    """The same for names with values: a replaced one keeps its name."""
    keep = items[where % len(items)][0] if items and how == "replaced" else name
    return _changed(items, where, how, (keep, value))


def _spoilings(who: list[str]) -> st.SearchStrategy[_Spoiling]:
    """One thing wrong with a request, mostly with a value that it carries."""
    places = st.integers(0, 60)
    # A value that is wrong gets further than one that is missing or one too many.
    hows = st.sampled_from(["replaced", "replaced", "replaced", "left out", "twice", "added"])

    def part(where: int, how: str, text: str) -> _Spoiling:
        # Of the parts of a path those at its end say what is meant.
        return lambda a: replace(a, parts=_changed(a.parts, len(a.parts) - 1 - where % 2, how, text))

    def query(where: int, how: str, text: str, name: str) -> _Spoiling:
        return lambda a: replace(a, query=_named(a.query, where, how, text, name))

    def value(where: int, how: str, odd: Any, name: str) -> _Spoiling:
        return lambda a: (
            query(where, how, str(odd), name)(a)
            if a.fields is None
            else replace(a, fields=_named(a.fields, where, how, odd if a.json else str(odd), name))
        )

    def noted(kind: str, spoil: _Spoiling) -> _Spoiling:
        return lambda a: replace(spoil(a), spoiled=(*a.spoiled, kind))

    values = st.builds(value, places, hows, odd_value, odd_text).map(lambda s: noted("value", s))
    return st.one_of(
        values,
        values,
        values,
        st.builds(part, places, hows, odd_text).map(lambda s: noted("path", s)),
        st.builds(query, places, hows, odd_text, odd_text).map(lambda s: noted("query", s)),
        _methods.map(lambda m: noted("method", lambda a: replace(a, method=m))),
        st.sampled_from(who).map(lambda w: noted("who", lambda a: replace(a, who=w))),
        st.tuples(_header_names, _header_values).map(
            lambda h: noted("header", lambda a: replace(a, headers=(*a.headers, h)))
        ),
        st.tuples(st.sampled_from(["Content-Length", "Transfer-Encoding"]), _lengths).map(
            lambda h: noted("length", lambda a: replace(a, headers=(*a.headers, h)))
        ),
        _bodies.map(lambda b: noted("body", lambda a: replace(a, fields=None, content=b))),
        st.floats(0, 1).map(
            lambda s: noted("body", lambda a: replace(a, fields=None, content=a.body[: int(s * len(a.body))]))
        ),
    )


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
).map(lambda raw: Asked("", (), "nobody", raw=raw, spoiled=("bytes",)))


def hostile(good: st.SearchStrategy[Asked], who: list[str]) -> st.SearchStrategy[Asked]:
    """Requests of which a third are as a client sends them, most have one thing wrong or two, and some are no requests.

    Args:
        good: as a client sends them.
        who: the credentials that there are.
    """
    spoiling = _spoilings(who)

    def with_spoilings(count: int) -> st.SearchStrategy[Asked]:
        made = good
        for _ in range(count):
            made = st.builds(lambda asked, spoil: spoil(asked), made, spoiling)
        return made

    kinds = [*[with_spoilings(0)] * 6, *[with_spoilings(1)] * 8, *[with_spoilings(2)] * 5, _raw]
    return st.integers(0, len(kinds) - 1).flatmap(kinds.__getitem__)


@dataclass(frozen=True)
class Answered:
    """An answer as it came; ``status`` 0: the connection was closed without one."""

    status: int
    head: str
    body: bytes


async def ask(port: int, asked: Asked, wire: bytes, dice: random.Random) -> Answered:
    """Send a request from some loopback address and read its answer. One that is not whole is ended after a moment.

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
            # Whoever did not ask for it is left connected for a while after an answer.
            while not _is_whole(content) and (more := await reader.read(65536)):
                content += more
            if whole:
                content += await reader.read(-1)
        except OSError:  # it closed before it had read everything, as it may
            pass
        finally:
            writer.close()
    head, _, body = content.partition(b"\r\n\r\n")
    first = head.split(b" ", 2)
    status = int(first[1]) if len(first) > 1 and first[0].startswith(b"HTTP/") and first[1].isdigit() else 0
    return Answered(status, head.decode("latin-1"), body)


_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


def _is_whole(content: bytes) -> bool:
    """Whether an answer that says how long it is has come to its end."""
    head, end, body = content.partition(b"\r\n\r\n")
    length = _LENGTH.search(head + b"\r\n")
    return bool(end) and length is not None and len(body) >= int(length[1])
