"""The routes of the dashboard, and how its pages are rendered."""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import jinja2
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from exora import __version__
from exora.coordination.port import Coordinator
from exora.domain.wording import coarse, number, span, usd
from exora.errors import BadInput, CoordinationError, ExoraError, NotFound
from exora.http.access import COOKIE, SESSION_S, Access, Limiter, Scope, Session, address
from exora.http.dashboard.acts import Acts
from exora.http.dashboard.guard import HEADERS, Guard, read_form, same_origin
from exora.http.dashboard.pages import Pages
from exora.http.watch import Watch

_log = structlog.get_logger("exora.http")
_STATIC = {"app.css": "text/css", "app.js": "text/javascript", "icon.svg": "image/svg+xml"}
_SAID = {
    "paused": "The lane is paused. Running jobs go on.",
    "resumed": "The lane is open again.",
    "closed": "The API is closed. Calls under way go on; jobs that need it wait.",
    "opened": "The API is open again; calls come back gradually, within 20 seconds.",
    "unchanged": "It was so already.",
    "cancelled": "The job was cancelled.",
    "requested": "Its worker was asked to stop it; it will with its next heartbeat.",
    "ready": "The job may be claimed now.",
    "redriven": "Redriven.",
    "held": "The job is held until you let it go.",
    "verified": "The audit trail was verified.",
    "nothing": "There was nothing to do: the job had moved on.",
}


@functools.cache
def _templates() -> jinja2.Environment:
    """The templates, compiled once in a process: that takes longer than any page."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("exora.http.dashboard"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "span": span,
        "coarse": coarse,
        "number": number,
        "ago": _ago,
        "clock": _clock,
        "mib": _mib,
        "usd": usd,
    }
    return environment


class Site:
    """The dashboard of one process.

    Args:
        coordinator: shows and acts.
        watch: the picture shared with /metrics.
        access: tokens and sessions.
    """

    def __init__(self, coordinator: Coordinator, watch: Watch, access: Access) -> None:
        self._access = access
        self._guard = Guard(access)
        self._sign_ins = Limiter(per_minute=10, burst=10)
        self._everybodys_sign_ins = Limiter(per_minute=60, burst=60)
        self._templates = _templates()
        self._pages = Pages(coordinator, watch, self._render)
        self._acts = Acts(coordinator)

    def mount(self) -> Mount:
        """Everything below /dashboard."""
        page, act = self._guard.page, self._guard.act
        return Mount(
            "/dashboard",
            routes=[
                Route("/", page(self._pages.overview)),
                Route("/jobs", page(self._pages.jobs)),
                Route("/jobs/{job:uuid}", page(self._pages.job)),
                Route("/dead", page(self._pages.dead)),
                Route("/workers", page(self._pages.workers)),
                Route("/usage", page(self._pages.usage)),
                Route("/audit", page(self._pages.audit)),
                Route("/act/lane", act(self._acts.lane), methods=["POST"]),
                Route("/act/api", act(self._acts.api), methods=["POST"]),
                Route("/act/job", act(self._acts.job), methods=["POST"]),
                Route("/act/group", act(self._acts.group), methods=["POST"]),
                Route("/act/audit", act(self._acts.audit), methods=["POST"]),
                Route("/sign-in", self._show_sign_in, methods=["GET"]),
                Route("/sign-in", self._sign_in, methods=["POST"]),
                Route("/sign-out", self._sign_out, methods=["POST"]),
                Route("/static/{name}", self._static),
            ],
        )

    async def failed(self, request: Request, error: Exception) -> Response:
        """A page for an error: what happened and what to do, never a trace."""
        code, title, remedy = _explain(error)
        if code == 500:
            _log.error("page_failed", error_class=type(error).__name__, error_code=getattr(error, "code", "unexpected"))
        headers = HEADERS | dict(getattr(error, "headers", None) or {})
        body = self._templates.get_template("error.html").render(title=title, remedy=remedy, code=code)
        return HTMLResponse(body, code, headers)

    def _render(self, request: Request, session: Session, template: str, **context: Any) -> Response:
        body = self._templates.get_template(template).render(
            **context,
            page=template.removesuffix(".html"),
            operator=session.scope >= Scope.OPERATE,
            name=session.name,
            csrf=session.csrf,
            said=_SAID.get(request.query_params.get("said", "")),
            count=_count(request.query_params.get("count")),
            now=datetime.now(UTC),
            version=__version__,
        )
        return HTMLResponse(body, headers=HEADERS)

    async def _show_sign_in(self, request: Request) -> Response:
        return self._sign_in_page(200, None)

    async def _sign_in(self, request: Request) -> Response:
        if not (self._sign_ins.take(address(request)) and self._everybodys_sign_ins.take("all")):
            return self._refused(429, "too_many", "Too many tries. Wait a minute.")
        if not same_origin(request):
            return self._refused(403, "foreign_origin", "This form was sent by another site.")
        form = await read_form(request)
        scope = self._access.of_token(form.get("token", "").strip())
        if scope is Scope.NOTHING:
            return self._refused(403, "wrong_token", "This token opens nothing here.")
        _log.info("signed_in", status=scope.name.lower())
        name = "".join(c for c in form.get("name", "") if c.isascii() and (c.isalnum() or c in "._-"))[:40]
        answer = RedirectResponse("/dashboard/", 303, HEADERS)
        secure = request.scope["scheme"] == "https" or request.headers.get("x-forwarded-proto") == "https"
        answer.set_cookie(
            COOKIE,
            self._access.open_session(scope, name or "dashboard"),
            max_age=SESSION_S,
            path="/dashboard",
            httponly=True,
            secure=secure,
            samesite="strict",
        )
        return answer

    async def _sign_out(self, request: Request) -> Response:
        answer = RedirectResponse("/dashboard/sign-in", 303, HEADERS)
        if same_origin(request):
            answer.delete_cookie(COOKIE, path="/dashboard")
        return answer

    def _refused(self, code: int, reason: str, problem: str) -> Response:
        _log.warning("sign_in_refused", error_code=reason)
        return self._sign_in_page(code, problem)

    def _sign_in_page(self, code: int, problem: str | None) -> Response:
        body = self._templates.get_template("sign_in.html").render(problem=problem)
        return HTMLResponse(body, code, HEADERS)

    async def _static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _STATIC:
            raise HTTPException(404)
        content = resources.files("exora.http.dashboard").joinpath("static", name).read_bytes()
        return Response(content, headers=HEADERS | {"Cache-Control": "max-age=300"}, media_type=_STATIC[name])


def _explain(error: Exception) -> tuple[int, str, str]:
    match error:
        case HTTPException(status_code=403):
            return (
                403,
                "You may not do this",
                "Sign in with the operate token, and act from this dashboard's own pages.",
            )
        case HTTPException(status_code=429):
            return 429, "Too many requests", "Wait a few seconds and try again."
        case HTTPException(status_code=code):
            return code, "There is nothing here", "Go back to the overview."
        case NotFound() | BadInput():
            return 404 if isinstance(error, NotFound) else 400, error.message.capitalize(), error.remedy
        case CoordinationError():
            return 503, "The database does not answer as it should", error.remedy or "Try again in a moment."
        case ExoraError():
            return 500, error.message.capitalize(), error.remedy
        case _:
            return 500, "Something went wrong here", "Try again; the log of this worker says more."


def _count(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,9}", text) else None


def _ago(at: datetime | None) -> str:
    if at is None:
        return "never"
    seconds = (datetime.now(UTC) - at).total_seconds()
    return "just now" if seconds < 1 else coarse(seconds) + " ago"


def _clock(at: datetime | None) -> str:
    return "–" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _mib(value: int | None) -> str:
    return "–" if value is None else f"{value / 2**20:,.0f} MiB"
