"""Keeps patients out of errors and logs: what may be said of an exception."""

from __future__ import annotations

import hashlib
import traceback

from exora.domain.outcome import ErrorInfo
from exora.errors import ExoraError


def describe_error(error: BaseException) -> ErrorInfo:
    """Reduce an exception to what may be stored and logged.

    Exora's own errors keep their message, which is free of content by contract. Of any other only
    the class, the SQLSTATE if it has one, and the place it was raised at are kept: its text may
    hold a row, a line of a document or a key.

    Args:
        error: the exception, with its traceback if it was raised.
    """
    name = type(error).__name__
    if isinstance(error, ExoraError):
        code, summary = error.code, error.one_line()
    else:
        sqlstate = getattr(error, "sqlstate", None)
        code = f"sqlstate_{sqlstate}" if isinstance(sqlstate, str) else "unexpected"
        summary = f"unexpected {name}" + (f" (SQLSTATE {sqlstate})" if isinstance(sqlstate, str) else "")
    return ErrorInfo(name, code, summary[:500], _fingerprint(error, name, code))


def _fingerprint(error: BaseException, name: str, code: str) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].name}:{frames[-1].filename.rsplit('/', 1)[-1]}" if frames else ""
    return hashlib.sha256(f"{name}|{code}|{place}".encode()).hexdigest()[:16]
