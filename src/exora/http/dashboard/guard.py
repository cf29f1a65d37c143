"""What every page and every act passes through: a session, its scope, the origin, the form's token, and a limit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
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
                raise HTTPException(403)
            if not same_origin(request):
                raise HTTPException(403)
            form = await read_form(request)
            if form.get("csrf") != session.csrf:
                raise HTTPException(403)
            if not self._acts.take(session.csrf):
                raise HTTPException(429, headers={"Retry-After": "5"})
            return await do(request, session, form)

        return guarded


def same_origin(request: Request) -> bool:
    """Whether a form was sent by a page of this very site; browsers say where every POST comes from."""
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    return urlsplit(request.headers.get("origin", "")).netloc == request.headers.get("host")


async def read_form(request: Request) -> Form:
    """The fields of a small urlencoded form; of a field that comes twice, the last."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_FORM_BYTES:
            raise HTTPException(413)
    return dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=20))
