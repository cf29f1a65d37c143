"""exora test apis: every failure of a provider is told apart, with what to do about it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from exora.app import Remote, Services, open_remote, open_services
from exora.doctor.apis import check_openai, check_vision
from exora.doctor.check import Check, Status
from exora.settings import RemoteApi
from exora.testing.providers.limits import Limits
from exora.testing.providers.openai import OpenAIServer
from exora.testing.providers.scripted import FAULTS
from exora.testing.providers.vision import VisionServer


class Rig:
    """Stand-ins of both providers, and a process that is configured for them."""

    def __init__(self, services: Services, remote: Remote, chat: OpenAIServer, vision: VisionServer) -> None:
        self.services = services
        self.remote = remote
        self.chat = chat
        self.vision = vision

    async def openai(self) -> list[Check]:
        """The checks of OpenAI."""
        return await check_openai(self.remote.gate, self.services.coordinator, self.remote.openai, self.remote.model)

    async def google(self) -> Check:
        """The check of Google Vision."""
        [check] = await check_vision(self.remote.gate, self.remote.vision)
        return check


@pytest.fixture
async def rig(embedded_dsn: str) -> AsyncIterator[Rig]:
    """Everything configured and well."""
    chat, vision = OpenAIServer(), VisionServer(read=lambda _: ())
    async with open_services(embedded_dsn) as services, chat.serve() as chat_url, vision.serve() as vision_url:
        apis = RemoteApi("test-key", vision_url, "vision-api"), RemoteApi("test-key", chat_url, "gpt-4o-mini")
        async with open_remote(services, "test", *apis) as remote:
            yield Rig(services, remote, chat, vision)


async def test_apis_that_answer_are_well(rig: Rig) -> None:
    [check] = await rig.openai()
    assert (check.status, check.detail) == (Status.OK, "gpt-4o-mini answers")
    assert (await rig.google()).status is Status.OK


@pytest.mark.parametrize(
    ("fault", "found", "remedy"),
    [
        ("401", "key was refused", "Set a valid key"),
        ("403", "key was refused", "exora capacity open"),
        ("insufficient_quota", "quota is used up", "billing"),
        ("429-seconds", "too many requests", "lower the limits"),
        ("500", "it failed (HTTP 500)", "status page"),
        ("404", "no such model or path", "OPENAI_MODEL"),
        ("reset", "connection broke", "status page"),
        ("not_json", "not JSON", ""),
    ],
)
async def test_each_failure_of_openai_says_what_to_do(rig: Rig, fault: str, found: str, remedy: str) -> None:
    rig.chat.script.append(FAULTS[fault])
    [check] = await rig.openai()
    assert check.status is Status.FAILED
    assert found in check.detail
    assert remedy in check.remedy
    assert "test-key" not in check.detail + check.remedy


@pytest.mark.parametrize(
    ("fault", "found", "remedy"),
    [
        ("401", "key was refused", "Set a valid key"),
        ("403", "no access to this API", "exora capacity open"),
        ("429", "too many requests", "lower the limits"),
        ("503", "it failed (HTTP 503)", "status page"),
        ("image_error", "refused one image", ""),
    ],
)
async def test_each_failure_of_vision_says_what_to_do(rig: Rig, fault: str, found: str, remedy: str) -> None:
    rig.vision.script.append(FAULTS[fault])
    check = await rig.google()
    assert check.status is Status.FAILED
    assert found in check.detail
    assert remedy in check.remedy


async def test_a_closed_gate_says_how_to_open_it(rig: Rig) -> None:
    rig.chat.script.append(FAULTS["401"])
    await rig.openai()
    [check] = await rig.openai()
    assert "openai.gpt-4o-mini:invalid_key" in check.detail
    assert "exora capacity open openai gpt-4o-mini" in check.remedy


async def test_limits_above_the_accounts_are_warned_of(rig: Rig) -> None:
    rig.chat.meter.limits = Limits(requests_per_minute=60, tokens_per_minute=200_000)
    _, requests, tokens = await rig.openai()
    assert (requests.status, requests.remedy) == (Status.WARNING, "exora capacity set openai gpt-4o-mini --rpm 60")
    assert tokens.status is Status.OK


async def test_what_is_not_configured_is_not_called(embedded_dsn: str) -> None:
    async with open_services(embedded_dsn) as services, open_remote(services, "test", None, None) as remote:
        [check] = await check_openai(remote.gate, services.coordinator, remote.openai, remote.model)
        assert (check.status, check.detail) == (Status.OK, "not used: records are made on this machine")
        [check] = await check_vision(remote.gate, remote.vision)
        assert check.status is Status.OK
