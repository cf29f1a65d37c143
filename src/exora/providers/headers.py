"""What providers say in headers: when to come back, what is left, how long it took them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_GO_PARTS = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s)")
_GO_UNITS_MS = {"h": 3_600_000.0, "m": 60_000.0, "s": 1000.0, "ms": 1.0, "us": 1e-3, "µs": 1e-3, "ns": 1e-6}
_GO = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|us|µs|ns|h|m|s))+")
_DUR = re.compile(r"\bdur=(\d+(?:\.\d+)?)")


def go_duration_ms(text: str | None) -> float | None:
    """Milliseconds of a duration as Go prints it: "8.64s", "6m0s", "120ms", "1h2m3s"; None for anything else."""
    if text is None or not _GO.fullmatch(text.strip()):
        return None
    return sum(float(number) * _GO_UNITS_MS[unit] for number, unit in _GO_PARTS.findall(text))


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds until the provider wants to be asked again, or None if it does not say.

    Read in this order: ``retry-after-ms``; ``retry-after`` in seconds or as an HTTP date (RFC 9110 §10.2.3); else the
    later of ``x-ratelimit-reset-requests`` and ``-tokens`` among those whose remainder is zero.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is not None:
        return seconds
    if text:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            moment = None
        if moment is not None:
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return max((moment - datetime.now(UTC)).total_seconds(), 0.0)
    resets = [
        reset
        for kind in ("requests", "tokens")
        if _number(headers.get(f"x-ratelimit-remaining-{kind}")) == 0
        and (reset := go_duration_ms(headers.get(f"x-ratelimit-reset-{kind}"))) is not None
    ]
    return max(resets) / 1000 if resets else None


def processing_ms(headers: Mapping[str, str]) -> float | None:
    """How long the provider says it took (``openai-processing-ms``, or the durations of ``server-timing``)."""
    own = _number(headers.get("openai-processing-ms"))
    if own is not None:
        return own
    durations = [float(duration) for duration in _DUR.findall(headers.get("server-timing") or "")]
    return max(durations) if durations else None


def remaining(headers: Mapping[str, str]) -> dict[str, int]:
    """The ``x-ratelimit-remaining-*`` headers as arguments of ``Permit.answered``; empty without them."""
    found: dict[str, int] = {}
    resets = []
    for kind in ("requests", "tokens"):
        left = _number(headers.get(f"x-ratelimit-remaining-{kind}"))
        if left is not None:
            found[f"remaining_{kind}"] = int(left)
            reset = go_duration_ms(headers.get(f"x-ratelimit-reset-{kind}"))
            resets.append(reset if reset is not None else 1000.0)
    if found:
        found["reset_ms"] = int(max(resets))
    return found


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < 1e9 else None
