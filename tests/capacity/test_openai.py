"""The OpenAI SDK against a server that speaks its protocol: what is sent, and what each failure becomes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from exora.errors import (
    AnswerCutOff,
    AnswerRefused,
    AnswerUnusable,
    ExoraError,
    KeyRefused,
    ProviderUnavailable,
    QuotaExhausted,
    RateLimited,
    RequestRefused,
)
from exora.providers.openai import Completion, OpenAI
from exora.testing.providers.limits import Limits
from exora.testing.providers.openai import OpenAIServer
from exora.testing.providers.scripted import FAULTS

from .permits import NotedPermit

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"items": {"type": "array", "items": {"type": "string"}}},
    "required": ["items"],
    "additionalProperties": False,
}


class Rig:
    """A server, its client and a permit."""

    def __init__(self, server: OpenAIServer, client: OpenAI) -> None:
        self.server = server
        self.client = client
        self.permit = NotedPermit()

    async def complete(self) -> Completion:
        """Ask for a completion."""
        return await self.client.complete(
            self.permit, model="gpt-4o-mini", system="Extract.", user="Jane Roe takes aspirin. " * 10,
            schema_name="record", schema=SCHEMA, max_output_tokens=100,
        )  # fmt: skip


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """A server without limits."""
    server = OpenAIServer()
    async with server.serve() as url:
        client = OpenAI("test-key", url, timeout_s=1.0)
        yield Rig(server, client)
        await client.close()


async def test_a_strict_schema_is_asked_for_and_nothing_is_stored(rig: Rig) -> None:
    answer = await rig.complete()
    assert answer.text == '{"items": []}'
    [body] = rig.server.requests
    assert body["response_format"]["json_schema"] == {"name": "record", "strict": True, "schema": SCHEMA}
    assert (body["store"], body["max_completion_tokens"]) == (False, 100)
    assert not {"user", "metadata"} & set(body)


async def test_a_stand_in_that_fails_says_so_at_once() -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))

    def reply(_: dict[str, Any]) -> str:
        raise LookupError("no such answer")

    async with OpenAIServer(reply=reply).serve() as url:
        rig = Rig(OpenAIServer(), OpenAI("test-key", url, timeout_s=60.0))
        with pytest.raises(ProviderUnavailable):
            await rig.complete()
        await rig.client.close()
    assert [type(context["exception"]) for context in told] == [LookupError]


async def test_the_permit_is_begun_once_and_learns_usage_time_and_what_is_left(rig: Rig) -> None:
    rig.server.meter.limits = Limits(requests_per_minute=10)
    answer = await rig.complete()
    assert rig.permit.began == 1
    assert rig.permit.usage == {"input_tokens": answer.input_tokens, "output_tokens": answer.output_tokens}
    [told] = rig.permit.answers
    assert told["processing_ms"] >= 0
    assert told["remaining_requests"] == 9


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("429", RateLimited),
        ("insufficient_quota", QuotaExhausted),
        ("401", KeyRefused),
        ("403", KeyRefused),
        ("400", RequestRefused),
        ("404", RequestRefused),
        ("500", ProviderUnavailable),
        ("502", ProviderUnavailable),
        ("503", ProviderUnavailable),
        ("529", ProviderUnavailable),
        ("hang", ProviderUnavailable),
        ("drip", ProviderUnavailable),
        ("reset", ProviderUnavailable),
        ("truncated", ProviderUnavailable),
        ("not_json", AnswerUnusable),
        ("refusal", AnswerRefused),
        ("content_filter", AnswerRefused),
        ("length", AnswerCutOff),
    ],
)
async def test_each_failure_is_told_apart_tried_once_and_says_what_to_do(
    rig: Rig, fault: str, error: type[ExoraError]
) -> None:
    calls = 0

    def count() -> None:
        nonlocal calls
        calls += 1

    rig.server.on_call = count
    rig.server.script.append(FAULTS[fault])
    async with asyncio.timeout(10):
        with pytest.raises(error) as caught:
            await rig.complete()
    assert calls == 1
    assert type(caught.value) is error
    assert "Jane" not in caught.value.one_line()
    assert "test-key" not in caught.value.one_line()


@pytest.mark.parametrize(
    ("fault", "seconds"), [("429-seconds", 2), ("429-ms", 1.5), ("429-date", 3), ("429-reset", 2), ("429", None)]
)
async def test_a_429_says_when_to_come_back(rig: Rig, fault: str, seconds: float | None) -> None:
    rig.server.script.append(FAULTS[fault])
    with pytest.raises(RateLimited) as caught:
        await rig.complete()
    assert caught.value.retry_after_s == (None if seconds is None else pytest.approx(seconds, abs=1.5))


async def test_a_wrong_key_is_refused_by_the_server_itself(rig: Rig) -> None:
    rig.server._api_key = "another"
    with pytest.raises(KeyRefused) as caught:
        await rig.complete()
    assert "exora capacity open" in caught.value.remedy


async def test_over_the_limit_the_server_refuses_and_counts_it(rig: Rig) -> None:
    rig.server.meter.limits = Limits(requests_per_minute=1)
    await rig.complete()
    with pytest.raises(RateLimited):
        await rig.complete()
    assert rig.server.meter.violations == {"requests": 1, "tokens": 0, "concurrent": 0}
