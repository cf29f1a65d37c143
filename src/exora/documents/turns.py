"""Works through items a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")


async def a_few_at_a_time(items: Iterable[Item], few: int, work: Callable[[Item], Awaitable[None]]) -> None:
    """Do ``work`` on each item, in order, at most ``few`` at once; the first error ends it all and is raised.

    Args:
        items: what to work on; drawn one by one.
        few: how many at once.
        work: what to do.
    """
    waiting = iter(items)

    async def work_on() -> None:
        for item in waiting:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(few):
                group.create_task(work_on())
    except BaseExceptionGroup as errors:
        # The others were cancelled because of it; whoever called knows single errors only.
        raise errors.exceptions[0] from None
