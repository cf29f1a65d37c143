"""The harness's side of an agent: starts a system's process, asks it, ends it."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any

from bench.catalog import HERE, Entry
from bench.payload import PAYLOAD

_LOG_TAIL = 2_000
#: Connections of a producer, and of a worker where its system lets one choose.
CONNECTIONS = 10


class NotOffered(Exception):
    """The system has no such thing."""


class AgentFailed(Exception):
    """The system's process failed; the message has its last words."""


class Agent:
    """One process of a system, on one database.

    Args:
        entry: the system.
        dsn: of the database.
        logs: where its stderr goes.
    """

    def __init__(self, entry: Entry, dsn: str, logs: Path) -> None:
        self._entry = entry
        self._dsn = dsn
        self._log = logs / f"{entry.name}.log"
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.StreamReader | None = None
        self._transport: asyncio.ReadTransport | None = None

    @property
    def pid(self) -> int:
        """Of the process."""
        assert self._process is not None
        return self._process.pid

    async def __aenter__(self) -> Agent:
        ours, theirs = os.pipe()
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._entry.argv(theirs),
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                pass_fds=(theirs,),
                cwd=HERE.parent,
                env={**os.environ, "NODE_ENV": "production"},
            )
        os.close(theirs)
        self._reader = asyncio.StreamReader(limit=1 << 26)
        self._transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(self._reader),  # type: ignore[arg-type]
            os.fdopen(ours, "rb"),
        )
        await self._exchange({"dsn": self._dsn, "payload": PAYLOAD, "connections": CONNECTIONS}, 60)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        if self._transport is not None:
            self._transport.close()

    async def ask(self, do: str, *, within_s: float = 120, **arguments: Any) -> dict[str, Any]:
        """Have one command done.

        Raises:
            NotOffered: the system has no such thing.
            AgentFailed: it failed, or took too long.
        """
        return await self._exchange({"do": do, **arguments}, within_s)

    def rss_mib(self) -> tuple[float, float]:
        """Resident memory of the process now, and at its highest."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        kib = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith(("VmRSS", "VmHWM"))}
        return int(kib["VmRSS"]) / 1024, int(kib["VmHWM"]) / 1024

    async def _exchange(self, message: dict[str, Any], within_s: float) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._reader is not None
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            await self._process.stdin.drain()
            async with asyncio.timeout(within_s):
                line = await self._reader.readline()
        except TimeoutError:
            raise AgentFailed(f"no answer to {message.get('do', 'start')} within {within_s:g} s") from None
        except OSError:
            line = b""
        if not line:
            raise AgentFailed(f"its process ended: {self._last_words()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise AgentFailed(answer["error"])
        if "not_offered" in answer:
            raise NotOffered(answer["not_offered"])
        return answer

    def _last_words(self) -> str:
        text = self._log.read_bytes()[-_LOG_TAIL:].decode(errors="replace").strip()
        return text.splitlines()[-1] if text else "it said nothing"
