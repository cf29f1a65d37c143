"""HTTP/1.1 on loopback, low enough to break it: answers that hang, drip, stop midway or are cut off."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

Manner = Literal["whole", "hang", "reset", "drip", "truncated"]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back, and how.

    Attributes:
        manner: whole; hang: never; reset: the connection is torn down instead; drip: a byte every 50 ms;
            truncated: half of it, then the end of the connection.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    manner: Manner = "whole"


Handle = Callable[[Request], Awaitable[Answer]]


class _Connection(asyncio.Protocol):
    """One connection; a client that goes away cancels what was being done for it."""

    def __init__(self, handle: Handle, connections: set[_Connection]) -> None:
        self._handle = handle
        self._connections = connections
        self._buffer = b""
        self._task: asyncio.Task[None] | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        self._connections.discard(self)
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._begin()

    def _begin(self) -> None:
        if self._task is not None and not self._task.done():
            return
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        method, path, _ = first.split(" ", 2)
        self._task = asyncio.create_task(self._answer(Request(method, path, headers, rest[:length])))

    async def _answer(self, request: Request) -> None:
        try:
            answer = await self._handle(request)
        except Exception as error:
            # Said aloud, and answered: a client that waited in vain would hide what went wrong.
            told = {"message": "a stand-in of a provider failed", "exception": error}
            asyncio.get_running_loop().call_exception_handler(told)
            answer = Answer(500, b'{"error": {"message": "the stand-in failed"}}')
        transport = self.transport
        assert transport is not None
        head = f"HTTP/1.1 {answer.status} X\r\ncontent-length: {len(answer.body)}\r\ncontent-type: application/json\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items()) + "\r\n"
        whole = head.encode() + answer.body
        match answer.manner:
            case "hang":
                await asyncio.Event().wait()
            case "reset":
                transport.abort()
            case "truncated":
                transport.write(whole[: len(head) + len(answer.body) // 2])
                transport.close()
            case "drip":
                for place in range(len(whole)):
                    transport.write(whole[place : place + 1])
                    await asyncio.sleep(0.05)
            case "whole":
                transport.write(whole)
        asyncio.get_running_loop().call_soon(self._begin)


@contextlib.asynccontextmanager
async def serving(handle: Handle, port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Serve until the block ends; yields the base URL.

    Args:
        handle: answers one request; cancelled when its client goes away.
        port: 0 = any free one.
        tls: a server's, with its certificate; None = plain HTTP.
    """
    connections: set[_Connection] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(handle, connections), "127.0.0.1", port, ssl=tls)
    try:
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for connection in list(connections):
            if connection.transport is not None:
                connection.transport.abort()
        await server.wait_closed()
