"""The room that documents share: never more than it holds, first come first in, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from exora.documents.room import Room


async def settled() -> None:
    """Let every task that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


class Documents:
    """Documents in a room, each of which leaves when told to."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.inside: list[int] = []
        self.tasks: list[asyncio.Task[None]] = []
        self._doors: list[asyncio.Event] = []

    def come(self, *sizes: int) -> None:
        for size in sizes:
            self._doors.append(asyncio.Event())
            self.tasks.append(asyncio.create_task(self._stay(len(self.tasks), size)))

    async def _stay(self, number: int, size: int) -> None:
        async with self.room.taken(size):
            self.inside.append(number)
            try:
                await self._doors[number].wait()
            finally:
                self.inside.remove(number)

    def leave(self, number: int) -> None:
        self._doors[number].set()


async def test_who_does_not_fit_waits_and_nobody_overtakes() -> None:
    documents = Documents(Room(100))
    documents.come(60, 60, 10)
    await settled()
    assert documents.inside == [0]
    documents.leave(0)
    await settled()
    assert documents.inside == [1, 2]


async def test_a_document_larger_than_the_room_has_it_alone() -> None:
    documents = Documents(Room(100))
    documents.come(30, 5000, 30)
    await settled()
    assert documents.inside == [0]
    documents.leave(0)
    await settled()
    assert documents.inside == [1]
    documents.leave(1)
    await settled()
    assert documents.inside == [2]


async def test_who_turns_out_larger_keeps_the_next_ones_out_and_never_waits() -> None:
    room = Room(100)
    async with room.taken(10) as place:
        place.resize(500)
        documents = Documents(room)
        documents.come(10)
        await settled()
        assert documents.inside == []
    await settled()
    assert documents.inside == [0]


async def test_who_gives_up_waiting_makes_way() -> None:
    documents = Documents(Room(100))
    documents.come(60, 100, 40)
    await settled()
    documents.tasks[1].cancel()
    await settled()
    assert documents.inside == [0, 2]


async def test_who_is_let_in_while_giving_up_leaves_no_hole() -> None:
    room = Room(100)
    documents = Documents(room)
    async with room.taken(100):
        documents.come(100)
        await settled()
    # Its turn has come, but it has not gone in yet.
    documents.tasks[0].cancel()
    await settled()
    documents.come(100)
    await settled()
    assert documents.inside == [1]


@given(st.lists(st.tuples(st.integers(0, 150), st.booleans()), max_size=12))
def test_whatever_comes_is_let_in_and_the_room_is_never_overfull(plan: Sequence[tuple[int, bool]]) -> None:
    asyncio.run(_all_get_in(plan))


async def _all_get_in(plan: Sequence[tuple[int, bool]]) -> None:
    documents = Documents(Room(100))
    sizes = [size for size, _ in plan]
    documents.come(*sizes)
    for number, (_, gives_up) in enumerate(plan):
        await settled()
        assert sum(min(sizes[each], 100) for each in documents.inside) <= 100
        if gives_up:
            documents.tasks[number].cancel()
        documents.leave(number)
    await settled()
    assert all(task.done() for task in documents.tasks)
