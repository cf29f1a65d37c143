"""OpenAI, or any server that speaks its protocol: one request with a strict schema, errors classified, usage read."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from exora.domain.capacity import Permit
from exora.errors import (
    AnswerCutOff,
    AnswerRefused,
    AnswerUnusable,
    KeyRefused,
    ProviderError,
    ProviderUnavailable,
    QuotaExhausted,
    RateLimited,
    RequestRefused,
)
from exora.providers.headers import processing_ms, remaining, retry_after_s
from exora.providers.trust import UNTRUSTED_REMEDY, trusting, untrusted
from exora.providers.urls import checked_url

DEFAULT_URL = "https://api.openai.com/v1"
_NAME = "openai"
#: The smallest answer that follows a schema.
_CHECK_SCHEMA = {
    "type": "object", "properties": {"here": {"type": "boolean"}}, "required": ["here"], "additionalProperties": False,
}  # fmt: skip
_CHECK_TOKENS = 32
#: A record is a thousandth of this; what is longer, also when unpacked, is no answer.
MAX_ANSWER_BYTES = 16 * 1024 * 1024
#: Codes of a 429 that waiting does not cure.
_FINAL_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer: the JSON text the schema asked for, and the tokens it took."""

    text: str
    input_tokens: int
    output_tokens: int


class OpenAI:
    """A client of one account.

    Args:
        api_key: sent as a bearer token, never logged.
        base_url: where the API is; None = OpenAI's own.
        timeout_s: for a whole call.
        ca_file: authorities to trust besides the system's, in PEM.

    Raises:
        ConfigurationError: documents may not be sent to this URL, or the file is of no use.
    """

    def __init__(
        self, api_key: str, base_url: str | None = None, *, timeout_s: float = 120.0, ca_file: str | None = None
    ) -> None:
        # The SDK takes seconds to load, which only those who use it shall pay.
        import openai

        for name in ("openai", "httpx2", "httpcore2"):  # they log URLs and, at debug level, bodies
            logging.getLogger(name).setLevel(logging.WARNING)
        self._sdk = openai
        self._timeout_s = timeout_s
        self._client = openai.AsyncOpenAI(
            api_key=api_key,
            base_url=checked_url(base_url or DEFAULT_URL, "OPENAI_BASE_URL"),
            timeout=timeout_s,
            max_retries=0,  # a retry needs a reservation of its own
            http_client=openai.DefaultAsyncHttpxClient(
                event_hooks={"response": [_read_bounded]}, verify=True if ca_file is None else trusting(ca_file)
            ),
        )

    async def complete(
        self,
        permit: Permit,
        *,
        model: str,
        system: str,
        user: str,
        schema_name: str,
        schema: Mapping[str, Any],
        max_output_tokens: int,
    ) -> Completion:
        """Ask for one answer in the form of a strict JSON schema; nothing is stored at the provider.

        Args:
            permit: a reserved call.
            model: the model's name.
            system, user: the two messages.
            schema_name, schema: as the strict mode wants it: every property required, no additional ones.
            max_output_tokens: the answer ends there.

        Raises:
            ProviderError: the subclass says what happened; AnswerCutOff at ``max_output_tokens``.
        """
        await permit.begin()
        _, answer = await self._ask(
            permit,
            model=model,
            messages=[{"role": "system", "content": system}, {"role": "user", "content": user}],
            response_format=_strict(schema_name, schema),
            max_completion_tokens=max_output_tokens,
            temperature=0,
        )
        return _read(answer, permit)

    async def check(self, permit: Permit, model: str) -> dict[str, str]:
        """Make the smallest call there is, in the form that all others have; returns the rate-limit headers.

        Raises:
            ProviderError: as ``complete``.
        """
        await permit.begin()
        raw, answer = await self._ask(
            permit,
            model=model,
            messages=[{"role": "user", "content": "Say that you are here."}],
            response_format=_strict("check", _CHECK_SCHEMA),
            max_completion_tokens=_CHECK_TOKENS,
        )
        try:
            said = json.loads(_read(answer, permit).text)
        except ValueError:
            said = None
        if not isinstance(said, dict) or set(said) != {"here"}:
            raise AnswerUnusable(
                _NAME, "the answer does not follow its schema", remedy="Use a model that supports strict JSON schemas"
            )
        return {name: value for name, value in raw.headers.items() if name.startswith("x-ratelimit-")}

    async def close(self) -> None:
        """Close its connections."""
        await self._client.close()

    async def _ask(self, permit: Permit, **request: Any) -> tuple[Any, Any]:
        """One call; its raw answer and what that says. The SDK's own timeout is for each read: an answer that drips
        would never end."""
        try:
            async with asyncio.timeout(self._timeout_s):
                raw = await self._client.chat.completions.with_raw_response.create(**request, store=False)
            permit.answered(processing_ms=processing_ms(raw.headers), **remaining(raw.headers))
            return raw, raw.parse()
        except TimeoutError:
            raise ProviderUnavailable(_NAME, "no answer in time") from None
        except self._sdk.APIError as error:
            raise self._classified(error, permit) from None
        except ValueError:  # a 200 whose body is no JSON, or has no end
            raise AnswerUnusable(_NAME, "the answer is not JSON, or has no end") from None

    def _classified(self, error: Exception, permit: Permit) -> ProviderError:
        """The provider's error as ours; its text is left behind, which may quote the request."""
        sdk = self._sdk
        if isinstance(error, sdk.APITimeoutError):
            return ProviderUnavailable(_NAME, "no answer in time")
        if isinstance(error, sdk.APIResponseValidationError):
            return AnswerUnusable(_NAME, "the answer is not what the API promises")
        if untrusted(error):
            return ProviderUnavailable(_NAME, "its certificate is not trusted", remedy=UNTRUSTED_REMEDY)
        if not isinstance(error, sdk.APIStatusError):
            return ProviderUnavailable(_NAME, "the connection broke")
        headers, status, code = error.response.headers, error.status_code, str(error.code or "")
        permit.answered(processing_ms=processing_ms(headers))
        if status == 429:
            if code in _FINAL_CODES:
                return QuotaExhausted(_NAME, "the quota is used up")
            return RateLimited(_NAME, "too many requests", retry_after_s=retry_after_s(headers))
        if status in (401, 403):
            kind: Literal["invalid_key", "forbidden"] = "invalid_key" if status == 401 else "forbidden"
            return KeyRefused(_NAME, f"the key was refused (HTTP {status})", kind=kind)
        if status >= 500 or status in (408, 409):
            return ProviderUnavailable(_NAME, f"it failed (HTTP {status})")
        if status == 404:
            return RequestRefused(
                _NAME, "no such model or path", reason="not_found", remedy="Check OPENAI_MODEL and OPENAI_BASE_URL"
            )
        return RequestRefused(_NAME, f"it refused the request (HTTP {status})", reason=_safe(code) or "bad_request")


async def _read_bounded(response: Any) -> None:
    """Read a response before the SDK does, which would read any length."""
    size, parts = 0, []
    async for part in response.aiter_bytes():
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            raise ValueError("the answer has no end")
        parts.append(part)
    response._content = b"".join(parts)


def _strict(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": dict(schema)}}


def _read(answer: Any, permit: Permit) -> Completion:
    usage = getattr(answer, "usage", None)
    input_tokens = int(getattr(usage, "prompt_tokens", 0) or 0)
    output_tokens = int(getattr(usage, "completion_tokens", 0) or 0)
    if usage is not None:
        permit.used(input_tokens=input_tokens, output_tokens=output_tokens)
    choices = getattr(answer, "choices", None)
    if not choices:
        raise AnswerUnusable(_NAME, "the answer has no choice")
    choice = choices[0]
    if choice.finish_reason == "length":
        raise AnswerCutOff(_NAME, "the answer was cut off at its token limit")
    if choice.finish_reason == "content_filter" or getattr(choice.message, "refusal", None):
        raise AnswerRefused(_NAME, "the model or its content filter refused to answer")
    if not choice.message.content:
        raise AnswerUnusable(_NAME, "the answer is empty")
    return Completion(choice.message.content, input_tokens, output_tokens)


def _safe(code: str) -> str:
    return code if code.isascii() and code.replace("_", "").isalnum() and len(code) <= 60 else ""
