"""What workers count and what the database sums up fall into the same buckets."""

from __future__ import annotations

import asyncpg

from exora.observe.tally import BOUNDS


async def test_the_bounds_of_histograms_are_the_same_on_both_sides(db: asyncpg.Connection) -> None:
    assert tuple(await db.fetchval("select exora.minute_bounds()")) == BOUNDS
