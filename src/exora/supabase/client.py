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

    async def send(self, method: str, path: str, *, content: bytes = b"", headers: Mapping[str, str]) -> httpx.Response:
        """One request, answered.

        Raises:
            DatabaseUnavailable: no connection was made: the request was not sent.
            OutcomeUnknown: it may have been.
            AccessDenied: the key is refused, also after reading it again.
            ConfigurationError: the address redirects elsewhere.
        """
        response = await self._send(method, path, content, headers)
        if response.status_code == 401 and self._reread():
            response = await self._send(method, path, content, headers)
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

    async def _send(self, method: str, path: str, content: bytes, headers: Mapping[str, str]) -> httpx.Response:
        try:
            return await self._http.request(
                method, path, content=content, headers={**self._project.keys.current.headers(), **headers}
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise DatabaseUnavailable(
                f"Supabase cannot be reached ({type(error).__name__})",
                remedy="Check SUPABASE_URL, and the network and its certificates: exora test connection",
            ) from error
        except httpx.HTTPError as error:
            raise OutcomeUnknown("the connection to Supabase broke during a call") from error


def body_of(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer; empty when it holds none, as the pages of proxies do."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
