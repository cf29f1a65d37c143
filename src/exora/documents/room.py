"""Memory that documents take together, bounded: whoever asks first is let in first."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator


class Place:
    """What one document takes of a room."""

    def __init__(self, room: Room, size_bytes: int) -> None:
        self._room = room
        self.size_bytes = size_bytes

    def resize(self, size_bytes: int) -> None:
        """Take more or less from now on, without waiting: what is too much keeps the next ones out for longer."""
        self._room.give_back(self.size_bytes - size_bytes)
        self.size_bytes = size_bytes


class Room:
    """A bound on the bytes that documents hold in this process.

    A place is asked for once and given back as a whole; nobody waits while holding one, so none waits for ever.

    Args:
        size_bytes: for all together; a document that is larger has the room for itself.
    """

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self._free = size_bytes
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @contextlib.asynccontextmanager
    async def taken(self, size_bytes: int) -> AsyncIterator[Place]:
        """Wait until there are so many bytes for one document, and hold them."""
        await self._enter(min(size_bytes, self.size_bytes))
        place = Place(self, min(size_bytes, self.size_bytes))
        try:
            yield place
        finally:
            self.give_back(place.size_bytes)

    async def _enter(self, size_bytes: int) -> None:
        if not self._waiting and size_bytes <= self._free:
            self._free -= size_bytes
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((size_bytes, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self.give_back(0)
            else:  # let in at the very moment it left
                self.give_back(size_bytes)
            raise

    def give_back(self, size_bytes: int) -> None:
        """So many bytes are free again (taken, if negative); lets in who waits, in order."""
        self._free += size_bytes
        while self._waiting:
            wanted, turn = self._waiting[0]
            if turn.cancelled():
                self._waiting.popleft()
                continue
            if wanted > self._free:
                break
            self._waiting.popleft()
            self._free -= wanted
            turn.set_result(None)
