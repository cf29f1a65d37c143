"""A million pending or finished jobs without enqueueing each: rows of a few thousand real ones are multiplied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    from bench.stage import Place

_SEED = 10_000

#: Columns to copy: those without a value of their own per row (identity, generated, sequence or random default).
_COLUMNS = """
select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_attribute a
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
 where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped
   and a.attidentity = '' and a.attgenerated = ''
   and coalesce(pg_get_expr(d.adbin, d.adrelid), '') !~ 'nextval|uuid'
"""


async def make_pending(place: Place, count: int) -> None:
    """Fill the queue with ``count`` jobs."""
    tables = place.description["pending_tables"]
    await place.fill(min(count, _SEED) if tables else count)
    await _multiply(place, tables, count)


async def make_history(place: Place, count: int) -> None:
    """Leave ``count`` finished jobs behind."""
    tables = place.description["history_tables"]
    done = min(count, _SEED if tables else 200_000)
    made = 0
    while made < (done if tables else count):
        await place.fill(done)
        await place.drain(done)
        made += done
    await _multiply(place, tables, count)


async def _multiply(place: Place, tables: list[str], count: int) -> None:
    if not tables:
        return
    connection = await asyncpg.connect(place.url)
    try:
        # Triggers of the peers would notify for, or log, each copy.
        await connection.execute("set session_replication_role = replica")
        for table in tables:
            columns = await connection.fetchval(_COLUMNS, table)
            rows = await connection.fetchval(f"select count(*) from {table}")  # noqa: S608  our own text
            copies = max(0, round((count - rows) / rows))
            await connection.execute(
                f"insert into {table} ({columns}) select {columns} from {table}, generate_series(1, {copies})"  # noqa: S608
            )
    finally:
        await connection.close()
    await place.stage.server.settle(place.name)
