"""What providers say in headers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from exora.errors import ConfigurationError
from exora.providers.headers import go_duration_ms, processing_ms, remaining, retry_after_s
from exora.providers.urls import checked_url


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("8.64s", 8640), ("6m0s", 360_000), ("120ms", 120), ("1h2m3s", 3_723_000), ("0s", 0), ("7µs", 0.007)],
)
def test_go_durations(text: str, milliseconds: float) -> None:
    assert go_duration_ms(text) == pytest.approx(milliseconds)


@pytest.mark.parametrize("text", [None, "", "soon", "12", "-3s", "s"])
def test_what_is_no_go_duration(text: str | None) -> None:
    assert go_duration_ms(text) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "20"}, 20),
        ({"retry-after-ms": "1500", "retry-after": "20"}, 1.5),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2s"}, 2),
        ({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "2s"}, None),
        (
            {
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "2s",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "1m0s",
            },
            60,
        ),
        ({}, None),
        ({"retry-after": "tomorrow"}, None),
        ({"retry-after": "-5"}, None),
    ],
)
def test_when_to_come_back(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds


def test_when_to_come_back_by_date() -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    found = retry_after_s({"retry-after": moment})
    assert found is not None
    assert 28 < found <= 30
    assert retry_after_s({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0


def test_how_long_it_took() -> None:
    assert processing_ms({"openai-processing-ms": "812"}) == 812
    assert processing_ms({"server-timing": "gfet4t7; dur=95"}) == 95
    assert processing_ms({}) is None


def test_what_is_left() -> None:
    headers = {
        "x-ratelimit-remaining-requests": "3",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-remaining-tokens": "100",
        "x-ratelimit-reset-tokens": "6s",
    }
    assert remaining(headers) == {"remaining_requests": 3, "remaining_tokens": 100, "reset_ms": 6000}
    assert remaining({}) == {}


@pytest.mark.parametrize("url", ["https://api.openai.com/v1", "http://127.0.0.1:8000/v1", "http://localhost:11434/v1"])
def test_where_documents_may_go(url: str) -> None:
    assert checked_url(url, "OPENAI_BASE_URL") == url


@pytest.mark.parametrize(
    "url", ["http://example.com/v1", "ftp://127.0.0.1", "api.openai.com", "https://user:secret@example.com", "http://"]
)
def test_where_they_may_not(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        checked_url(url, "OPENAI_BASE_URL")
    assert caught.value.field == "OPENAI_BASE_URL"
    assert "secret" not in caught.value.one_line()
