"""A stand-in for OpenAI's chat completions: strict schemas, usage, rate-limit headers."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from exora.testing.providers.limits import Limits
from exora.testing.providers.scripted import ScriptedServer
from exora.testing.providers.wire import Request


def emptiest(schema: dict[str, Any]) -> Any:
    """The emptiest value that a strict JSON schema allows."""
    definitions = schema.get("$defs", {})

    def value(part: dict[str, Any]) -> Any:
        if "$ref" in part:
            return value(definitions[part["$ref"].rsplit("/", 1)[-1]])
        if "anyOf" in part:
            return None if {"type": "null"} in part["anyOf"] else value(part["anyOf"][0])
        if "enum" in part:
            return part["enum"][0]
        kind = part.get("type")
        if isinstance(kind, list):
            kind = "null" if "null" in kind else kind[0]
        if kind == "object":
            return {name: value(inner) for name, inner in part.get("properties", {}).items()}
        return {"array": [], "string": "", "integer": 0, "number": 0, "boolean": False}.get(str(kind))

    return value(schema)


class OpenAIServer(ScriptedServer):
    """Answers ``POST /v1/chat/completions``.

    A call counts on arrival for a fourth of its characters plus the tokens it may produce, as the real one estimates,
    and for what it used once it has ended.

    Args:
        reply: makes the content of an answer from the request's body; None = the emptiest the schema allows.
    """

    base_path = "/v1"

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        latency_s: float = 0.0,
        api_key: str = "test-key",
        reply: Callable[[dict[str, Any]], str] | None = None,
    ) -> None:
        super().__init__(limits, latency_s=latency_s, api_key=api_key)
        self._reply = reply or emptiest_reply

    def key_of(self, request: Request) -> str | None:
        """The bearer token."""
        return request.headers.get("authorization", "").removeprefix("Bearer ") or None

    def expected_tokens(self, body: dict[str, Any]) -> int:
        """Prompt and the most that may be produced."""
        return _prompt_tokens(body) + int(body.get("max_completion_tokens") or body.get("max_tokens") or 0)

    def error(self, status: int, code: str) -> bytes:
        """The body of an error, in OpenAI's form."""
        kind = "insufficient_quota" if code == "insufficient_quota" else "invalid_request_error"
        return json.dumps(
            {"error": {"message": "scripted", "type": kind, "param": None, "code": code or None}}
        ).encode()

    async def answer(self, body: dict[str, Any], flaw: str) -> tuple[bytes, int | None]:
        """A completion; ``flaw`` refusal, length, content_filter or wrong_json spoils it."""
        content: str | None = await asyncio.to_thread(self._reply, body)
        message: dict[str, Any] = {"role": "assistant", "refusal": None}
        finish = "stop"
        if flaw == "wrong_json":
            content = '{"unexpected": true}'
        elif flaw == "refusal":
            content, message["refusal"] = None, "I can't help with that."
        elif flaw in ("length", "content_filter"):
            content, finish = (content or "")[: len(content or "") // 2], flaw
        produced = max(len(content or "") // 4, 1)
        prompt = _prompt_tokens(body)
        usage = {"prompt_tokens": prompt, "completion_tokens": produced, "total_tokens": prompt + produced}
        found = {
            "id": "chatcmpl-scripted",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": body.get("model", ""),
            "choices": [{"index": 0, "message": message | {"content": content}, "finish_reason": finish}],
            "usage": usage,
        }
        return json.dumps(found).encode(), prompt + produced


def _prompt_tokens(body: dict[str, Any]) -> int:
    return sum(len(message.get("content") or "") for message in body.get("messages", ())) // 4


def emptiest_reply(body: dict[str, Any]) -> str:
    """The emptiest answer to a request: what its schema allows, or "ok" where it has none."""
    wanted = body.get("response_format") or {}
    if wanted.get("type") != "json_schema":
        return "ok"
    return json.dumps(emptiest(wanted["json_schema"]["schema"]))
