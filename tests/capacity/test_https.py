"""The real SDKs over HTTPS: they trust the system's authorities and those that a setting names, and nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exora.errors import ConfigurationError, ProviderUnavailable
from exora.providers.openai import OpenAI
from exora.providers.vision import Vision
from exora.settings import read_settings
from exora.testing.providers.openai import OpenAIServer
from exora.testing.providers.scripted import FAULTS
from exora.testing.providers.vision import VisionServer
from tests.acceptance.cli import exora
from tests.certificates import Authority

from .permits import NotedPermit
from .test_vision import picture

VARIABLE = "EXORA_PROVIDER_CA_FILE"


class Rig:
    """Both providers behind TLS, and the files of two authorities, of which one signed their certificates."""

    def __init__(self, chat: OpenAIServer, chat_url: str, vision_url: str, folder: Path) -> None:
        self.chat = chat
        self.chat_url = chat_url
        self.vision_url = vision_url
        self.ca_file = str(folder / "ca.pem")
        self.other_file = str(folder / "other.pem")


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """Servers of 127.0.0.1."""
    authority = Authority()
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    (tmp_path / "other.pem").write_bytes(Authority("Another CA").pem)
    tls = authority.server(tmp_path)
    chat, vision = OpenAIServer(), VisionServer(read=lambda _: ())
    async with chat.serve(tls=tls) as chat_url, vision.serve(tls=tls) as vision_url:
        yield Rig(chat, chat_url, vision_url, tmp_path)


async def test_a_named_authority_is_trusted(rig: Rig) -> None:
    assert rig.chat_url.startswith("https://")
    openai = OpenAI("test-key", rig.chat_url, timeout_s=5, ca_file=rig.ca_file)
    vision = Vision("test-key", rig.vision_url, timeout_s=5, threads=1, ca_file=rig.ca_file)
    await openai.check(NotedPermit(), "gpt-4o-mini")
    assert await vision.annotate(NotedPermit(), [picture()]) == [{}]
    rig.chat.script.append(FAULTS["reset"])
    with pytest.raises(ProviderUnavailable, match="connection broke"):
        await openai.check(NotedPermit(), "gpt-4o-mini")
    await openai.close()
    await vision.close()


@pytest.mark.parametrize("ca", ["none", "another"])
async def test_nobody_else_is_and_the_error_says_what_to_set(rig: Rig, ca: str) -> None:
    ca_file = None if ca == "none" else rig.other_file
    openai = OpenAI("test-key", rig.chat_url, timeout_s=5, ca_file=ca_file)
    vision = Vision("test-key", rig.vision_url, timeout_s=5, threads=1, ca_file=ca_file)
    for call in (openai.check(NotedPermit(), "gpt-4o-mini"), vision.annotate(NotedPermit(), [picture()])):
        with pytest.raises(ProviderUnavailable, match="certificate is not trusted") as caught:
            await call
        assert VARIABLE in caught.value.remedy
    assert rig.chat.meter.arrivals == []
    await openai.close()
    await vision.close()


async def test_the_setting_leads_there(rig: Rig, embedded_dsn: str) -> None:
    ran = await exora(
        "test", "apis", "--json", DATABASE_URL=embedded_dsn, OPENAI_API_KEY="test-key", OPENAI_BASE_URL=rig.chat_url,
        GOOGLE_CLOUD_API_KEY="test-key", GOOGLE_VISION_BASE_URL=rig.vision_url, EXORA_PROVIDER_CA_FILE=rig.ca_file,
    )  # fmt: skip
    assert (ran.code, [check["status"] for check in ran.json["checks"]]) == (0, ["ok", "ok"]), ran.out


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_of_no_use_is_an_error_at_start(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigurationError) as caught:
        read_settings({"OPENAI_API_KEY": "k", VARIABLE: str(file)})
    assert (caught.value.field, "PEM" in caught.value.remedy) == (VARIABLE, True)
