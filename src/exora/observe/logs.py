"""Logs: JSON lines (or readable ones on a terminal) with allow-listed keys only.

Free text and exception messages never get in: an event is a code, its fields are ids, counts, durations and codes. A
key that is not on the list, and a value that is none of these, is dropped and counted, not printed; an event that is a
sentence is withheld. What other libraries log by Python's own logging is not printed at all.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from contextvars import ContextVar
from typing import Any, TextIO
from uuid import UUID

import structlog

from exora.domain.job import ClaimedJob

#: The job whose handler runs in this context: every line logged there carries its ids.
current_job: ContextVar[ClaimedJob | None] = ContextVar("exora_current_job", default=None)

#: Keys a line may carry. Values are ids, counts, codes and durations.
ALLOWED = frozenset(
    {
        "event", "level", "timestamp", "logger", "worker_id", "job_id", "job_type", "attempt", "correlation_id",
        "document_id", "outcome", "status", "duration_s", "error_class", "error_code", "fingerprint", "count",
        "claims", "active_jobs", "concurrency", "drain_s", "port", "version", "app_env", "dropped_keys", "schedule",
        "function", "arguments", "api", "kind", "model", "retry_after_ms", "reserved", "used", "waste", "loop",
    }
)  # fmt: skip
_EVENT = re.compile(r"[a-z][a-z0-9_.]{0,79}")
_CODE = re.compile(r"[A-Za-z0-9_.:/+@-]{0,200}")
#: Names and kinds of arguments, as ``exora.coordination.traced`` lists them.
_ARGUMENTS = re.compile(r"(?:[a-z0-9_]+:[A-Za-z]+(?:\(\d+\))? ?)*")

#: Libraries whose own logs may hold requests, rows or keys.
_MUTED = ("asyncio", "asyncpg", "uvicorn", "uvicorn.error", "uvicorn.access", "httpx", "httpcore", "hpack", "h2",
          "openai", "google", "urllib3", "PIL")  # fmt: skip


def configure_logs(
    level: str = "info",
    *,
    stream: TextIO | None = None,
    readable: bool | None = None,
    also: Callable[[Mapping[str, Any]], None] | None = None,
) -> None:
    """Set up logging for the process.

    Args:
        level: trace, debug, info, warn, warning or error.
        stream: where lines go; None = stderr.
        readable: lines for people instead of JSON; None = when the stream is a terminal.
        also: is called with the fields of every line, after all that is not allowed was taken off.
    """
    out = stream or sys.stderr
    number = {"trace": 10, "debug": 10, "info": 20, "warn": 30, "warning": 30, "error": 40}[level]
    pretty = out.isatty() if readable is None else readable
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _with_job,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _only_allowed,
            *([] if also is None else [_telling(also)]),
            structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer(default=str),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.NullHandler())  # else Python prints warnings of libraries, which may quote a document
    for name in _MUTED:
        logger = logging.getLogger(name)
        logger.handlers = [logging.NullHandler()]
        logger.propagate = False


def _telling(also: Callable[[Mapping[str, Any]], None]) -> Any:
    def tell(_: Any, __: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        also(dict(fields))
        return fields

    return tell


def _with_job(_: Any, __: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    job = current_job.get()
    if job is not None:
        fields.setdefault("job_id", str(job.job_id))
        fields.setdefault("correlation_id", str(job.correlation_id))
        fields.setdefault("job_type", job.job_type)
        fields.setdefault("attempt", job.fence.attempt)
    return fields


def _only_allowed(_: Any, __: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    dropped = [key for key, value in fields.items() if key not in ALLOWED or not _may_be_said(key, value)]
    for key in dropped:
        del fields[key]
    fields.setdefault("event", "event_withheld")
    if dropped:
        fields["dropped_keys"] = len(dropped)
    return fields


def _may_be_said(key: str, value: Any) -> bool:
    if isinstance(value, str):
        return (_EVENT if key == "event" else _ARGUMENTS if key == "arguments" else _CODE).fullmatch(value) is not None
    return value is None or isinstance(value, int | float | UUID)
