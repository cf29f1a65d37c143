"""One checker of the invariants, run after every fault: what must hold whatever was broken."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import asyncpg

#: Each query answers the rows that break its invariant.
_BROKEN = {
    "I1 every job is in exactly one place": """
        select j.id, n.places from exora.jobs j cross join lateral (
          select (select count(*) from exora.ready x where x.job = j.id)
               + (select count(*) from exora.held_back x where x.job = j.id)
               + (select count(*) from exora.scheduled x where x.job = j.id)
               + (select count(*) from exora.running x where x.job = j.id)
               + (select count(*) from exora.dead_letters x where x.job = j.id)
               + (select count(*) from exora.job_archive x where x.job = j.id) as places) n
         where n.places <> 1""",
    "I1 nothing is in a place without being a job": """
        select x.job from (select job from exora.ready union all select job from exora.scheduled
          union all select job from exora.held_back
          union all select job from exora.running union all select job from exora.dead_letters
          union all select job from exora.job_archive) x
         where not exists (select from exora.jobs j where j.id = x.job)""",
    "I1 no ready job lies below the floor that claims start at": """
        select r.lane, r.job from exora.ready r
          cross join lateral (select f.number, f.floor from exora.lane_floors f
                               where f.lane = r.lane order by f.number desc limit 1) f
         where r.sort_key < f.floor
           and not exists (select from exora.floor_breaks b
                            where b.lane = r.lane and b.number > f.number and b.sort_key <= r.sort_key)""",
    "a concurrency key counts the jobs that hold its places": """
        select k.concurrency_key, k.held, n.jobs from exora.concurrency_keys k full join (
          select concurrency_key, count(*) as jobs from (
            select concurrency_key from exora.ready union all select concurrency_key from exora.running) h
           where concurrency_key is not null group by concurrency_key) n using (concurrency_key)
         where k.held is distinct from n.jobs""",
    "no more of a concurrency key run than any of them allows": """
        select r.concurrency_key from exora.running r join exora.jobs j on j.id = r.job
         where r.concurrency_key is not null
         group by r.concurrency_key having count(*) > max(j.concurrency_limit)""",
    "none is held back while there is a place for the first that waits": """
        select distinct on (h.concurrency_key) h.concurrency_key, h.job from exora.held_back h
          join exora.jobs j on j.id = h.job left join exora.concurrency_keys k on k.concurrency_key = h.concurrency_key
         where not exists (select from exora.held_back x where x.concurrency_key = h.concurrency_key
                            and (x.sort_key, x.job) < (h.sort_key, h.job))
           and coalesce(k.held, 0) < j.concurrency_limit""",
    "I2 at most one accepted completion": """
        select job, count(*) from exora.audit_events where event = 'job_completed' group by job having count(*) > 1""",
    "I2 the completion is of the last claim": """
        select a.job from exora.job_archive a where a.status = 'completed'
           and a.attempt is distinct from (select max(e.attempt) from exora.audit_events e
                              where e.job = a.job and e.event = 'job_claimed')""",
    "I4 attempts are bounded": """
        select j.id from exora.jobs j join exora.dead_letters d on d.job = j.id
         where d.retry_count > j.max_retries or d.crash_count > 3""",
    "I4 dead exactly when permanent, exhausted or poison": """
        select j.id from exora.jobs j join exora.dead_letters d on d.job = j.id
         where (d.cause = 'exhausted' and d.retry_count < j.max_retries)
            or (d.cause = 'poison' and d.crash_count < 3)""",
    "I6 one event enqueues each job": """
        select j.id from exora.jobs j
         where (select count(*) from exora.audit_events e where e.job = j.id and e.event = 'job_enqueued') <> 1""",
    "I6 every claim ends in one event, or still runs": """
        select e.job, e.attempt from exora.audit_events e where e.event = 'job_claimed'
           and (select count(*) from exora.audit_events x where x.job = e.job and x.attempt = e.attempt
                 and x.event in ('job_completed', 'job_cancelled', 'job_dead_lettered', 'job_retried', 'job_snoozed',
                                 'job_released', 'job_rescued'))
             + (select count(*) from exora.running r where r.job = e.job and r.attempt = e.attempt) <> 1""",
    "I6 every claim is in the trail": """
        select x.job, x.attempt from (
          select job, attempt from exora.ready union all select job, attempt from exora.scheduled
          union all select job, attempt from exora.held_back
          union all select job, attempt from exora.running union all select job, attempt from exora.dead_letters
          union all select job, attempt from exora.job_archive) x
         where x.attempt <> (select count(*) from exora.audit_events e
                              where e.job = x.job and e.event = 'job_claimed')""",
    "I6 attempts are numbered without gaps": """
        select job from exora.audit_events where event = 'job_claimed'
         group by job having max(attempt) <> count(*)""",
    "I9 a record belongs to the patient of its job and document": """
        select r.document_id from exora.records r join exora.documents d on d.id = r.document_id
          join exora.jobs j on j.id = r.job
         where r.patient_id <> d.patient_id or r.patient_id <> j.patient_id""",
}


async def check_invariants(db: asyncpg.Connection, acknowledged: Collection[UUID] = ()) -> None:
    """Assert all invariants that the database can show.

    Args:
        db: a connection of the owner.
        acknowledged: ids of all jobs whose enqueue was answered; each must exist.
    """
    for name, query in _BROKEN.items():
        rows = [tuple(row) for row in await db.fetch(query)]
        assert rows == [], f"{name}: {rows[:5]}"
    known = {row[0] for row in await db.fetch("select exora.job_uuid(id, created_at) from exora.jobs")}
    assert set(acknowledged) <= known, "I1: an acknowledged job is gone"
