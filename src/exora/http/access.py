"""Who may look and who may act: two tokens, and sessions for browsers that were shown one of them.

A session is a signed cookie and nothing kept here, so any worker behind a balancer knows it; the key is made from the
tokens, so changing a token ends its sessions.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from enum import IntEnum
from typing import NamedTuple

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request

_log = structlog.get_logger("exora.http")

COOKIE = "exora_session"
SESSION_S = 8 * 3600


class Scope(IntEnum):
    """What a request may do; each includes those below it."""

    NOTHING = 0
    READ = 1
    OPERATE = 2


class Session(NamedTuple):
    """A browser that was shown a token. ``csrf`` goes into every form it gets."""

    scope: Scope
    name: str
    csrf: str


class Access:
    """Checks tokens and sessions.

    Args:
        read_token: for looking; None = there is none.
        operate_token: for acting as well; None = there is none.
        open_reads: /metrics and /ready are for everybody while no token is set, as in development.
    """

    def __init__(
        self, read_token: str | None = None, operate_token: str | None = None, *, open_reads: bool = False
    ) -> None:
        self._tokens = {Scope.READ: read_token, Scope.OPERATE: operate_token}
        self._open_reads = open_reads
        material = "\0".join(("exora session", read_token or "", operate_token or ""))
        self._key = hashlib.sha256(material.encode()).digest()

    @property
    def enabled(self) -> bool:
        """Whether there is any token; without one there is no dashboard."""
        return any(self._tokens.values())

    def of_token(self, given: str) -> Scope:
        """What a token allows; every token is compared, in constant time."""
        scope = Scope.NOTHING
        for allowed, token in self._tokens.items():
            if token is not None and hmac.compare_digest(token.encode(), given.encode()):
                scope = allowed
        return scope

    def of_machine(self, request: Request) -> Scope:
        """What a request for /metrics or /ready may see: by its bearer token, or everything where reads are open."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self.enabled:
            return self.of_token(token.strip())
        return Scope.READ if self._open_reads and not self.enabled else Scope.NOTHING

    def open_session(self, scope: Scope, name: str) -> str:
        """A cookie for a browser that was shown a token; ``name`` says who acts, for the audit trail."""
        body = f"{scope.value}.{int(time.time()) + SESSION_S}.{secrets.token_hex(8)}.{name.encode().hex()}"
        return f"{body}.{self._sign(body)}"

    def session(self, request: Request) -> Session | None:
        """The session of a request, if it has a valid one."""
        body, _, signature = request.cookies.get(COOKIE, "").rpartition(".")
        if not self.enabled or not hmac.compare_digest(self._sign(body).encode(), signature.encode()):
            return None
        scope, until, _, name = body.split(".")
        if int(until) < time.time():
            return None
        return Session(Scope(int(scope)), bytes.fromhex(name).decode(), self._sign(f"csrf.{body}"))

    def _sign(self, body: str) -> str:
        return hmac.new(self._key, body.encode(), hashlib.sha256).hexdigest()


class Machines:
    """Bearer tokens, for /metrics and /ready: wrong ones are logged, and who sends many is not looked at for a while.

    Args:
        access: knows the tokens.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._guesses = Limiter(per_minute=30, burst=30)

    def scope(self, request: Request) -> Scope:
        """What a request may see.

        Raises:
            HTTPException: 429, after too many wrong tokens from its address.
        """
        client = address(request)
        if not self._guesses.left(client):
            raise HTTPException(429, headers={"Retry-After": "60"})
        scope = self._access.of_machine(request)
        if scope is Scope.NOTHING and "authorization" in request.headers:
            self._guesses.take(client)
            _log.warning("token_refused", error_code="wrong_token")
        return scope


def address(request: Request) -> str:
    """Whose tries are counted together: those from one address."""
    return request.client.host if request.client else "unknown"


class Limiter:
    """At most so many of something within a minute for each key: a token bucket each, and few of them kept."""

    def __init__(self, per_minute: int, burst: int) -> None:
        self._per_s = per_minute / 60
        self._burst = burst
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: str) -> bool:
        """Take one; False: too many."""
        left = self._count(key)
        if len(self._buckets) > 10_000:
            self._buckets.clear()  # rather too lenient for a moment than out of memory
        self._buckets[key] = (left - 1 if left >= 1 else left, time.monotonic())
        return left >= 1

    def left(self, key: str) -> bool:
        """Whether one could be taken."""
        return self._count(key) >= 1

    def _count(self, key: str) -> float:
        now = time.monotonic()
        left, at = self._buckets.get(key, (float(self._burst), now))
        return min(left + (now - at) * self._per_s, self._burst)
