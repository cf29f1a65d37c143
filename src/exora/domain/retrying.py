"""Runs a call again after failures that pass, with jittered pauses; then gives up."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from exora.errors import DatabaseUnavailable, OutcomeUnknown

#: Pauses between tries in seconds, before jitter. Together they outlast a restart of the server; none is so long that a
#: worker whose network has just come back keeps its claims waiting beyond a few seconds.
_PAUSES_S = (0.05, 0.2, 0.8, 1.6, 1.6)

T = TypeVar("T")


async def retrying(run: Callable[[], Awaitable[T]]) -> T:
    """Run a call that may be repeated, six times at most, pausing 0.05, 0.2, 0.8, 1.6 and 1.6 s, half more or less.

    Raises:
        OutcomeUnknown, DatabaseUnavailable: the last try failed, too; any other error of any try.
    """
    for pause_s in _PAUSES_S:
        try:
            return await run()
        except (OutcomeUnknown, DatabaseUnavailable):
            await asyncio.sleep(random.uniform(0.5, 1.5) * pause_s)  # noqa: S311  not for secrecy
    return await run()
