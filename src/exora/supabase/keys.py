"""Supabase keys: what kind a key is, told without asking anybody; held so that it can be rotated; never shown."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

import jwt

from exora.errors import ConfigurationError

_FIELD = "SUPABASE_SERVICE_ROLE_KEY"
_REMEDY = "Use the service role key or a secret key of the project: Settings → API keys in Supabase's dashboard"
_SECRET = "sb_secret_"  # noqa: S105  a prefix
_PUBLISHABLE = "sb_publishable_"


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """A key that may act as ``service_role``, as far as can be told from the key alone.

    Attributes:
        value: the key; never shown.
        kind: ``secret`` (sb_secret_…) or ``jwt`` (legacy).
        expires_at: when a legacy key ends; None = it does not say.
    """

    value: str = field(repr=False)
    kind: str
    expires_at: datetime | None = None

    def headers(self) -> dict[str, str]:
        """What a request carries. A secret key is no JWT: as a bearer token it would be refused."""
        headers = {"apikey": self.value}
        return headers | {"Authorization": f"Bearer {self.value}"} if self.kind == "jwt" else headers


def check_key(text: str, url: str, *, now: datetime | None = None) -> ServiceKey:
    """Tell what kind of key this is, and refuse all that cannot be a service key of this project. No message holds it.

    Args:
        text: the key.
        url: SUPABASE_URL; the project a legacy key names must be its host's.
        now: the time; None = now.

    Raises:
        ConfigurationError: it is another kind of key, expired, another project's, or no key at all.
    """
    key = text.strip()
    if not key:
        raise _refused("is empty")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise _refused("holds characters that no key has (quotes, spaces or line breaks?)")
    if key.startswith(_SECRET):
        return ServiceKey(key, "secret")
    if key.startswith(_PUBLISHABLE):
        raise _refused("is a publishable key; it may do nothing that a worker does")
    try:
        claims = jwt.decode(key, options={"verify_signature": False, "verify_exp": False})
    except jwt.PyJWTError:
        raise _refused("is neither a secret key (sb_secret_…) nor a legacy key (a JWT)") from None
    return _legacy(key, claims, url, now or datetime.now(UTC))


def _legacy(key: str, claims: dict[str, object], url: str, now: datetime) -> ServiceKey:
    role = claims.get("role")
    if role != "service_role":
        named = f"is a key of the role {role}" if role in ("anon", "authenticated") else "is no key of service_role"
        raise _refused(f"{named}; it may do nothing that a worker does")
    expires_at = None
    if isinstance(claims.get("exp"), int | float):
        expires_at = datetime.fromtimestamp(float(str(claims["exp"])), UTC)
        if expires_at <= now:
            raise _refused(f"expired on {expires_at:%Y-%m-%d}")
    project, host = claims.get("ref"), urlsplit(url).hostname or ""
    if isinstance(project, str) and host.endswith(".supabase.co") and host != f"{project}.supabase.co":
        raise _refused("belongs to another project than SUPABASE_URL names", "Take URL and key from the same project")
    return ServiceKey(key, "jwt", expires_at)


def _refused(why: str, remedy: str = _REMEDY) -> ConfigurationError:
    return ConfigurationError(f"the Supabase key {why}", field=_FIELD, remedy=remedy)


class KeyRing:
    """The key in use. Reading it again picks up a rotated one; a bad new key changes nothing.

    Args:
        read: gets the key from where it is kept.
        url: SUPABASE_URL.

    Raises:
        ConfigurationError: as ``check_key``.
    """

    def __init__(self, read: Callable[[], str], url: str) -> None:
        self._read = read
        self._url = url
        self._lock = threading.Lock()  # the heartbeat thread reads again, too
        self._current = check_key(read(), url)

    @property
    def current(self) -> ServiceKey:
        """The key in use."""
        return self._current

    def reread(self) -> bool:
        """Read the key again; True when it is another one now.

        Raises:
            ConfigurationError: the new one is no service key; the old one stays in use.
        """
        with self._lock:
            found = check_key(self._read(), self._url)
            changed = found.value != self._current.value
            self._current = found
            return changed
