"""exora test apis: every failure of a provider is told apart, with what to do about it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from exora.app import Remote, Services, open_remote, open_services
from exora.capacity.gate import Gate
from exora.doctor.apis import check_openai, check_vision
from exora.doctor.check import Check, Status
from exora.settings import RemoteApi
from exora.testing.providers.limits import Limits
from exora.testing.providers.openai import OpenAIServer
from exora.testing.providers.scripted import FAULTS, ScriptedServer
from exora.testing.providers.vision import VisionServer

HOWTO = Path(__file__).parents[2] / "docs/howto/remote-apis.md"
#: Fault, what is found at OpenAI, what at Google Vision, the state after it.
TABLE = [
    re.split(r" *\| *", line.replace("`", "").strip("| "))
    for line in HOWTO.read_text().partition("## What `exora test apis` finds")[2].partition("\n## ")[0].splitlines()
    if line.startswith("| `")
]


class Rig:
    """Stand-ins of both providers, and a process that is configured for them."""

    def __init__(self, services: Services, remote: Remote, chat: OpenAIServer, vision: VisionServer) -> None:
        self.services = services
        self.remote = remote
        self.gate = remote.gate
        self.chat = chat
        self.vision = vision

    async def openai(self) -> list[Check]:
        """The checks of OpenAI."""
        return await check_openai(self.gate, self.services.coordinator, self.remote.openai, self.remote.model)

    async def google(self) -> Check:
        """The check of Google Vision."""
        [check] = await check_vision(self.gate, self.remote.vision)
        return check


@pytest.fixture
async def rig(embedded_dsn: str) -> AsyncIterator[Rig]:
    """Everything configured and well."""
    chat, vision = OpenAIServer(), VisionServer(read=lambda _: ())
    async with open_services(embedded_dsn) as services, chat.serve() as chat_url, vision.serve() as vision_url:
        apis = RemoteApi("test-key", vision_url, "vision-api"), RemoteApi("test-key", chat_url, "gpt-4o-mini")
        async with open_remote(services, "test", *apis, timeout_s=0.5) as remote:
            yield Rig(services, remote, chat, vision)


async def test_apis_that_answer_are_well(rig: Rig) -> None:
    [check] = await rig.openai()
    assert (check.status, check.detail) == (Status.OK, "gpt-4o-mini answers")
    assert (await rig.google()).status is Status.OK


def documented(column: int) -> dict[str, tuple[str, str]]:
    """The table of the documentation: what is found, and the state of the API after it, by fault."""
    return {row[0]: (row[column], row[3]) for row in TABLE if row[column]}


async def forget(dsn: str) -> None:
    """What was found before."""
    db = await asyncpg.connect(dsn)
    await db.execute("truncate exora.api_state, exora.api_holders, exora.api_window")
    await db.close()


async def found(
    rig: Rig, dsn: str, server: ScriptedServer, ask: Callable[[], Awaitable[Check]], column: int
) -> dict[str, tuple[str, str]]:
    """What the check finds for each of these faults, each time by a gate that has seen nothing yet."""
    table: dict[str, tuple[str, str]] = {}
    for fault in documented(column):
        server.script.append(FAULTS[fault])
        rig.gate = Gate(rig.services.coordinator, f"test-{fault}")
        check = await ask()
        await rig.gate.close()
        [state] = [
            api.state
            for api in await rig.services.coordinator.api_capacity()
            if api.endpoint == ("gpt-4o-mini", "vision-api")[column - 1]
        ]
        table[fault] = check.detail.removeprefix("openai: ").removeprefix("google: "), state
        assert (check.status is Status.OK) == (fault == "no_coordinates")
        assert check.remedy or check.status is Status.OK
        assert "test-key" not in check.detail + check.remedy
        await forget(dsn)
    return table


def test_every_fault_is_documented() -> None:
    assert {row[0] for row in TABLE} == set(FAULTS)


async def test_each_failure_of_openai_is_found_as_documented(rig: Rig, embedded_dsn: str) -> None:
    async def ask() -> Check:
        return (await rig.openai())[0]

    assert await found(rig, embedded_dsn, rig.chat, ask, 1) == documented(1)


async def test_each_failure_of_vision_is_found_as_documented(rig: Rig, embedded_dsn: str) -> None:
    assert await found(rig, embedded_dsn, rig.vision, rig.google, 2) == documented(2)


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        ("401", "Set a valid key"),
        ("403", "exora capacity open"),
        ("insufficient_quota", "billing"),
        ("429-seconds", "lower the limits"),
        ("500", "status page"),
        ("404", "OPENAI_MODEL"),
        ("wrong_json", "strict JSON schemas"),
    ],
)
async def test_what_is_found_says_what_to_do(rig: Rig, fault: str, remedy: str) -> None:
    rig.chat.script.append(FAULTS[fault])
    [check] = await rig.openai()
    assert check.status is Status.FAILED
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
