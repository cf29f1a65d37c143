"""Tokens are counted exactly, without a network; estimates learn."""

from __future__ import annotations

import pytest

from exora.capacity.estimates import Estimator
from exora.capacity.tokens import count_tokens
from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator


@pytest.mark.parametrize(
    # Counts of o200k_base as OpenAI's own tiktoken gives them.
    ("text", "tokens"),
    [("", 0), ("hello world", 2), ("Hello, world!", 4), (" ", 1), ("a" * 100_001, None)],
)
def test_tokens_are_counted_as_o200k_does(text: str, tokens: int | None) -> None:
    counted = count_tokens(text)
    assert counted == tokens if tokens is not None else 0 < counted <= len(text)


def test_a_text_longer_than_the_encoder_takes_at_once_is_counted_in_pieces() -> None:
    line = "Potassium 4.1 mmol/L (3.5-5.1), Sodium 139 mmol/L\n"
    assert count_tokens(line * 20_000) == pytest.approx(count_tokens(line) * 20_000, rel=0.01)


async def test_an_estimate_is_the_default_until_enough_is_known_then_seldom_too_low_and_shared(
    embedded_dsn: str,
) -> None:
    transport = PostgresTransport(embedded_dsn)
    coordinator = WireCoordinator(transport)
    one = Estimator(coordinator, "openai", "gpt-4o-mini")
    for used in (1.0, 1.2, 0.9, 1.1):
        await one.learn("clinical_record", reserved=1.5, used=used)
    assert await one.estimate("clinical_record", 1.5) == 1.5
    for used in (1.0, 1.2, 0.9, 1.1) * 10:
        await one.learn("clinical_record", reserved=1.5, used=used)
    estimate = await one.estimate("clinical_record", 1.5)
    assert 1.2 < estimate < 1.8
    assert 0.2 < one.waste < 0.4
    another = Estimator(coordinator, "openai", "gpt-4o-mini")
    assert await another.estimate("clinical_record", 9.9) == pytest.approx(estimate)
    assert await another.estimate("summary", 9.9) == 9.9
    await transport.close()
