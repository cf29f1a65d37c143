"""What handlers get handed in: providers behind the gate, so that every call they make is reserved."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from exora.capacity.estimates import Estimator
from exora.capacity.gate import Gate, Terms
from exora.capacity.tokens import count_tokens
from exora.domain.capacity import Permit
from exora.errors import AnswerCutOff, ProviderError

_log = structlog.get_logger("exora.capacity")

#: What a chat's framing takes beside its texts; the schema is counted as the JSON it is.
_FRAMING_TOKENS = 32
#: The least a model is allowed to say, and the most it can.
_LEAST_OUTPUT = 256
MOST_OUTPUT = 16_384
#: Output per input token while nothing is known: a page of results takes more to structure than to print.
_DEFAULT_RATIO = 1.5


class Completes(Protocol):
    """A chat provider (``exora.providers.openai.OpenAI``)."""

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
    ) -> Completion: ...


class Completion(Protocol):
    """An answer."""

    @property
    def text(self) -> str: ...

    @property
    def output_tokens(self) -> int: ...


class Annotates(Protocol):
    """A picture-reading provider (``exora.providers.vision.Vision``)."""

    async def annotate(self, permit: Permit, images: Sequence[bytes]) -> list[dict[str, Any] | ProviderError]: ...


class GatedChat:
    """One model behind the gate.

    Args:
        gate: this worker's.
        provider: makes the calls.
        estimator: learns how much answers of a kind take.
        model: the model, which is also the endpoint whose limits count.
        terms: how its calls wait; None = as ``current_terms`` says.
    """

    def __init__(
        self, gate: Gate, provider: Completes, estimator: Estimator, model: str, terms: Terms | None = None
    ) -> None:
        self._gate = gate
        self._provider = provider
        self._estimator = estimator
        self._terms = terms
        self.model = model

    def under(self, terms: Terms) -> GatedChat:
        """The same model for calls that wait so."""
        return GatedChat(self._gate, self._provider, self._estimator, self.model, terms)

    async def complete(self, *, system: str, user: str, schema_name: str, schema: Mapping[str, Any]) -> str:
        """Ask for one answer; reserves its prompt exactly and its answer as answers of this schema have turned out.

        An answer longer than expected is asked for once more with all the room there is.

        Raises:
            NoCapacity: not within the job's patience.
            AnswerCutOff: the answer does not fit into the model's limit.
            ProviderError: otherwise no answer of use.
        """
        prompt = await asyncio.to_thread(count_tokens, f"{system}\n{user}")
        framing = _FRAMING_TOKENS + await asyncio.to_thread(count_tokens, json.dumps(schema))
        ratio = await self._estimator.estimate(schema_name, _DEFAULT_RATIO)
        most = min(max(math.ceil(ratio * prompt), _LEAST_OUTPUT), MOST_OUTPUT)
        while True:
            try:
                answer = await self._once(system, user, schema_name, schema, prompt + framing, most)
            except AnswerCutOff:
                await self._estimator.learn(schema_name, reserved=most / prompt, used=most / prompt)
                if most == MOST_OUTPUT:
                    raise
                most = MOST_OUTPUT
                continue
            await self._estimator.learn(schema_name, reserved=most / prompt, used=answer.output_tokens / prompt)
            _log.debug(
                "answer_estimated",
                model=self.model,
                reserved=most,
                used=answer.output_tokens,
                waste=round(self._estimator.waste, 3),
            )
            return answer.text

    async def _once(
        self, system: str, user: str, name: str, schema: Mapping[str, Any], prompt: int, most: int
    ) -> Completion:
        async def make(permit: Permit) -> Completion:
            return await self._provider.complete(
                permit,
                model=self.model,
                system=system,
                user=user,
                schema_name=name,
                schema=schema,
                max_output_tokens=most,
            )

        return await self._gate.call(
            "openai", self.model, make, tokens=prompt + most, output_tokens=most, terms=self._terms
        )


class GatedVision:
    """Google Vision behind the gate.

    Args:
        gate: this worker's.
        provider: makes the calls.
        terms: how its calls wait; None = as ``current_terms`` says.
    """

    def __init__(self, gate: Gate, provider: Annotates, terms: Terms | None = None) -> None:
        self._gate = gate
        self._provider = provider
        self._terms = terms

    def under(self, terms: Terms) -> GatedVision:
        """The same API for calls that wait so."""
        return GatedVision(self._gate, self._provider, terms)

    async def annotate(self, images: Sequence[bytes]) -> list[dict[str, Any] | ProviderError]:
        """Read pictures in one call; each answer is an annotation or that picture's own error.

        Raises:
            NoCapacity: not within the job's patience.
            ProviderError: the call failed.
        """

        async def make(permit: Permit) -> list[dict[str, Any] | ProviderError]:
            return await self._provider.annotate(permit, images)

        return await self._gate.call("google", "vision-api", make, units=len(images), terms=self._terms)


@dataclass(frozen=True, slots=True)
class GatedApis:
    """The APIs of a process behind its gate.

    Attributes:
        gate: before every API, known to Exora or not.
        chat, vision: the providers that are configured; None = not.
    """

    gate: Gate
    chat: GatedChat | None = None
    vision: GatedVision | None = None
