"""What the dashboard does: each act is signed with the session's name and the reason given, and audited."""

from __future__ import annotations

import re
import time
from urllib.parse import urlencode
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from exora.coordination.port import Coordinator
from exora.domain.operations import Act
from exora.http.access import Session
from exora.http.dashboard.guard import HEADERS, Form

_BATCH = 1000
#: Longer acts are left to the command line, which shows its progress.
_MOST_S = 20.0


class Acts:
    """What can be done.

    Args:
        coordinator: does it.
    """

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator

    async def lane(self, _: Request, session: Session, form: Form) -> Response:
        """Pause or resume a lane."""
        paused = form.get("verb") == "pause"
        changed = await self._coordinator.pause_lane(form.get("lane", ""), paused, _signed(session, form))
        return _back(form, "unchanged" if not changed else "paused" if paused else "resumed")

    async def api(self, _: Request, session: Session, form: Form) -> Response:
        """Close an API until it is opened, or open it."""
        closed = form.get("verb") == "close"
        changed = await self._coordinator.close_api(
            form.get("provider", ""), form.get("endpoint", ""), closed, act=_signed(session, form)
        )
        return _back(form, "unchanged" if not changed else "closed" if closed else "opened")

    async def job(self, _: Request, session: Session, form: Form) -> Response:
        """Cancel, retry or hold a job."""
        verbs = {
            "cancel": self._coordinator.cancel,
            "retry": self._coordinator.retry_job,
            "hold": self._coordinator.hold_job,
        }
        try:
            verb, job_id = verbs[form.get("verb", "")], UUID(form.get("job", ""))
        except (KeyError, ValueError):
            raise HTTPException(400) from None
        answer = await verb(job_id, _signed(session, form))
        return _back(form, answer if answer in ("cancelled", "requested", "ready", "redriven", "held") else "nothing")

    async def group(self, _: Request, session: Session, form: Form) -> Response:
        """Redrive the dead letters of one error, or all that there are."""
        until, begun, count = None, time.monotonic(), 0
        fingerprint = None if form.get("all") == "yes" else form.get("fingerprint", "")
        while time.monotonic() - begun < _MOST_S:
            moved, until = await self._coordinator.redrive_group(fingerprint, until, _BATCH, _signed(session, form))
            count += moved
            if moved < _BATCH:
                break
        return _back(form, "redriven", count)

    async def audit(self, _: Request, session: Session, form: Form) -> Response:
        """Verify the whole audit trail, unless it takes too long for a page."""
        begun, events, tampering = time.monotonic(), 0, 0
        while await self._coordinator.seal_audit(10000) >= 10000:
            pass
        window = await self._coordinator.audit_window()
        while True:
            found = await self._coordinator.verify_audit(window)
            events += window.events
            tampering += sum(finding.tampering for finding in found)
            if window.to_run is None:
                break
            if time.monotonic() - begun > _MOST_S:
                return RedirectResponse("/dashboard/audit?late=yes", 303, HEADERS)
            window = await self._coordinator.audit_window(window.to_run)
        await self._coordinator.note_audit_check(events, tampering, anchored=False, act=_signed(session, form))
        return _back(form, "verified")


def _signed(session: Session, form: Form) -> Act:
    why = re.sub(r"\s+", "-", form.get("why", "").strip())
    return Act(session.name, why or None)


def _back(form: Form, said: str, count: int | None = None) -> Response:
    """Back to the page the form was on, with a word on what became of it."""
    page = form.get("back", "/dashboard/")
    if not re.fullmatch(r"/dashboard/[A-Za-z0-9/-]*(\?[A-Za-z0-9_=&-]*)?", page):
        page = "/dashboard/"
    words = {"said": said} | ({} if count is None else {"count": str(count)})
    return RedirectResponse(page + ("&" if "?" in page else "?") + urlencode(words), 303, HEADERS)
