"""Two versions at once: what the worker of the last release calls and reads is still there, and so is the original's.

There is no release before the first: until then ``released.json`` is a recording of this version, taken when the REST
transport came. It is renewed at each release (``python -m tests.deploy.recording``) and never in between.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import asyncpg

from exora.dev.gateway.catalog import Catalog
from exora.dev.gateway.faults import Refusal

RELEASED: dict[str, Any] = json.loads((Path(__file__).parent / "released.json").read_text(encoding="utf-8"))
_COLUMNS = """
select coalesce(array_agg(c.name) filter (where c.name is not null), '{}') || array[$1::text]
  from (select c.name from pg_proc p, unnest(p.proargnames, p.proargmodes) as c (name, mode)
         where p.pronamespace = 'public'::regnamespace and p.proname = $1 and c.mode in ('o', 't', 'b')
        union all
        select a.attname from pg_proc p join pg_type t on t.oid = p.prorettype
          join pg_attribute a on a.attrelid = t.typrelid and a.attnum > 0
         where p.pronamespace = 'public'::regnamespace and p.proname = $1) c"""


async def test_the_worker_of_the_last_release_works_on_with_this_schema(embedded_dsn: str) -> None:
    db, catalog, broken = await asyncpg.connect(embedded_dsn), Catalog(), dict[str, str]()
    await catalog.load(db)
    for function, released in RELEASED["calls"].items():
        try:
            catalog.function(function, frozenset(released["arguments"]))
        except Refusal as refusal:
            broken[function] = str(refusal)
            continue
        gone = set(released["columns"]) - set(await db.fetchval(_COLUMNS, function))
        if gone:
            broken[function] = f"no longer returns {', '.join(sorted(gone))}"
    await db.close()
    assert broken == {}


def test_the_recording_is_of_a_whole_day_of_a_worker() -> None:
    needed = {"claim_jobs_v3", "settle_jobs_v3", "sweep_v3", "store_record_v3", "enqueue_jobs_v3", "submit_document_v3"}
    assert needed <= RELEASED["calls"].keys()
