"""The REST transport: Supabase's PostgREST over HTTPS, one call a transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from exora.coordination.failures import from_sqlstate
from exora.coordination.json_codec import decode, encode
from exora.coordination.shapes import rows_of
from exora.domain.retrying import retrying
from exora.errors import (
    AccessDenied,
    BadInput,
    CoordinationError,
    DatabaseUnavailable,
    ExoraError,
    OutcomeUnknown,
    SchemaOutdated,
)
from exora.supabase.client import Project, SupabaseClient, body_of

_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}


class SupabaseTransport:
    """``Transport`` over ``/rest/v1/rpc``. Official clients never repeat a POST; this one does where a call may be.

    Args:
        project: the project and its key.
        max_connections: at once.
        timeout_s: for one call.
    """

    def __init__(self, project: Project, *, max_connections: int = 4, timeout_s: float = 7.5) -> None:
        self._client = SupabaseClient(project, timeout_s=timeout_s, max_connections=max_connections)

    async def call(
        self, function: str, arguments: Mapping[str, Any], *, repeatable: bool
    ) -> Sequence[Mapping[str, Any]]:
        """See ``Transport.call``."""
        content = encode(arguments)

        async def run() -> Sequence[Mapping[str, Any]]:
            path = f"/rest/v1/rpc/{function}"
            response = await self._client.send("POST", path, content=content, headers=_HEADERS)
            if response.is_success:
                return rows_of(function, decode(response.content) if response.content else None)
            raise failure(response)

        return await (retrying(run) if repeatable else run())

    async def listen(self, on_wake: Callable[[], None], on_lost: Callable[[], None]) -> None:
        """See ``Transport.listen``: there is no listening over REST."""
        raise DatabaseUnavailable("notifications do not arrive over REST", remedy="Polling goes on")

    async def close(self) -> None:
        """Close every connection."""
        await self._client.close()


def failure(response: httpx.Response) -> ExoraError:
    """The exception for an answer that is no success: by the code in its body, which the HTTP status only blurs
    (a deadlock comes as 500, like a broken server); by the status when there is no body, as from a proxy."""
    body = body_of(response)
    code = str(body.get("code") or "")
    if code.startswith("PGRST"):
        return _of_postgrest(code)
    if len(code) == 5:
        return from_sqlstate(code, str(body.get("message") or ""), body.get("details"), body.get("hint"))
    status = response.status_code
    if status in (408, 429, 503):
        return DatabaseUnavailable(f"Supabase is busy (HTTP {status})")
    if status >= 500:
        return OutcomeUnknown(f"Supabase did not answer (HTTP {status})")
    if status == 403:
        return AccessDenied("Supabase refused the call (HTTP 403)")
    return CoordinationError(f"Supabase refused a call (HTTP {status})")


def _of_postgrest(code: str) -> ExoraError:
    group = code[5:6]
    if code in ("PGRST202", "PGRST203", "PGRST204", "PGRST205"):
        return SchemaOutdated(f"this database lacks what this version needs ({code})")
    if group == "0":
        return DatabaseUnavailable(f"Supabase cannot reach its database ({code})")
    if group == "3":
        return AccessDenied(f"Supabase refused the key ({code})", field="SUPABASE_SERVICE_ROLE_KEY")
    if code in ("PGRST100", "PGRST102"):
        return BadInput("an argument has the wrong type or range", remedy="Check ids, numbers and times")
    return CoordinationError(f"Supabase refused a call ({code})")
