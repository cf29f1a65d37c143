"""One small call to each remote API that is configured, through the gate; what its answer means and what to do."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from PIL import Image

from exora.capacity.gate import Gate, Terms
from exora.coordination.port import Coordinator
from exora.doctor.check import Check, failed, from_error, ok, warning
from exora.domain.capacity import Permit
from exora.errors import ExoraError, NoCapacity, ProviderError

_TERMS = Terms(priority=1, patience_s=5.0)
#: The most that the smallest chat takes.
_TOKENS = 128


class Chats(Protocol):
    """A chat provider's smallest call."""

    async def check(self, permit: Permit, model: str) -> Mapping[str, str]: ...


class Annotates(Protocol):
    """A picture-reading provider."""

    async def annotate(self, permit: Permit, images: Sequence[bytes]) -> list[dict[str, Any] | ProviderError]: ...


async def check_openai(gate: Gate, coordinator: Coordinator, chat: Chats | None, model: str) -> list[Check]:
    """Whether the model answers, and whether its account's limits are at least those that are set here."""
    if chat is None:
        return [ok("openai", "not used: records are made on this machine")]
    found: dict[str, str] = {}

    async def call(permit: Permit) -> str:
        found.update(await chat.check(permit, model))
        return f"{model} answers"

    check = await _call("openai", gate, "openai", model, call, tokens=_TOKENS)
    return [check, *await _limits(coordinator, model, found)]


async def check_vision(gate: Gate, vision: Annotates | None) -> list[Check]:
    """Whether it reads a picture."""
    if vision is None:
        return [ok("google vision", "not used: pages are recognized on this machine")]
    picture = io.BytesIO()
    Image.new("L", (64, 64), 255).save(picture, "PNG")

    async def call(permit: Permit) -> str:
        [answer] = await vision.annotate(permit, [picture.getvalue()])
        if isinstance(answer, ProviderError):
            raise answer
        return "images:annotate answers"

    return [await _call("google vision", gate, "google", "vision-api", call)]


async def _call(
    name: str, gate: Gate, provider: str, endpoint: str, call: Callable[[Permit], Awaitable[str]], *, tokens: int = 0
) -> Check:
    try:
        async with gate.reserve(provider, endpoint, tokens=tokens, output_tokens=tokens // 2, terms=_TERMS) as permit:
            return ok(name, await call(permit))
    except NoCapacity as error:
        return failed(
            name,
            f"no call was made: {error.reason}, for {error.retry_after_s:.0f} s",
            f"See exora capacity show; open it: exora capacity open {provider} {endpoint}",
        )
    except ExoraError as error:
        return from_error(name, error)


async def _limits(coordinator: Coordinator, model: str, headers: Mapping[str, str]) -> list[Check]:
    """Limits set above the account's would be found out by 429s."""
    known = {(api.provider, api.endpoint): api for api in await coordinator.api_capacity()}
    api = known.get(("openai", model))
    checks = []
    for kind, option in (("requests", "--rpm"), ("tokens", "--tpm")):
        theirs = headers.get(f"x-ratelimit-limit-{kind}", "")
        ours = getattr(api, f"{kind}_per_minute", None)
        if not theirs.isdigit() or api is None:
            continue
        if ours is None or ours > int(theirs):
            checks.append(
                warning(
                    f"openai {kind}",
                    f"{'no limit is' if ours is None else f'{ours} a minute are'} set, the account has {theirs}",
                    f"exora capacity set openai {model} {option} {theirs}",
                )
            )
        else:
            checks.append(ok(f"openai {kind}", f"{ours} a minute of the account's {theirs}"))
    return checks
