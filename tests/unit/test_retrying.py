"""Calls made again: how often, after what, and how long at most between two tries."""

from __future__ import annotations

import asyncio

import pytest

from exora.domain.retrying import retrying
from exora.errors import BadInput, DatabaseUnavailable, OutcomeUnknown


@pytest.fixture
def paused(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses asked for, none of which is waited for."""
    asked: list[float] = []

    async def sleep(seconds: float) -> None:
        asked.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return asked


@pytest.mark.parametrize("failure", [DatabaseUnavailable, OutcomeUnknown])
async def test_it_gives_up_after_six_tries(paused: list[float], failure: type[Exception]) -> None:
    tries = 0

    async def run() -> None:
        nonlocal tries
        tries += 1
        raise failure("away")

    with pytest.raises(failure):
        await retrying(run)
    assert (tries, len(paused)) == (6, 5)


async def test_pauses_outlast_a_restart_and_none_keeps_claims_waiting(paused: list[float]) -> None:
    """The fault matrix wants a worker to go on within its lease and five seconds of its network coming back."""

    async def run() -> None:
        raise DatabaseUnavailable("away")

    for _ in range(200):
        paused.clear()
        with pytest.raises(DatabaseUnavailable):
            await retrying(run)
        assert sum(paused) >= 2
        assert max(paused) <= 2.4
        assert paused[0] <= 0.1, "most failures are over at once"


async def test_an_answer_ends_it_and_other_errors_are_not_repeated(paused: list[float]) -> None:
    failures: list[Exception] = [DatabaseUnavailable("away"), BadInput("no", field="x", remedy="y")]

    async def run() -> str:
        if failures:
            raise failures.pop(0)
        return "answer"

    with pytest.raises(BadInput):
        await retrying(run)
    assert await retrying(run) == "answer"
    assert len(paused) == 1
