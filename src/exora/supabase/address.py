"""Where Supabase and PostgreSQL are, and whether the way there may be taken: nothing unencrypted leaves the machine."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import parse_qs, urlsplit

from exora.errors import ConfigurationError


def loopback(host: str) -> bool:
    """Whether a host is this machine: a loopback address, or ``localhost`` that resolves to nothing else."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        pass
    if host != "localhost":
        return False
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return False
    return all(ipaddress.ip_address(str(item[4][0]).split("%")[0]).is_loopback for item in found)


def check_url(url: str) -> str:
    """SUPABASE_URL without a trailing slash.

    Raises:
        ConfigurationError: it is no http(s) URL, or unencrypted and not on this machine.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
        raise ConfigurationError(
            "SUPABASE_URL is not the address of a project",
            field="SUPABASE_URL",
            remedy="Use https://PROJECT.supabase.co, without a path or a key in it",
        )
    if parts.scheme == "http" and not loopback(parts.hostname):
        raise ConfigurationError(
            "SUPABASE_URL is unencrypted (http) and not on this machine",
            field="SUPABASE_URL",
            remedy="Use https://",
        )
    return url.strip().rstrip("/")


def check_dsn(dsn: str) -> None:
    """Refuse a PostgreSQL URL that leaves the machine without proof of whom it reaches.

    Raises:
        ConfigurationError: the host is another machine, and sslmode is not verify-full.
    """
    parts = urlsplit(dsn)
    query = parse_qs(parts.query)
    hosts = query.get("host") or ([parts.hostname] if parts.hostname else [])
    if all(host.startswith(("/", "@")) or loopback(host) for host in hosts):
        return
    mode = (query.get("sslmode") or ["prefer"])[-1]
    if mode != "verify-full":
        raise ConfigurationError(
            f"DATABASE_URL leaves this machine with sslmode={mode}, which does not prove whom it reaches",
            field="DATABASE_URL",
            remedy="Add ?sslmode=verify-full&sslrootcert=FILE with the provider's CA certificate"
            " (on Supabase: Database → Settings → SSL), or sslrootcert=system for a public one",
        )
