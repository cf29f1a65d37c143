"""A provider's server on loopback: its limits, its errors, and faults by script."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import Any

from exora.testing.providers.limits import Limits, Meter
from exora.testing.providers.wire import Answer, Manner, Request, serving


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one call instead of an answer.

    Attributes:
        status: of an error; 200 with ``flaw`` is an answer that is wrong inside.
        code: the provider's error code, such as insufficient_quota.
        headers: for example Retry-After.
        date_s: Retry-After as the date so many seconds from now.
        manner: how it is sent.
        flaw: refusal, length, content_filter, wrong_json, not_json, image_error or no_coordinates.
    """

    status: int = 200
    code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    date_s: float | None = None
    manner: Manner = "whole"
    flaw: str = ""


def throttled(seconds: float | None = None, *, form: str = "seconds") -> Fault:
    """A 429, with Retry-After in ``form``: seconds, ms (``retry-after-ms``), date, reset (x-ratelimit-*), or none."""
    headers: dict[str, str] = {}
    if seconds is not None:
        headers = {
            "seconds": {"retry-after": f"{seconds:g}"},
            "ms": {"retry-after-ms": f"{seconds * 1000:g}"},
            "date": {},
            "reset": {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": f"{seconds:g}s"},
        }[form]
    return Fault(429, "rate_limit_exceeded", headers, date_s=seconds if form == "date" else None)


#: Faults by name, for scripts and for ``exora test apis``.
FAULTS: dict[str, Fault] = {
    "429": throttled(),
    "429-seconds": throttled(2),
    "429-ms": throttled(1.5, form="ms"),
    "429-date": throttled(3, form="date"),
    "429-reset": throttled(2, form="reset"),
    "insufficient_quota": Fault(429, "insufficient_quota"),
    "401": Fault(401, "invalid_api_key"),
    "403": Fault(403, "forbidden"),
    "400": Fault(400, "context_length_exceeded"),
    "404": Fault(404, "model_not_found"),
    "500": Fault(500),
    "502": Fault(502),
    "503": Fault(503),
    "529": Fault(529),
    "hang": Fault(manner="hang"),
    "drip": Fault(manner="drip"),
    "reset": Fault(manner="reset"),
    "truncated": Fault(manner="truncated"),
    "not_json": Fault(flaw="not_json"),
    "wrong_json": Fault(flaw="wrong_json"),
    "refusal": Fault(flaw="refusal"),
    "length": Fault(flaw="length"),
    "content_filter": Fault(flaw="content_filter"),
    "image_error": Fault(flaw="image_error"),
    "no_coordinates": Fault(flaw="no_coordinates"),
}


class ScriptedServer(ABC):
    """A provider's server.

    Attributes:
        meter: its limits and counts.
        script: faults of the next calls, in order.
        storm: while set, what happens to every call.
        latency_s: how long a call takes.
        requests: bodies of the calls admitted, newest last (at most 100).
    """

    def __init__(self, limits: Limits | None = None, *, latency_s: float = 0.0, api_key: str = "test-key") -> None:
        self.meter = Meter(limits or Limits())
        self.script: deque[Fault] = deque()
        self.storm: Fault | None = None
        self.latency_s = latency_s
        self.requests: deque[dict[str, Any]] = deque(maxlen=100)
        self.answered = 0
        self.on_call: Callable[[], None] | None = None
        self._api_key = api_key

    @contextlib.asynccontextmanager
    async def serve(self, port: int = 0, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
        """Serve until the block ends, over HTTPS with ``tls``; yields the base URL to configure."""
        async with serving(self._handle, port, tls) as url:
            yield url + self.base_path

    #: What the base URL ends with.
    base_path = ""

    @abstractmethod
    def key_of(self, request: Request) -> str | None:
        """The API key a request carries."""

    @abstractmethod
    def expected_tokens(self, body: dict[str, Any]) -> int:
        """For how many tokens a call counts on arrival."""

    @abstractmethod
    def error(self, status: int, code: str) -> bytes:
        """The body of an error."""

    @abstractmethod
    async def answer(self, body: dict[str, Any], flaw: str) -> tuple[bytes, int | None]:
        """The body of an answer, and the tokens it really used."""

    async def _handle(self, request: Request) -> Answer:
        began = time.monotonic()
        if self.key_of(request) != self._api_key:
            return Answer(401, self.error(401, "invalid_api_key"))
        try:
            body = json.loads(request.body)
        except ValueError:
            return Answer(400, self.error(400, "invalid_request"))
        if self.on_call is not None:
            self.on_call()
        entry = self.meter.arrive(self.expected_tokens(body))
        if isinstance(entry, str):
            return Answer(429, self.error(429, "rate_limit_exceeded"), {"retry-after": "1"} | self.meter.headers())
        used: int | None = None
        try:
            fault = self.script.popleft() if self.script else self.storm or Fault()
            answer, used = await self._answer(body, fault)
        finally:
            self.meter.leave(entry, used)
        took = {"openai-processing-ms": f"{(time.monotonic() - began) * 1000:.0f}"} if answer.status == 200 else {}
        return replace(answer, headers={**self.meter.headers(), **took, **answer.headers})

    async def _answer(self, body: dict[str, Any], fault: Fault) -> tuple[Answer, int | None]:
        if fault.status != 200:
            headers = dict(fault.headers)
            if fault.date_s is not None:
                headers["retry-after"] = formatdate(time.time() + fault.date_s, usegmt=True)
            return Answer(fault.status, self.error(fault.status, fault.code), headers, fault.manner), None
        if fault.manner == "hang":
            await asyncio.Event().wait()  # here, so that it counts as under way
        await asyncio.sleep(self.latency_s)
        content, used = (b"{]", None) if fault.flaw == "not_json" else await self.answer(body, fault.flaw)
        self.requests.append(body)
        self.answered += 1
        return Answer(200, content, fault.headers, fault.manner), used
