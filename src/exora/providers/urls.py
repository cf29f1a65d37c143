"""Where a provider may be reached: over TLS, or in the clear on this machine only."""

from __future__ import annotations

from urllib.parse import urlsplit

from exora.errors import ConfigurationError

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def checked_url(url: str, field: str) -> str:
    """The URL, if documents may be sent to it.

    Args:
        url: base URL of an API.
        field: the setting it comes from.

    Raises:
        ConfigurationError: it is malformed, carries a password, or is plain HTTP to another machine.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"{field} is not a URL", field=field, remedy="Use https://host/path")
    if parts.username or parts.password:
        raise ConfigurationError(
            f"{field} holds a user or password", field=field, remedy="Set the key in its own variable"
        )
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ConfigurationError(
            f"{field} would send documents over plain HTTP",
            field=field,
            remedy="Use https; http is for this machine only",
        )
    return url.rstrip("/")
