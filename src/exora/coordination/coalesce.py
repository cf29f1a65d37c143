"""Coalesces single enqueues: callers that come at the same time share one transaction, each durable when it returns."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from exora.domain.job import EnqueueAnswer, EnqueueRequest
from exora.errors import BadInput, Conflict

_BATCH = 500
_FLUSHERS = 2


class Enqueues(Protocol):
    """The verb this needs."""

    async def enqueue(self, requests: Sequence[EnqueueRequest]) -> list[EnqueueAnswer]: ...


class CoalescingEnqueuer:
    """Enqueues jobs one by one at the price of batches. What gathers while a batch is being written is the next batch:
    a lone caller waits for nobody.

    Args:
        coordinator: writes the batches.
    """

    def __init__(self, coordinator: Enqueues) -> None:
        self._coordinator = coordinator
        self._waiting: list[tuple[EnqueueRequest, asyncio.Future[EnqueueAnswer]]] = []
        self._flushing: set[asyncio.Task[None]] = set()

    async def enqueue(self, request: EnqueueRequest) -> EnqueueAnswer:
        """Enqueue one job; it is durable when this returns.

        Raises:
            BadInput, Conflict: this request is at fault; others of its batch are not affected.
            OutcomeUnknown: the connection broke; the job may exist unless the request has an idempotency key.
        """
        future: asyncio.Future[EnqueueAnswer] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        if len(self._flushing) < _FLUSHERS:
            self._flushing.add(asyncio.create_task(self._flush()))
        return await future

    async def close(self) -> None:
        """Wait until everything asked for is written."""
        await asyncio.gather(*self._flushing)

    async def _flush(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
                await self._write(batch)
        finally:  # in the step that saw nothing waiting: whoever comes after it starts a new one
            task = asyncio.current_task()
            assert task is not None
            self._flushing.discard(task)

    async def _write(self, batch: list[tuple[EnqueueRequest, asyncio.Future[EnqueueAnswer]]]) -> None:
        try:
            answers = await self._coordinator.enqueue([request for request, _ in batch])
        except (BadInput, Conflict) as error:
            if len(batch) == 1:
                _settle(batch[0][1], error)
                return
            for item in batch:  # only the one at fault pays
                await self._write([item])
        except BaseException as error:
            for _, future in batch:
                _settle(future, error)
            if not isinstance(error, Exception):
                raise
        else:
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_result(answer)


def _settle(future: asyncio.Future[EnqueueAnswer], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
