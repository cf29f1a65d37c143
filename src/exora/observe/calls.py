"""Counts of this process's calls to APIs: capacity granted and denied, latency, errors, tokens, money, and how far the
estimates were off. Names and numbers only, never content.

Paid by every call, so it is plain attributes and lists, as the tally of jobs is.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

#: Upper bounds of the histogram of latencies in seconds; a last bucket holds what is longer.
LATENCY_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 120.0)
#: The same of reserved tokens over used ones: below 1 the estimate was too low, above it was wasted.
RATIO_BOUNDS = (0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)


class ApiCalls:
    """What happened at one API since the process began.

    Attributes:
        granted: reservations that were granted.
        denied: reservations that were given up, by the limit (or closing) that bound them.
        latencies, latency_s: histogram and sum of the seconds from sending a call to its answer, or to its failure.
        errors: calls that failed, by the code of their error.
        input_tokens, output_tokens: used, by the providers' own count.
        microusd: what calls cost by the price list, in millionths of a US dollar.
        ratios, ratio_sum: histogram and sum of reserved tokens over used ones, of calls that say what they used.
    """

    __slots__ = (
        "denied", "errors", "granted", "input_tokens", "latencies", "latency_s", "microusd", "output_tokens",
        "ratio_sum", "ratios",
    )  # fmt: skip

    def __init__(self) -> None:
        self.granted = 0
        self.denied: dict[str, int] = {}
        self.latencies = [0] * (len(LATENCY_BOUNDS) + 1)
        self.latency_s = 0.0
        self.errors: dict[str, int] = {}
        self.input_tokens = 0
        self.output_tokens = 0
        self.microusd = 0
        self.ratios = [0] * (len(RATIO_BOUNDS) + 1)
        self.ratio_sum = 0.0

    def deny(self, limit: str) -> None:
        """A reservation was given up."""
        self.denied[limit] = self.denied.get(limit, 0) + 1

    def fail(self, code: str) -> None:
        """A call failed."""
        self.errors[code] = self.errors.get(code, 0) + 1

    def ended(self, seconds: float) -> None:
        """A call that was sent has ended."""
        self.latencies[bisect_left(LATENCY_BOUNDS, seconds)] += 1
        self.latency_s += seconds

    def used(self, input_tokens: int, output_tokens: int, microusd: int, reserved_tokens: int) -> None:
        """A call said what it used."""
        self.input_tokens += input_tokens
        self.output_tokens += output_tokens
        self.microusd += microusd
        actual = input_tokens + output_tokens
        if actual and reserved_tokens:
            ratio = reserved_tokens / actual
            self.ratios[bisect_left(RATIO_BOUNDS, ratio)] += 1
            self.ratio_sum += ratio


class CallTally:
    """The counts of one process, API by API."""

    def __init__(self) -> None:
        self._apis: dict[tuple[str, str], ApiCalls] = {}

    def of(self, provider: str, endpoint: str) -> ApiCalls:
        """The counts of one API."""
        return self._apis.setdefault((provider, endpoint), ApiCalls())

    @property
    def apis(self) -> Mapping[tuple[str, str], ApiCalls]:
        """The counts by provider and endpoint."""
        return self._apis
