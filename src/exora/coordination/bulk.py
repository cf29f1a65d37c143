"""Enqueues many jobs: in calls of thousands, two at a time, so that one is being written while the next is made."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from itertools import islice

from exora.coordination.coalesce import Enqueues
from exora.domain.job import EnqueueAnswer, EnqueueRequest

_BATCH = 5_000
_CALLS = 2


async def enqueue_bulk(coordinator: Enqueues, requests: Iterable[EnqueueRequest]) -> list[EnqueueAnswer]:
    """Enqueue jobs; each call of ``5,000`` is a transaction of its own.

    Args:
        coordinator: writes them.
        requests: the jobs; read as they are needed, so that a generator of millions is never in memory whole.

    Returns:
        The answers, in the order of the requests.

    Raises:
        BadInput, Conflict, Rejected: a request is at fault; its call was refused whole, and nothing after it was
            begun. Give the requests idempotency keys to run all of it again safely.
    """
    parts: Iterator[tuple[int, list[EnqueueRequest]]] = enumerate(_batches(requests))
    answers: dict[int, list[EnqueueAnswer]] = {}

    async def write() -> None:
        for number, batch in parts:
            answers[number] = await coordinator.enqueue(batch)

    calls = [asyncio.create_task(write()) for _ in range(_CALLS)]
    try:
        await asyncio.gather(*calls)
    finally:  # the first failure ends the others
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
    return [answer for number in sorted(answers) for answer in answers[number]]


def _batches(requests: Iterable[EnqueueRequest]) -> Iterator[list[EnqueueRequest]]:
    source = iter(requests)
    while batch := list(islice(source, _BATCH)):
        yield batch
