"""The HTTP connections to a Supabase project: kept alive, own timeouts, no redirects, no proxies unasked."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from exora.errors import AccessDenied, ConfigurationError, DatabaseUnavailable, OutcomeUnknown
from exora.supabase.keys import KeyRing

_CONNECT_S = 3.0
_PART_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Project:
    """A Supabase project to talk to.

    Attributes:
        url: its address, checked, without a trailing slash.
        keys: its service key.
        bucket: the bucket of Storage that documents are in.
        use_proxy: heed HTTPS_PROXY and its kin.
    """

    url: str
    keys: KeyRing
    bucket: str
    use_proxy: bool = False


class SupabaseClient:
    """Sends requests to one project with the key in use; a refused key is read again once before giving up.

    Args:
        project: which.
        timeout_s: for one request; below the 8 s at which Supabase cuts a statement off.
        max_connections: at once.
    """

    def __init__(self, project: Project, *, timeout_s: float = 7.5, max_connections: int = 8) -> None:
        self._project = project
        self._http = httpx.AsyncClient(
            base_url=project.url,
            timeout=httpx.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s)),
            limits=httpx.Limits(max_connections=max_connections, max_keepalive_connections=max_connections),
            trust_env=project.use_proxy,
            follow_redirects=False,
            headers={"User-Agent": "exora"},
        )

    async def send(
        self,
        method: str,
        path: str,
        *,
        content: bytes = b"",
        headers: Mapping[str, str],
        most_bytes: int | None = None,
    ) -> httpx.Response:
        """One request, answered.

        Args:
            method, path, content, headers: of the request.
            most_bytes: of a longer answer one byte more than that is read, and the rest is not.

        Raises:
            DatabaseUnavailable: no connection was made: the request was not sent.
            OutcomeUnknown: it may have been.
            AccessDenied: the key is refused, also after reading it again.
            ConfigurationError: the address redirects elsewhere.
        """
        response = await self._send(method, path, content, headers, most_bytes)
        if response.status_code == 401 and self._reread():
            response = await self._send(method, path, content, headers, most_bytes)
        if response.status_code == 401:
            raise AccessDenied(
                "Supabase refused the key (HTTP 401)",
                field="SUPABASE_SERVICE_ROLE_KEY",
                remedy="Check that URL and key are of the same project and that the key was not revoked or rotated",
            )
        if response.is_redirect:
            raise ConfigurationError(
                f"SUPABASE_URL redirects elsewhere (HTTP {response.status_code}); a key is not sent after a redirect",
                field="SUPABASE_URL",
                remedy="Set it to the final address of the project",
            )
        return response

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    def _reread(self) -> bool:
        with contextlib.suppress(ConfigurationError):
            return self._project.keys.reread()
        return False

    async def _send(
        self, method: str, path: str, content: bytes, headers: Mapping[str, str], most_bytes: int | None
    ) -> httpx.Response:
        sent = {**self._project.keys.current.headers(), **headers}
        try:
            if most_bytes is None:
                return await self._http.request(method, path, content=content, headers=sent)
            async with self._http.stream(method, path, content=content, headers=sent) as response:
                return await _read(response, most_bytes)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise DatabaseUnavailable(
                f"Supabase cannot be reached ({type(error).__name__})",
                remedy="Check SUPABASE_URL, and the network and its certificates: exora test connection",
            ) from error
        except httpx.HTTPError as error:
            raise OutcomeUnknown("the connection to Supabase broke during a call") from error


async def _read(response: httpx.Response, most_bytes: int) -> httpx.Response:
    """The answer as far as it may be read, decoded."""
    body = bytearray()
    async for part in response.aiter_bytes(_PART_BYTES):
        body += part[: most_bytes + 1 - len(body)]
        if len(body) > most_bytes:
            break
    headers = {
        name: value for name, value in response.headers.items() if name not in ("content-encoding", "content-length")
    }
    return httpx.Response(response.status_code, headers=headers, content=bytes(body), request=response.request)


def body_of(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer; empty when it holds none, as the pages of proxies do."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
