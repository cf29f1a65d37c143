"""Limits as a provider keeps them: by its own clock, counting what arrives."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """What a provider allows; None = anything."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent: int | None = None


@dataclass(slots=True)
class Entry:
    """One admitted call: when it arrived, and the tokens it counts for."""

    at: float
    tokens: int


@dataclass
class Meter:
    """Counts arrivals in a sliding window of 60 s, and calls at once.

    Attributes:
        limits: what is allowed.
        violations: calls that were over a limit when they arrived, by limit; each was refused with 429.
        arrivals: when each call arrived (``time.monotonic()``), admitted or not.
        most_at_once: the most calls that were under way.
    """

    limits: Limits = field(default_factory=Limits)
    violations: dict[str, int] = field(default_factory=lambda: {"requests": 0, "tokens": 0, "concurrent": 0})
    arrivals: list[tuple[float, bool]] = field(default_factory=list)
    most_at_once: int = 0
    at_once: int = 0
    _window: deque[Entry] = field(default_factory=deque)
    _tokens: int = 0

    def arrive(self, tokens: int) -> Entry | str:
        """A call arrives: the entry of an admitted one, else the limit it is over. Admitted calls must ``leave``."""
        now = time.monotonic()
        while self._window and self._window[0].at <= now - 60.0:
            self._tokens -= self._window.popleft().tokens
        over = self._over(tokens)
        self.arrivals.append((now, over is None))
        if over is not None:
            self.violations[over] += 1
            return over
        entry = Entry(now, tokens)
        self._window.append(entry)
        self._tokens += tokens
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        return entry

    def leave(self, entry: Entry, tokens: int | None = None) -> None:
        """A call has ended; what it really used replaces what was expected, unless it has left the window already."""
        self.at_once -= 1
        if tokens is not None and entry.at > time.monotonic() - 60.0:
            self._tokens += tokens - entry.tokens
            entry.tokens = tokens

    def headers(self) -> dict[str, str]:
        """The ``x-ratelimit-*`` headers of this moment."""
        found = {}
        oldest = max(self._window[0].at + 60.0 - time.monotonic(), 0.0) if self._window else 0.0
        for kind, limit, used in (
            ("requests", self.limits.requests_per_minute, len(self._window)),
            ("tokens", self.limits.tokens_per_minute, self._tokens),
        ):
            if limit is not None:
                found[f"x-ratelimit-limit-{kind}"] = str(limit)
                found[f"x-ratelimit-remaining-{kind}"] = str(max(limit - used, 0))
                found[f"x-ratelimit-reset-{kind}"] = f"{oldest:.3f}s"
        return found

    def _over(self, tokens: int) -> str | None:
        limits = self.limits
        if limits.requests_per_minute is not None and len(self._window) + 1 > limits.requests_per_minute:
            return "requests"
        if limits.tokens_per_minute is not None and self._tokens + tokens > limits.tokens_per_minute:
            return "tokens"
        if limits.concurrent is not None and self.at_once + 1 > limits.concurrent:
            return "concurrent"
        return None
