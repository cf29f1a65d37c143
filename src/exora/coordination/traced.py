"""A transport that says what it calls, for DEBUG and DEBUG_QUERIES: names, kinds and sizes, never a value."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog

from exora.coordination.port import Transport
from exora.errors import ExoraError

_log = structlog.get_logger("exora.coordination")


class TracedTransport:
    """``Transport`` around another one; logs each call at level info.

    Args:
        inner: carries the calls.
    """

    def __init__(self, inner: Transport) -> None:
        self._inner = inner

    async def call(
        self, function: str, arguments: Mapping[str, Any], *, repeatable: bool
    ) -> Sequence[Mapping[str, Any]]:
        """See ``Transport.call``."""
        started = time.monotonic()
        outcome, rows = "ok", 0
        try:
            answer = await self._inner.call(function, arguments, repeatable=repeatable)
            rows = len(answer)
            return answer
        except ExoraError as error:
            outcome = error.code
            raise
        finally:
            given = " ".join(f"{name}:{_kind(value)}" for name, value in arguments.items())
            took = round(time.monotonic() - started, 4)
            _log.info("database_call", function=function, arguments=given, outcome=outcome, count=rows, duration_s=took)

    async def listen(self, on_wake: Callable[[], None], on_lost: Callable[[], None]) -> None:
        """See ``Transport.listen``."""
        await self._inner.listen(on_wake, on_lost)

    async def close(self) -> None:
        """Close every connection."""
        await self._inner.close()


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    size = f"({len(value)})" if isinstance(value, str | bytes | list | tuple | Mapping) else ""
    return f"{type(value).__name__}{size}"
