"""Two versions at once: what the worker of the last release calls and reads is still there, and so is the original's.

There is no release before the first: until then ``released.json`` is a recording of this version, taken when the REST
transport came. It is renewed at each release (``python -m tests.deploy.recording``) and never in between. And since the
older of two versions can only be this one, its workers also work on a schema of a version to come.
"""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from exora import __version__
from exora.dev.examples import examples
from exora.dev.gateway.catalog import Catalog
from exora.dev.gateway.faults import Refusal
from exora.testing.invariants import check_invariants
from exora.testing.processes import until, worker
from tests.acceptance.cli import exora
from tests.deploy.next_version import migrate_to_next
from tests.faults.system import system

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


async def test_a_worker_works_on_while_the_version_after_it_migrates_and_starts_anew_on_its_schema(
    embedded_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = next(example for example in examples() if example.file == "medication-list.pdf").read()
    jobs: list[UUID] = []
    async with system(embedded_dsn) as (services, db):

        async def submit(count: int) -> None:
            for _ in range(count):
                patient = uuid4()
                await services.coordinator.register_patient(patient)
                jobs.append((await services.submit(document, patient)).job.job_id)

        async def all_done() -> bool:
            return all(job.state.final for job in await services.coordinator.get_jobs(jobs))

        await submit(4)
        async with worker(embedded_dsn, "--pool-size", "1") as old:
            await old.says("job_ended")
            await migrate_to_next(db, monkeypatch, "0.2.0")  # the pre-deploy command of the new version
            await submit(2)  # and callers of the old one
            await until(all_done)
            await old.ends(signal.SIGTERM)
        await submit(1)
        async with worker(embedded_dsn, "--pool-size", "1") as again:  # a restart before the new instance is healthy
            assert (await again.says("schema_newer"))["version"] == __version__
            await until(all_done)
        assert [job.state.value for job in await services.coordinator.get_jobs(jobs)] == ["completed"] * 7
        troubles = [line["event"] for line in old.lines() + again.lines() if line["level"] in ("warning", "error")]
        assert troubles == ["schema_newer"]
        await check_invariants(db)


async def test_this_version_does_not_lay_its_functions_over_those_of_the_next(
    embedded_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = await asyncpg.connect(embedded_dsn)
    await migrate_to_next(db, monkeypatch, "0.2.0")
    ran = await exora("migrate", DATABASE_URL=embedded_dsn)
    assert ran.code != 0
    assert "never taken back" in ran.err
    looked = await exora("migrate", "--check", "--json", DATABASE_URL=embedded_dsn)
    assert (looked.code, looked.json) == (0, {"current": False})
    await db.execute("update exora.schema_code set serves = '0.2.0'")
    refused = await exora("migrate", "--check", DATABASE_URL=embedded_dsn)
    await db.close()
    assert refused.code != 0
    assert "serves workers from 0.2.0 on" in refused.err
