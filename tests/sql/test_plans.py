"""The plans of the hot calls, as executed inside the functions: they probe, they never scan, whatever ANALYZE saw."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from exora.testing.server import Server

pytestmark = pytest.mark.xdist_group("plans")  # the queue of a million is filled once for each server

PENDING = 1_000_000
_FILL = f"""
insert into exora.jobs (id, created_at, scheduled_at, priority, max_retries, correlation_id, job_type, lane, category,
                        name, payload)
select n, now(), now(), 5, 5, gen_random_uuid(), 'report_generation', 'report_generation', 'standard', 'n',
       '{{"limit": 1}}'
  from generate_series(1, {2 * PENDING}) n;
insert into exora.ready (lane, sort_key, job, attempt, retry_count, crash_count)
select 'report_generation', n, n, 0, 0, 0 from generate_series(1, {PENDING}) n;
insert into exora.job_archive (job, attempt, status, started_at, finished_at, retry_count, crash_count)
select n, 1, 'completed', now(), now(), 0, 0 from generate_series({PENDING + 1}, {2 * PENDING}) n;
select setval('exora.job_number', {3 * PENDING});
"""
_EXPLAIN = """
load 'auto_explain'; set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on;
set auto_explain.log_analyze = on; set auto_explain.log_timing = off; set client_min_messages = log;
"""


class Explained:
    """A connection whose statements, also those inside functions, are explained."""

    def __init__(self, db: asyncpg.Connection) -> None:
        self.db = db
        self._messages: list[str] = []
        db.add_log_listener(lambda _, message: self._messages.append(str(message.message)))

    async def plans(self, query: str, *values: Any) -> list[str]:
        """Run a call and return the plans of every statement in it."""
        self._messages.clear()
        await self.db.fetch(query, *values)
        # The driver looks up the types of arguments by itself.
        return [message for message in self._messages if "plan:" in message and "typeinfo_tree" not in message]

    @contextlib.asynccontextmanager
    async def for_nothing(self) -> AsyncIterator[None]:
        """A transaction that is rolled back."""
        transaction = self.db.transaction()
        await transaction.start()
        try:
            yield
        finally:
            await transaction.rollback()


_LANES = """
insert into exora.lanes (lane, job_type) select 'lane_' || n, 'report_generation' from generate_series(1, 17) n;
insert into exora.ready (lane, sort_key, job, attempt, retry_count, crash_count)
select 'lane_' || l, n, l, 0, 0, 0
  from generate_series(1, 17) l, generate_series(1, case l when 1 then 40000 when 17 then 999 else 8000 end) n;
analyze exora.ready;
"""
_LATER = """
insert into exora.scheduled (job, due_at, attempt, retry_count, crash_count)
select n, now() + interval '1 day', 0, 0, 0 from generate_series(1, 3000) n;
insert into exora.claims (claim_token, claimed_at, worker_id, jobs)
select gen_random_uuid(), now(), 'w', '{1}' from generate_series(1, 3000);
insert into exora.dead_letters (job, dead_letter_at, attempt, retry_count, crash_count, cause)
select n, now(), 1, 0, 0, 'permanent' from generate_series(1, 3000) n;
"""
_DEAD = """
insert into exora.lanes (lane, job_type) values ('lane_1', 'report_generation');
insert into exora.dead_letters (job, dead_letter_at, attempt, retry_count, crash_count, cause)
select n, now(), 1, 0, 0, 'permanent' from generate_series(1, 1205) n;
update exora.jobs set lane = 'lane_1' where id between 1201 and 1205;
"""
_DAYS = """
create table exora.old_1 partition of exora.job_archive for values from ('2020-01-01') to ('2020-01-02');
create table exora.old_2 partition of exora.job_archive for values from ('2020-01-02') to ('2020-01-03');
"""


async def _fill(server: Server, name: str) -> None:
    admin = await asyncpg.connect(server.dsn)
    await admin.execute(f"create database {name} template template_exora")
    await admin.close()
    db = await asyncpg.connect(server.url(name))
    await db.execute(_FILL)
    await db.execute("vacuum analyze")
    await db.close()


@pytest.fixture(scope="session")
def filled() -> set[Server]:
    """The servers that have a full queue by now; it goes with them."""
    return set()


@pytest.fixture
async def explained(server: Server, filled: set[Server]) -> AsyncIterator[Explained]:
    """A connection to a queue of a million pending and a million archived jobs; statistics say that none runs."""
    if server not in filled:
        filled.add(server)
        await _fill(server, "plans")
    db = await asyncpg.connect(server.url("plans"))
    await db.execute(_EXPLAIN)
    yield Explained(db)
    await db.close()


def scanned(plans: list[str]) -> set[str]:
    """Tables of the queue that were read from end to end, or sorted."""
    big = "jobs|ready|running|job_archive|audit_events|claims"
    return set(re.findall(rf"(?:Seq|Bitmap Heap) Scan on ({big})\b[^\n]*actual rows", "\n".join(plans)))


def most_rows(plans: list[str]) -> int:
    """The largest number of rows that any node of any plan produced."""
    return max(int(float(rows)) for plan in plans for rows in re.findall(r"actual rows=([\d.]+)", plan))


def most_discarded(plans: list[str]) -> int:
    """The largest number of rows that any node of any plan read in vain."""
    return max((int(rows) for plan in plans for rows in re.findall(r"Rows Removed by Filter: (\d+)", plan)), default=0)


async def claim(explained: Explained, limit: int) -> tuple[list[asyncpg.Record], list[str]]:
    """Claim jobs; returns them and the plans."""
    token = uuid4()
    call = "select * from claim_jobs_v3('w', $1, array['report_generation'], null, $2)"
    plans = await explained.plans(call, token, limit)
    return await explained.db.fetch(call, token, limit), plans


async def test_a_claim_reads_as_many_rows_as_it_takes(explained: Explained) -> None:
    jobs, plans = await claim(explained, 50)
    assert len(jobs) == 50
    assert scanned(plans) == set()
    assert (
        most_rows(plans) <= 100
    )  # now and then it looks whether a hundred wait, which makes a step of the floor worthwhile
    assert "ready_pkey" in "\n".join(plans)


async def test_a_settlement_probes_each_claim(explained: Explained) -> None:
    await claim(explained, 500)
    rows = await explained.db.fetch("select job, attempt, claim_token from exora.running order by job desc limit 20")
    plans = await explained.plans(
        "select settle_jobs_v3($1, $2, $3, $4)",
        [row["job"] for row in rows],
        [row["attempt"] for row in rows],
        [row["claim_token"] for row in rows],
        ["completed"] * 20,
    )
    assert scanned(plans) == set()
    assert most_rows(plans) <= 20
    assert "running_pkey" in "\n".join(plans)


async def test_a_heartbeat_probes_each_claim(explained: Explained) -> None:
    await claim(explained, 500)
    rows = await explained.db.fetch("select job, attempt, claim_token from exora.running limit 20")
    plans = await explained.plans(
        "select * from heartbeat_jobs_v3($1, $2, $3)",
        [row["job"] for row in rows],
        [row["attempt"] for row in rows],
        [row["claim_token"] for row in rows],
    )
    assert scanned(plans) == set()
    assert most_rows(plans) <= 20


async def test_a_sweep_of_a_full_queue_reads_what_is_due(explained: Explained) -> None:
    await explained.db.fetchval("select public.sweep_v3()")
    plans = await explained.plans("select public.sweep_v3()")
    assert scanned(plans) <= {"running"}  # small by nature


async def test_a_sweep_passes_over_what_is_not_due_yet(explained: Explained) -> None:
    async with explained.for_nothing():
        await explained.db.execute(_LATER)
        plans = await explained.plans("select public.sweep_v3()")
    searched = ("scheduled_due", "claims_age", "dead_letters_age")
    reads = [plan for plan in plans if any(index in plan for index in searched)]
    assert len(reads) >= len(searched)
    assert (most_rows(reads), most_discarded(reads)) <= (10, 10)


async def test_a_single_enqueue_reads_no_job(explained: Explained) -> None:
    plans = await explained.plans("select * from enqueue_job_v3('report_generation', null, '{}')")
    assert scanned(plans) == set()
    assert most_rows(plans) <= 20


async def test_an_enqueue_reads_no_job(explained: Explained) -> None:
    plans = await explained.plans(
        "select * from enqueue_jobs_v3($1, $2)", ["report_generation"] * 10, ['{"limit": 1}'] * 10
    )
    assert scanned(plans) == set()


async def test_a_keyed_enqueue_looks_its_key_up(explained: Explained) -> None:
    call = "select * from enqueue_jobs_v3($1, $2, p_idempotency_keys => $3)"
    values = (["report_generation"], ['{"limit": 1}'], ["key"])
    await explained.db.fetch(call, *values)
    plans = await explained.plans(call, *values)
    assert scanned(plans) == set()


async def test_showing_one_job_touches_one_job(explained: Explained) -> None:
    jobs, _ = await claim(explained, 1)
    plans = await explained.plans("select * from list_jobs_v3(p_job_ids => array[$1::uuid])", jobs[0]["job_id"])
    assert scanned(plans) == set()


async def test_the_newest_cancelled_jobs_are_found_among_a_million_completed_ones(explained: Explained) -> None:
    plans = await explained.plans("select * from list_jobs_v3('cancelled', p_limit => 50)")
    assert scanned(plans) == set()
    assert (most_rows(plans), most_discarded(plans)) <= (200, 200)


async def test_the_newest_jobs_are_read_from_the_end(explained: Explained) -> None:
    plans = await explained.plans("select * from list_jobs_v3(p_limit => 50)")
    assert most_rows(plans) <= 200


async def test_a_count_stops_at_a_hundred_thousand_jobs(explained: Explained) -> None:
    plans = await explained.plans("select * from queue_stats_v3()")
    assert scanned(plans) <= {"running"}  # small by nature
    assert most_rows(plans) <= 100_000
    ready = await explained.db.fetchval("select ready from queue_stats_v3() where lane = 'report_generation'")
    assert ready == pytest.approx(PENDING, rel=0.2)


async def test_a_hundred_thousand_are_shared_by_all_long_lanes(explained: Explained) -> None:
    async with explained.for_nothing():
        await explained.db.execute(_LANES)
        plans = await explained.plans("select * from queue_stats_v3()")
        rows = await explained.db.fetch("select lane, ready from queue_stats_v3() where lane like 'lane%'")
    found = {row["lane"]: row["ready"] for row in rows}
    assert most_rows(plans) <= 100_000 + 1_000 * 17
    assert found["lane_1"] == pytest.approx(40_000, rel=0.2), "by how common it is"
    assert all(found[f"lane_{n}"] == pytest.approx(8_000, rel=0.4) for n in range(2, 17))
    assert found["lane_17"] == 999, "short lanes are counted"


async def test_a_lane_with_few_dead_letters_beside_many_of_another_is_told(explained: Explained) -> None:
    async with explained.for_nothing():
        await explained.db.execute(_DEAD)
        rows = await explained.db.fetch("select lane, dead from queue_stats_v3() where dead > 0 order by lane")
    assert [tuple(row) for row in rows] == [("lane_1", 5), ("report_generation", 1200)]


async def test_a_job_is_not_looked_for_in_the_days_before_it_was(explained: Explained) -> None:
    finished = await explained.db.fetchval(
        "select exora.job_uuid(id, created_at) from exora.jobs where id = $1", PENDING + 1
    )
    async with explained.for_nothing():
        await explained.db.execute(_DAYS)
        plans = await explained.plans("select * from list_jobs_v3(p_job_ids => array[$1::uuid])", finished)
    looks = re.findall(r"on old_[12] .*", "\n".join(plans))
    assert len(looks) == 2
    assert all("never executed" in look for look in looks)
