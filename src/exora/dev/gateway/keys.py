"""The gateway's keys, and who a request is from: the key at the door, the role and claims of the token behind it."""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import jwt
from starlette.requests import Request

from exora.dev.gateway.faults import Refusal

#: What the login of the real PostgREST may become.
ROLES = ("anon", "authenticated", "service_role")
_TEN_YEARS_S = 10 * 365 * 86400


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a request is from: the role it runs as, and what its token claims."""

    role: str
    claims: dict[str, Any]


@dataclass(frozen=True, slots=True)
class GatewayKeys:
    """The keys of a local project: of the legacy kind (JWTs) and of the new one.

    Attributes:
        jwt_secret: signs the tokens of users, too.
        anon_key, service_role_key: JWTs.
        publishable_key, secret_key: sb_publishable_… and sb_secret_….
    """

    jwt_secret: str = field(repr=False)
    anon_key: str = field(repr=False)
    service_role_key: str = field(repr=False)
    publishable_key: str = field(repr=False)
    secret_key: str = field(repr=False)

    @classmethod
    def derived(cls, seed: str) -> GatewayKeys:
        """The keys that belong to a secret: the same at every start, so that what was configured with them goes on."""

        def part(name: str) -> str:
            return hmac.new(seed.encode(), f"exora dev {name}".encode(), hashlib.sha256).hexdigest()

        secret = part("jwt")
        started = int(time.time()) // 86400 * 86400
        claims = {"iss": "exora-dev", "iat": started, "exp": started + _TEN_YEARS_S}
        return cls(
            secret,
            jwt.encode({**claims, "role": "anon"}, secret, "HS256"),
            jwt.encode({**claims, "role": "service_role"}, secret, "HS256"),
            f"sb_publishable_{part('publishable')[:32]}",
            f"sb_secret_{part('secret')[:32]}",
        )

    def user_token(self, user_id: UUID, *, valid_s: float = 3600) -> str:
        """A token as Supabase Auth would give a user who signs in."""
        now = int(time.time())
        claims = {"sub": str(user_id), "role": "authenticated", "aud": "authenticated", "iat": now}
        return jwt.encode({**claims, "exp": now + int(valid_s)}, self.jwt_secret, "HS256")

    def caller(self, request: Request) -> Caller:
        """Who a request is from.

        Raises:
            Refusal: no key, a key that is not this project's, or a token that does not hold.
        """
        key = request.headers.get("apikey") or request.query_params.get("apikey")
        if not key:
            raise Refusal(401, "no_api_key", "No API key found in request", hint="Send the header apikey")
        own = {self.publishable_key: "anon", self.secret_key: "service_role"}.get(key)
        authorization = request.headers.get("authorization", "")
        token = authorization.removeprefix("Bearer ").strip() if authorization.startswith("Bearer ") else ""
        if own is not None and token in ("", key):
            return Caller(own, {"role": own})
        of_key = Caller(own, {"role": own}) if own is not None else self._verified(key, door=True)
        return self._verified(token) if token and token != key else of_key

    def _verified(self, token: str, *, door: bool = False) -> Caller:
        try:
            claims = jwt.decode(token, self.jwt_secret, algorithms=["HS256"], options={"verify_aud": False})
        except jwt.ExpiredSignatureError:
            raise Refusal(401, "PGRST303", "JWT expired") from None
        except jwt.PyJWTError as error:
            if door:
                raise Refusal(
                    401, "invalid_api_key", "Invalid API key", hint="Check the anon or service_role API key"
                ) from None
            raise Refusal(401, "PGRST301", "No suitable key or wrong key type", details=type(error).__name__) from None
        role = claims.get("role", "anon")
        if role not in ROLES:
            raise Refusal(403, "42501", "permission denied to set this role")
        return Caller(str(role), {**claims, "role": role})
