"""Lays a database as months of work would have left it, set by set: jobs, the archive by days, the trail, who waits."""

from __future__ import annotations

import time
from dataclasses import dataclass

import asyncpg

_DAYS = 30


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is.

    Attributes:
        archived: finished jobs, over thirty days.
        pending: ready jobs; a twentieth of that is scheduled, too, and a two-hundredth dead.
        lanes: lanes of one job type, beside those there are.
        patients: to whom the jobs belong.
        minutes: minutes of history of each lane.
        running: claimed jobs.
    """

    archived: int
    pending: int
    lanes: int
    patients: int
    minutes: int
    running: int

    @property
    def jobs(self) -> int:
        """All there are."""
        return self.archived + self.pending + self.pending // 20 + self.pending // 200 + self.running


LARGE = Size(10_000_000, 1_000_000, 100, 10_000, 8 * 1440, 2_500)
SMALL = Size(10_000, 5_000, 100, 100, 60, 50)

#: What slows down laying and is made anew afterwards, as it was.
_INDEXES = ("jobs_idempotency_key", "jobs_patient")


async def lay(db: asyncpg.Connection, size: Size) -> float:
    """Fill a migrated database; returns how many seconds that took."""
    began = time.monotonic()
    await db.execute("set synchronous_commit = off; set maintenance_work_mem = '256MB'; set statement_timeout = 0")
    definitions = [await db.fetchval("select pg_get_indexdef(('exora.' || $1)::regclass)", name) for name in _INDEXES]
    for name in _INDEXES:
        await db.execute(f"drop index exora.{name}")
    await db.execute(_LANES.format(lanes=size.lanes))
    await _partitions(db)
    await db.execute(_PATIENTS.format(patients=size.patients))
    for first in range(1, size.jobs + 1, 1_000_000):  # in parts: one statement of ten millions would keep them all
        last = min(first + 999_999, size.jobs)
        values = {
            "first": first,
            "last": last,
            "lanes": size.lanes,
            "patients": size.patients,
            "archived": size.archived,
        }
        await db.execute(_JOBS.format(**values))
        if first <= size.archived:
            await db.execute(_ARCHIVE.format(**values | {"last": min(last, size.archived)}))
            await db.execute(_TRAIL.format(**values | {"last": min(last, size.archived)}))
        print(f"  {last:,} jobs after {time.monotonic() - began:.0f} s", flush=True)
    ready = size.archived + size.pending
    scheduled = ready + size.pending // 20
    dead = scheduled + size.pending // 200
    await db.execute(
        _LIVE.format(
            archived=size.archived, ready=ready, scheduled=scheduled, dead=dead, jobs=size.jobs, lanes=size.lanes
        )
    )
    await db.execute(_HISTORY.format(minutes=size.minutes))
    for _ in range(size.minutes // 120 + 1):  # as workers would have, minute by minute
        await db.execute("select exora.sum_minutes()")
    await db.execute(_SEALED)
    for definition in definitions:
        await db.execute(definition)
    await db.execute(f"select setval('exora.job_number', {size.jobs + 1000})")
    await db.execute("vacuum (analyze)")
    return time.monotonic() - began


async def _partitions(db: asyncpg.Connection) -> None:
    """A partition for each day, made as exora.ensure_partitions makes those to come."""
    await db.execute("select exora.ensure_partitions()")
    for day in range(1, _DAYS + 1):
        name, start, end = await db.fetchrow(
            "select 'job_archive_' || to_char(d, 'YYYYMMDD'), d::timestamp at time zone 'UTC',"
            " (d + 1)::timestamp at time zone 'UTC'"
            " from (select (now() at time zone 'UTC')::date - $1::int as d) x",
            day,
        )
        await db.execute(
            f"create table exora.{name} partition of exora.job_archive for values from ('{start}') to ('{end}');"
            f" revoke all on exora.{name} from public, anon, authenticated, service_role;"
            f" select exora.secure_table('exora.{name}')"
        )


_LANES = """
insert into exora.lanes (lane, job_type)
select 'clinic_' || lpad(n::text, 3, '0'), 'report_generation' from generate_series(0, {lanes} - 1) n;
"""
_PATIENTS = """
insert into exora.patients (id) select md5('patient ' || n)::uuid from generate_series(0, {patients} - 1) n;
"""
# Job n was enqueued in order over thirty days; a patient has about as many as another.
_JOBS = """
insert into exora.jobs (id, created_at, scheduled_at, priority, max_retries, patient_id, shell_file_id, correlation_id,
                        job_type, lane, category, name, payload)
select n, at, at, 5, 5, md5('patient ' || n % {patients})::uuid, md5('file ' || n)::uuid, md5('job ' || n)::uuid,
       'report_generation', 'clinic_' || lpad((n % {lanes})::text, 3, '0'), 'standard', 'report',
       jsonb_build_object('patient_id', md5('patient ' || n % {patients})::uuid, 'limit', n % 100)
  from (select n, now() - interval '29 days' * (1 - least(n::float8 / {archived}, 1)) - interval '1 hour' as at
          from generate_series({first}, {last}) n) j;
"""
_ARCHIVE = """
insert into exora.job_archive (job, attempt, status, claim_token, started_at, finished_at, heartbeat_at, retry_count,
                               crash_count, worker_id, result)
select n, 1, case when n % 2000 = 0 then 'cancelled' else 'completed' end, md5('claim ' || n / 50)::uuid, at,
       at + interval '2 s', at, 0, 0, 'worker-' || n % 50, '{{"pages": 3}}'
  from (select n, now() - interval '29 days' * (1 - least(n::float8 / {archived}, 1)) - interval '30 min' as at
          from generate_series({first}, {last}) n) j;
"""
# Of the three events a job leaves, the last: the trail is read by job and by its end, and both find it as fast.
_TRAIL = """
insert into exora.audit_events (at, event, worker_id, job, attempt, correlation_id)
select now() - interval '29 days' * (1 - least(n::float8 / {archived}, 1)), 'job_completed', 'worker-' || n % 50, n, 1,
       md5('job ' || n)::uuid
  from generate_series({first}, {last}) n;
"""
# As far as sealing is concerned, all of that was done: else the first sweeps would be busy with it.
_SEALED = """
update exora.audit_progress
   set sealed_xid = x, horizon_xid = x, sealed_id = i, horizon_id = i, highest_id = greatest(highest_id, i),
       behind = false
  from (select pg_current_xact_id()::text::bigint as x, coalesce((select max(id) from exora.audit_events), 0) as i) v;
"""
_LIVE = """
insert into exora.ready (lane, sort_key, job, attempt, retry_count, crash_count)
select 'clinic_' || lpad((n % {lanes})::text, 3, '0'), (extract(epoch from now()) * 1000000)::bigint - 3600000000 + n,
       n, 0, 0, 0
  from generate_series({archived} + 1, {ready}) n;
insert into exora.scheduled (job, due_at, attempt, retry_count, crash_count)
select n, now() + interval '1 day' + n * interval '1 ms', 0, 0, 0 from generate_series({ready} + 1, {scheduled}) n;
insert into exora.dead_letters (job, dead_letter_at, attempt, retry_count, crash_count, started_at, worker_id, cause,
                                fingerprint)
select n, now() - interval '1 h', 6, 5, 0, now() - interval '1 h', 'worker-1', 'exhausted', 'f' || n % 40
  from generate_series({scheduled} + 1, {dead}) n;
insert into exora.job_errors (job, attempt, kind, error_class, code, summary, fingerprint)
select n, a, case a when 6 then 'dead' else 'retry' end, 'ProviderUnavailable', 'provider_unavailable',
       'it failed (HTTP 503)', 'f' || n % 40
  from generate_series({scheduled} + 1, {dead}) n, generate_series(1, 6) a;
insert into exora.running (job, attempt, claim_token, started_at, heartbeat_at, lease_expires_at, lease_s, retry_count,
                           crash_count, correlation_id, worker_id)
select n, 1, md5('claim ' || n)::uuid, now(), now(), now() + interval '1 day', 120, 0, 0, md5('job ' || n)::uuid,
       'worker-' || n % 50
  from generate_series({dead} + 1, {jobs}) n;
insert into exora.workers (worker_id, report, started_at, seen_at, state, job_types, slots, active, memory_bytes,
                           version)
select 'worker-' || n, 1, now(), now() + interval '1 day', 'working', array['report_generation'], 50, 40, 100 << 20,
       '0.1.0'
  from generate_series(0, 49) n;
"""
_HISTORY = """
insert into exora.lane_minutes (minute, lane, completed, retried, dead, cancelled, run_s, runs, waits, ready, running)
select date_trunc('minute', now()) - m * interval '1 min', l.lane, 10, 1, 0, 0, 20,
       array(select 2::bigint from unnest(exora.minute_bounds())) || 0::bigint,
       array(select 1::bigint from unnest(exora.minute_bounds())) || 0::bigint, 10, 5
  from generate_series(1, {minutes}) m, exora.lanes l where l.lane like 'clinic%';
"""
