"""A TCP proxy before PostgreSQL that breaks the network at chosen points of the protocol."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from enum import Enum
from urllib.parse import parse_qs, urlsplit

_CANCEL_REQUEST = 80877102
_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Cut(Enum):
    """Where in a call its connection breaks."""

    REQUEST = "before the request reaches the server"
    MIDWAY = "when the server has the request, whatever it makes of it"
    REPLY = "when the server has committed, before the reply is delivered"
    SILENCE = "as REPLY, but nobody is told: the connection is half-open from then on"


#: Asked for every statement about to be executed, by its SQL: whether and where to break its connection.
Plan = Callable[[str], Cut | None]


class Proxy:
    """Stands between clients and one server; made by ``proxied``.

    Attributes:
        dsn: the server's URL, but with the way through this proxy.
        plan: what to cut; nothing at first.
        latency_s, jitter_s: every message takes ``latency_s`` ± ``jitter_s`` each way, in order.
        cuts: how many connections the plan has broken.
        committed: how many of those cut at REPLY or SILENCE had been committed by the server: it had sent
            CommandComplete, and ReadyForQuery outside a transaction.
    """

    def __init__(self, upstream: str, draw: random.Random, port: int) -> None:
        parts = urlsplit(upstream)
        query = parse_qs(parts.query)
        self._upstream = (
            (query["host"][0], int(query["port"][0])) if "host" in query else (parts.hostname or "", parts.port or 5432)
        )
        credentials = parts.netloc.rpartition("@")[0]
        self.dsn = parts._replace(netloc=f"{credentials}@127.0.0.1:{port}", query="sslmode=disable").geturl()
        self.plan: Plan = lambda _: None
        self.latency_s = 0.0
        self.jitter_s = 0.0
        self.cuts = 0
        self.committed = 0
        self._draw = draw
        self._executed: list[str] = []
        self._links: set[_Link] = set()
        self._up = asyncio.Event()
        self._up.set()

    def executions(self, text: str) -> int:
        """How many statements with this text were passed on to be executed."""
        return sum(text in sql for sql in self._executed)

    def reset(self) -> None:
        """Break every connection now, by RST."""
        for link in list(self._links):
            link.end(rst=True)

    @contextlib.asynccontextmanager
    async def black_hole(self, *, forget: bool = False) -> AsyncIterator[None]:
        """A network that takes everything and delivers nothing, for the length of the block.

        Args:
            forget: connections made before the end of the block stay dead and nobody is told, as when a
                router on the way has lost its table. Otherwise what was held back is delivered then, as
                TCP does after a short outage.
        """
        self._up.clear()
        try:
            yield
        finally:
            if forget:
                for link in self._links:
                    link.silence()
            self._up.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one client's connection to its end."""
        try:
            link = _Link(self, (reader, writer), await self._connected())
        except OSError:  # the server is away: as if nobody listened here
            writer.transport.abort()
            return
        self._links.add(link)
        try:
            await link.run()
        finally:
            self._links.discard(link)

    async def _connected(self) -> _Streams:
        host, port = self._upstream
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)

    def decide(self, sql: str) -> Cut | None:
        """Ask the plan about a statement, and keep count."""
        cut = self.plan(sql)
        self.cuts += cut is not None
        if cut is not Cut.REQUEST:
            self._executed.append(sql)
        return cut

    def draw_rst(self) -> bool:
        """Whether a connection ends by RST, as when a host dies, or by FIN, as when a process does."""
        return self._draw.random() < 0.5

    def draw_delay_s(self) -> float:
        """How long the next message takes."""
        return max(0.0, self.latency_s + self._draw.uniform(-1, 1) * self.jitter_s)

    async def until_up(self) -> None:
        """Wait for the end of a black hole."""
        await self._up.wait()


@contextlib.asynccontextmanager
async def proxied(upstream: str, draw: random.Random) -> AsyncIterator[Proxy]:
    """A running proxy on a loopback port of its own.

    Args:
        upstream: the URL of a server, on a unix socket (``?host=/directory&port=5432``) or on TCP without TLS.
        draw: draws the jitter, and whether a cut is a FIN or a RST.
    """
    listening = socket.create_server(("127.0.0.1", 0))
    # Every message is a write of its own: without this each waits 40 ms for the last one's acknowledgment.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    proxy = Proxy(upstream, draw, listening.getsockname()[1])
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(proxy.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, sock=listening)
    try:
        yield proxy
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        faults = [error for error in ended if isinstance(error, Exception)]
        assert faults == []


@dataclass(slots=True)
class _Call:
    """Messages of the client up to its Sync: the server answers them with one ReadyForQuery."""

    sql: str
    cut: Cut | None = None
    completed: bool = False


class _Way:
    """One direction of a link: delivers in order, as late as the proxy says, and only while the network is up."""

    def __init__(self, proxy: Proxy, writer: asyncio.StreamWriter) -> None:
        self.dead = False
        self._proxy = proxy
        self._writer = writer
        self._queue: asyncio.Queue[tuple[float, bytes, bool]] = asyncio.Queue()
        self._due = 0.0

    def put(self, data: bytes, *, last: bool = False) -> None:
        """Send, and with ``last`` end the stream."""
        self._due = max(self._due, asyncio.get_running_loop().time() + self._proxy.draw_delay_s())
        self._queue.put_nowait((self._due, data, last))

    async def deliver(self) -> None:
        """Deliver until the last."""
        while True:
            due, data, last = await self._queue.get()
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            await self._proxy.until_up()
            if self.dead:
                continue
            with contextlib.suppress(ConnectionError):  # the other side is gone; its reader says so
                self._writer.write(data)
                await self._writer.drain()
            if last:
                return


class _Link:
    """One client's connection and its twin to the server."""

    def __init__(self, proxy: Proxy, client: _Streams, server: _Streams) -> None:
        self._proxy = proxy
        self._from_client, self._client = client
        self._from_server, self._server = server
        self._to_client, self._to_server = _Way(proxy, self._client), _Way(proxy, self._server)
        self._statements: dict[bytes, str] = {}
        self._awaited: deque[_Call] = deque()
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Carry messages until one side ends or the link is ended."""
        ends = [self._to_client.deliver(), self._to_server.deliver(), self._ended.wait()]
        tasks = [asyncio.create_task(end) for end in ends]
        readers = [asyncio.create_task(read) for read in (self._read_client(), self._read_server())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*tasks, *readers):
                task.cancel()
            ended = await asyncio.gather(*tasks, *readers, return_exceptions=True)
            self._client.transport.abort()
            self._server.transport.abort()
        for error in ended:
            if isinstance(error, Exception):
                raise error

    def end(self, *, rst: bool) -> None:
        """Break both connections."""
        self._choose_end(rst)
        self._ended.set()

    def silence(self) -> None:
        """Deliver nothing any more, and tell nobody."""
        self._to_client.dead = self._to_server.dead = True

    def _choose_end(self, rst: bool) -> None:
        if rst:  # closing a socket that lingers for no time sends a RST
            seconds = struct.pack("ii", 1, 0)
            self._client.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, seconds)

    async def _read_client(self) -> None:
        try:
            await self._read_startup()
            batch, sql = b"", ""
            while True:
                kind, message = await _message(self._from_client)
                batch += message
                sql = self._note(kind, message[5:]) or sql
                if kind in b"SQ":
                    if not self._request(_Call(sql), batch):
                        return
                    batch, sql = b"", ""
                elif kind in b"HXp":  # Flush, Terminate, passwords: answered by no ReadyForQuery of their own
                    self._to_server.put(batch)
                    batch = b""
        except (asyncio.IncompleteReadError, ConnectionError):
            self._to_server.put(b"", last=True)

    async def _read_startup(self) -> None:
        head = await self._from_client.readexactly(8)
        length, code = struct.unpack("!ii", head)
        self._to_server.put(head + await self._from_client.readexactly(length - 8))
        if code != _CANCEL_REQUEST:
            self._awaited.append(_Call(""))

    def _note(self, kind: int, body: bytes) -> str | None:
        """The SQL a message is about to execute, if it is one of those; a driver prepares a statement once and
        then only names it."""
        if kind == ord("P"):
            name, sql, _ = body.split(b"\0", 2)
            self._statements[name] = sql.decode()
        elif kind == ord("B"):
            return self._statements[body.split(b"\0", 2)[1]]
        elif kind == ord("Q"):
            return body.rstrip(b"\0").decode()
        return None

    def _request(self, call: _Call, batch: bytes) -> bool:
        """Pass a call on; False when the link ends here."""
        call.cut = self._proxy.decide(call.sql) if call.sql else None
        if call.cut is Cut.REQUEST:
            self.end(rst=self._proxy.draw_rst())
            return False
        self._awaited.append(call)
        if call.cut is Cut.MIDWAY:
            self._choose_end(self._proxy.draw_rst())
        self._to_server.put(batch, last=call.cut is Cut.MIDWAY)
        return call.cut is not Cut.MIDWAY

    async def _read_server(self) -> None:
        try:
            while True:
                kind, message = await _message(self._from_server)
                call = self._awaited[0] if self._awaited else None
                if kind == ord("Z"):
                    self._awaited.popleft()
                if call is None or call.cut is None:
                    self._to_client.put(message)
                elif kind == ord("C"):
                    call.completed = True
                elif kind == ord("Z") and not self._keep_back(call, idle=message[5:] == b"I"):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            self._to_client.put(b"", last=True)

    def _keep_back(self, call: _Call, *, idle: bool) -> bool:
        """Break the connection instead of delivering a reply; False when the link ends here."""
        self._proxy.committed += call.completed and idle
        if call.cut is Cut.SILENCE:
            self.silence()
            return True
        self.end(rst=self._proxy.draw_rst())
        return False


async def _message(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The next message: its type, and all its bytes."""
    head = await reader.readexactly(5)
    (length,) = struct.unpack("!i", head[1:])
    return head[0], head + await reader.readexactly(length - 4)
