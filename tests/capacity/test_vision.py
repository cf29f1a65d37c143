"""The Google Vision SDK against a server that speaks its protocol."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Sequence

import pytest
from PIL import Image

from exora.domain.document import Box, Line, Word
from exora.errors import (
    AnswerUnusable,
    ExoraError,
    KeyRefused,
    ProviderUnavailable,
    RateLimited,
    RequestRefused,
)
from exora.providers.vision import Vision
from exora.testing.providers.scripted import FAULTS
from exora.testing.providers.vision import VisionServer

from .permits import NotedPermit


def picture(width: int = 200, height: int = 100) -> bytes:
    """An encoded picture."""
    buffer = io.BytesIO()
    Image.new("L", (width, height), 255).save(buffer, "PNG")
    return buffer.getvalue()


def two_words(_: bytes) -> Sequence[Line]:
    """One line of two words, the first in the corner."""
    return [Line((Word("Jane", Box(0, 0, 0.2, 0.1), 0.9), Word("Roe", Box(0.25, 0, 0.4, 0.1), 0.8)))]


class Rig:
    """A server, its client and a permit."""

    def __init__(self, server: VisionServer, client: Vision) -> None:
        self.server = server
        self.client = client
        self.permit = NotedPermit()


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """A server that sees two words in anything."""
    server = VisionServer(read=two_words)
    async with server.serve() as url:
        client = Vision("test-key", url, timeout_s=1.0, threads=2)
        yield Rig(server, client)
        await client.close()


async def test_images_go_in_one_call_and_come_back_as_annotations(rig: Rig) -> None:
    found = await rig.client.annotate(rig.permit, [picture(), picture()])
    assert len(found) == 2
    first = found[0]
    assert isinstance(first, dict)
    assert first["text"] == "Jane Roe"
    word = first["pages"][0]["blocks"][0]["paragraphs"][0]["words"][0]
    assert word["boundingBox"]["vertices"][0] == {}  # zeros are left out
    [body] = rig.server.requests
    assert body["requests"][0]["features"] == [{"type": 11}]
    assert (rig.permit.began, rig.permit.usage) == (1, {"units": 2})
    assert rig.permit.answers[0]["processing_ms"] >= 0


async def test_one_bad_image_does_not_spoil_the_others(rig: Rig) -> None:
    bad, good = await rig.client.annotate(rig.permit, [b"no picture", picture()])
    assert isinstance(bad, RequestRefused)
    assert isinstance(good, dict)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("429", RateLimited),
        ("401", KeyRefused),
        ("403", KeyRefused),
        ("400", RequestRefused),
        ("500", ProviderUnavailable),
        ("502", ProviderUnavailable),
        ("503", ProviderUnavailable),
        ("hang", ProviderUnavailable),
        ("reset", ProviderUnavailable),
        ("truncated", ProviderUnavailable),
        ("not_json", AnswerUnusable),
        ("wrong_json", AnswerUnusable),
    ],
)
async def test_each_failure_is_told_apart_and_tried_once(rig: Rig, fault: str, error: type[ExoraError]) -> None:
    calls = 0

    def count() -> None:
        nonlocal calls
        calls += 1

    rig.server.on_call = count
    rig.server.script.append(FAULTS[fault])
    with pytest.raises(error) as caught:
        await rig.client.annotate(rig.permit, [picture()])
    assert (calls, type(caught.value)) == (1, error)
    assert "test-key" not in caught.value.one_line()


@pytest.mark.parametrize(("fault", "seconds"), [("429-seconds", 2), ("429", None)])
async def test_a_429_says_when_to_come_back(rig: Rig, fault: str, seconds: float | None) -> None:
    rig.server.script.append(FAULTS[fault])
    with pytest.raises(RateLimited) as caught:
        await rig.client.annotate(rig.permit, [picture()])
    assert caught.value.retry_after_s == seconds
