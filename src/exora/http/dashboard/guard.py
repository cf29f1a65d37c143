"""What every page and every act passes through: a session, its scope, the origin, the form's token, and a limit."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import NoReturn
from urllib.parse import parse_qsl, urlsplit

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from exora.http.access import Access, Limiter, Scope, Session

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self';"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
_MOST_FORM_BYTES = 8192
_MOST_FIELDS = 20
_log = structlog.get_logger("exora.http")

Form = dict[str, str]
Page = Callable[[Request, Session], Awaitable[Response]]
Deed = Callable[[Request, Session, Form], Awaitable[Response]]


class Guard:
    """Wraps pages and acts.

    Args:
        access: tokens and sessions.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._looks = Limiter(per_minute=600, burst=120)
        self._acts = Limiter(per_minute=60, burst=20)

    def page(self, show: Page) -> Callable[[Request], Awaitable[Response]]:
        """A page for whoever may look; others are sent to sign in."""

        async def guarded(request: Request) -> Response:
            session = self._access.session(request)
            if session is None:
                return RedirectResponse("/dashboard/sign-in", 303, HEADERS)
            if not self._looks.take(session.csrf):
                raise HTTPException(429, headers={"Retry-After": "5"})
            return await show(request, session)

        return guarded

    def act(self, do: Deed) -> Callable[[Request], Awaitable[Response]]:
        """An act for whoever may act, from a form of our own."""

        async def guarded(request: Request) -> Response:
            session = self._access.session(request)
            if session is None or session.scope < Scope.OPERATE:
                _refuse("no_session" if session is None else "only_looks")
            if not same_origin(request):
                _refuse("foreign_origin")
            form = await read_form(request)
            if not hmac.compare_digest(form.get("csrf", "").encode(), session.csrf.encode()):
                _refuse("foreign_form")
            if not self._acts.take(session.csrf):
                raise HTTPException(429, headers={"Retry-After": "5"})
            return await do(request, session, form)

        return guarded


def _refuse(reason: str) -> NoReturn:
    _log.warning("act_refused", error_code=reason)
    raise HTTPException(403)


def same_origin(request: Request) -> bool:
    """Whether a form was sent by a page of this very site; browsers say where every POST comes from."""
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    try:
        return urlsplit(request.headers.get("origin", "")).netloc == request.headers.get("host")
    except ValueError:  # an origin that is no address
        return False


async def read_form(request: Request) -> Form:
    """The fields of a small urlencoded form; of a field that comes twice, the last."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MOST_FORM_BYTES:
                raise HTTPException(413)
    except ClientDisconnect:  # nobody is there to read the answer, and nothing is wrong here
        raise HTTPException(400) from None
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise HTTPException(413) from None
