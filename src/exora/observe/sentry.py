"""Sentry, if SENTRY_DSN is set: errors as the log tells them, under the same allow-list.

No exception and no frame is ever handed over: an event is built of a log line's fields, ids, counts and codes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from exora.errors import ConfigurationError

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

#: What an event may consist of; the SDK adds the machine's name, modules and more, which are taken off.
_KEPT = frozenset(
    {"event_id", "timestamp", "level", "platform", "environment", "release", "message", "tags", "fingerprint"}
)
_WORTH_TELLING = ("error", "critical")


def start_sentry(dsn: str, *, environment: str, release: str) -> Callable[[Mapping[str, Any]], None]:
    """Connect; returns what takes each log line.

    Raises:
        ConfigurationError: the SDK is not installed, or the DSN is none.
    """
    try:
        import sentry_sdk
    except ImportError as error:
        raise ConfigurationError(
            "SENTRY_DSN is set, but the Sentry SDK is not installed",
            field="SENTRY_DSN",
            remedy="Install it (pip install 'exora[sentry]'), or unset SENTRY_DSN",
        ) from error
    try:
        sentry_sdk.init(
            dsn=dsn,
            environment=environment,
            release=f"exora@{release}",
            include_local_variables=False,
            include_source_context=False,
            max_request_body_size="never",
            max_breadcrumbs=0,
            default_integrations=False,
            auto_enabling_integrations=False,
            server_name="",
            before_send=_only_kept,
        )
    except sentry_sdk.utils.BadDsn as error:
        raise ConfigurationError(
            "SENTRY_DSN is not a DSN", field="SENTRY_DSN", remedy="Copy it from the project's settings (Client Keys)"
        ) from error

    def tell(line: Mapping[str, Any]) -> None:
        unexpected = line.get("error_code") == "unexpected"
        if line.get("level") not in _WORTH_TELLING and not unexpected:
            return
        tags = {name: str(value) for name, value in line.items() if name not in ("event", "level", "timestamp")}
        mark = [str(line.get("event")), str(line.get("fingerprint") or line.get("error_code") or "")]
        level = "error" if unexpected else str(line["level"])
        sentry_sdk.capture_event(
            {"message": str(line.get("event")), "level": level, "tags": tags, "fingerprint": mark}  # type: ignore[typeddict-item]
        )

    return tell


def _only_kept(event: Event, _: Hint) -> Event:
    for name in [name for name in event if name not in _KEPT]:
        del event[name]  # type: ignore[misc]
    return event
