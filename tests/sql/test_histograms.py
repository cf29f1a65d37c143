"""What workers count and what the database sums up fall into the same buckets."""

from __future__ import annotations

import asyncpg

from exora.observe.tally import BOUNDS


async def test_the_bounds_of_histograms_are_the_same_on_both_sides(db: asyncpg.Connection) -> None:
    assert tuple(await db.fetchval("select exora.minute_bounds()")) == BOUNDS


async def test_charts_add_up_every_place_of_a_histogram(db: asyncpg.Connection) -> None:
    places = len(BOUNDS) + 1
    await db.execute(
        "insert into exora.lane_minutes (minute, lane, runs, waits)"
        " select date_trunc('minute', now()) - m * interval '1 min', l,"
        "        array(select m * n from generate_series(1, $1) n), case when m > 20 then '{}' else array[m] end"
        "   from generate_series(4, 40) m, unnest(array['fast_queue', 'audit_cleanup']) l",
        places,
    )
    runs = [2 * sum(range(4, 41)) * place for place in range(1, places + 1)]
    chart = "select runs, waits from lane_history_v3(60, 525600)"  # a step of a year: one point
    before = [tuple(row) for row in await db.fetch(chart)]
    assert before == [(runs, [2 * sum(range(4, 21))])]
    await db.execute("select exora.sum_minutes()")
    assert await db.fetchval("select count(*) from exora.minutes") == 37
    assert [tuple(row) for row in await db.fetch(chart)] == before
