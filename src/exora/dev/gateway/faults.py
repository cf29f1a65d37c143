"""Errors as PostgREST and its front door send them: a status, a code, a message."""

from __future__ import annotations

from typing import Any

import asyncpg
from starlette.responses import JSONResponse, Response

#: SQLSTATE → HTTP status, the longest prefix first; "PTxyz" is the status xyz itself.
#: (docs.postgrest.org, "Errors"; 42501 is 403, or 401 for the anonymous role.)
_STATUS = {
    "23503": 409, "23505": 409, "25006": 405, "42883": 404, "42P01": 404, "42P17": 500, "53400": 500, "57P01": 503,
    "57014": 500, "P0001": 400,
    "08": 503, "09": 500, "0L": 403, "0P": 403, "21": 400, "28": 403, "2D": 500, "38": 500, "39": 500, "3B": 500,
    "40": 500, "53": 503, "54": 500, "55": 500, "57": 500, "58": 500, "F0": 500, "HV": 500, "P0": 500, "XX": 500,
}  # fmt: skip


class Refusal(Exception):
    """A request that is answered with an error of the gateway's own."""

    def __init__(self, status: int, code: str, message: str, details: str | None = None, hint: str | None = None):
        super().__init__(message)
        self.status = status
        self.body = {"code": code, "message": message, "details": details, "hint": hint}

    def response(self) -> Response:
        """The answer."""
        return _answer(self.status, self.body)


def of_database(error: asyncpg.PostgresError, role: str) -> Response:
    """The answer for an error the database raised."""
    state = error.sqlstate or "XX000"
    body = {"code": state, "message": error.message, "details": error.detail, "hint": error.hint}
    return _answer(_status(state, error.message or "", role), body)


def _status(state: str, message: str, role: str) -> int:
    if state.startswith("PT") and state[2:].isdigit():
        return int(state[2:])
    if state == "42501":
        return 401 if role == "anon" else 403
    if state == "22023" and message.startswith("role") and message.endswith("does not exist"):
        return 401
    return _STATUS.get(state) or _STATUS.get(state[:2]) or 400


def _answer(status: int, body: dict[str, Any]) -> Response:
    headers = {"Proxy-Status": f"PostgREST; error={body['code']}"}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(body, status_code=status, headers=headers)
