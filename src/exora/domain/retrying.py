"""Runs a call again after failures that pass, with jittered pauses; then gives up."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from exora.errors import DatabaseUnavailable, OutcomeUnknown

_TRIES = 5
_FIRST_PAUSE_S = 0.05

T = TypeVar("T")


async def retrying(run: Callable[[], Awaitable[T]]) -> T:
    """Run a call that may be repeated, at most five times, pausing about 0.05, 0.2, 0.8 and 3.2 s in between.

    Raises:
        OutcomeUnknown, DatabaseUnavailable: the last try failed, too; any other error of any try.
    """
    for attempt in range(_TRIES):
        try:
            return await run()
        except (OutcomeUnknown, DatabaseUnavailable):
            if attempt == _TRIES - 1:
                raise
        await asyncio.sleep(random.uniform(0.5, 1.5) * _FIRST_PAUSE_S * 4**attempt)  # noqa: S311  not for secrecy
    raise AssertionError("unreachable")
