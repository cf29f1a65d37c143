"""Charts of all lanes read sums of minutes, which say the same as the lanes' own rows."""

from __future__ import annotations

from datetime import datetime, timedelta

import asyncpg
import pytest

from exora.coordination.port import Coordinator
from exora.domain.operations import Moment

_FILL = """
insert into exora.lane_minutes (minute, lane, completed, retried, dead, cancelled, run_s, runs, waits, ready, running)
select date_trunc('minute', clock_timestamp()) - m * interval '1 min', l, m, 1, 0, 2, 1, array[m, l_n],
       case when m % 3 > 0 then array[1, m] else '{}' end, case when m % 2 = 0 then m end,
       case when m % 2 = 0 then 1 end
  from generate_series(0, 400) m,
       unnest(array['fast_queue', 'standard_queue', 'audit_cleanup']) with ordinality as u (l, l_n)
 where m not between 20 and 190
"""


@pytest.fixture
async def filled(db: asyncpg.Connection) -> asyncpg.Connection:
    """Hours of three lanes, with a gap of almost three in which no worker lived."""
    await db.execute(_FILL)
    return db


async def told(coordinator: Coordinator) -> list[Moment]:
    """What a chart of all lanes shows, but for minutes in which the clock may have moved on."""
    return (await coordinator.lane_history(380, 5))[1:-1]


def assert_same(before: list[Moment], after: list[Moment]) -> None:
    """The charts say the same where they overlap: all but a step at most, should one have begun meanwhile."""
    shared = {moment.at for moment in before} & {moment.at for moment in after}
    assert len(shared) >= len(before) - 1
    assert [one for one in after if one.at in shared] == [one for one in before if one.at in shared]


async def test_sums_say_what_the_lanes_say(filled: asyncpg.Connection, coordinator: Coordinator) -> None:
    before = await told(coordinator)
    assert sum(moment.completed for moment in before) > 1000
    for _ in range(4):
        await filled.execute("select exora.sum_minutes()")
    last = await filled.fetchval("select max(minute) from exora.minutes")
    count = await filled.fetchval("select count(*) from exora.minutes")
    assert 0 <= count - (400 - 171 - 1) <= 1, (
        "every minute but this one and the last, and one if another began meanwhile"
    )
    now: datetime = await filled.fetchval("select date_trunc('minute', clock_timestamp())")
    assert now - last <= timedelta(minutes=3)
    assert_same(before, await told(coordinator))


async def test_they_are_read_instead_of_the_lanes(filled: asyncpg.Connection, coordinator: Coordinator) -> None:
    for _ in range(4):
        await filled.execute("select exora.sum_minutes()")
    before = await told(coordinator)
    await filled.execute("delete from exora.lane_minutes where minute < clock_timestamp() - interval '10 min'")
    assert_same(before[:-4], await told(coordinator))
