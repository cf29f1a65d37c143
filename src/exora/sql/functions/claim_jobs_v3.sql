-- public.claim_jobs_v3: claim up to p_limit jobs in order. p_claim_token is the caller's request token:
-- repeating a call whose answer was lost returns the same jobs. p_wait: the caller listens for wake-ups,
-- so note it as idle when there is nothing.
--
-- Over several lanes it first looks, without locks, how many of the next p_limit fall to each, then locks just so many
-- per lane: a claim over four lanes must not lock four times what it takes. Then one statement moves them from ready to running.
-- Every probe is lateral with a limit, and scans are off: statistics taken while nothing ran must not turn a plan round.
create or replace function public.claim_jobs_v3(
  p_worker_id text, p_claim_token uuid, p_job_types text[], p_job_lanes text[] default null,
  p_limit int default 1, p_wait boolean default false)
returns table (job_id uuid, job_type text, job_lane text, job_payload jsonb, retry_count int, attempt int,
               claim_token uuid, patient_id uuid, correlation_id uuid, priority int, max_retries int,
               heartbeat_s real, lease_s real, timeout_s real, created_at timestamptz)
language plpgsql security definer set search_path = '' set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  v_now timestamptz := clock_timestamp();
  v_lanes text[];
  v_shares int[];
begin
  if coalesce(p_worker_id, '') = '' then
    perform exora.refuse('PT400', 'a worker needs an id', 'p_worker_id', 'Use one per process');
  end if;
  if p_limit not between 1 and 1000 then
    perform exora.refuse('PT400', 'p_limit must be from 1 to 1000', 'p_limit', null);
  end if;
  if exists (select from exora.claims c where c.claim_token = p_claim_token) then
    return query select * from exora.repeat_claim(p_claim_token);
    return;
  end if;

  v_lanes := array(select l.lane from exora.lanes l
                    where l.job_type = any (p_job_types) and (p_job_lanes is null or l.lane = any (p_job_lanes))
                      and l.paused_at is null);
  if cardinality(v_lanes) = 1 then
    v_shares := array[p_limit];
  else
    select array_agg(n.lane), array_agg(n.share) into v_lanes, v_shares from (
      select n.lane, count(*)::int as share
        from (select l.lane, r.sort_key from unnest(v_lanes) as l (lane), lateral (
                select sort_key from exora.ready where lane = l.lane order by sort_key, job limit p_limit) r
               order by r.sort_key limit p_limit) n
       group by n.lane) n;
  end if;

  return query
  with taken as materialized (
    select r.ctid as place
      from unnest(v_lanes, v_shares) as s (lane, share), lateral (
        select ctid from exora.ready where lane = s.lane order by sort_key, job limit s.share for update skip locked) r
  ), removed as (
    delete from exora.ready d where d.ctid = any (array(select place from taken))
    returning d.job, d.sort_key, d.attempt + 1 as attempt, d.retry_count, d.crash_count
  ), claimed as materialized (
    select r.*, j.created_at, j.job_type, j.lane, j.payload, j.patient_id, j.correlation_id, j.priority, j.max_retries,
           t.heartbeat_s, t.lease_s, t.timeout_s
      from removed r
      cross join lateral (select * from exora.jobs j where j.id = r.job limit 1) j
      cross join lateral (select * from exora.job_types t where t.job_type = j.job_type limit 1) t
  ), started as (
    insert into exora.running (job, attempt, claim_token, started_at, heartbeat_at, lease_expires_at, lease_s,
                               retry_count, crash_count, correlation_id, worker_id)
    select c.job, c.attempt, p_claim_token, v_now, v_now, v_now + make_interval(secs => c.lease_s),
           c.lease_s, c.retry_count, c.crash_count, c.correlation_id, p_worker_id
      from claimed c
  ), audited as (
    insert into exora.audit_events (at, event, worker_id, job, attempt, correlation_id)
    select v_now, 'job_claimed', p_worker_id, c.job, c.attempt, c.correlation_id from claimed c
  ), noted as (
    insert into exora.claims (claim_token, claimed_at, worker_id, jobs)
    select p_claim_token, v_now, p_worker_id, array_agg(c.job order by c.sort_key, c.job) from claimed c
    having count(*) > 0
  )
  select exora.job_uuid(c.job, c.created_at), c.job_type, c.lane::text, c.payload, c.retry_count::int, c.attempt,
         p_claim_token, c.patient_id, c.correlation_id, c.priority::int, c.max_retries::int, c.heartbeat_s, c.lease_s,
         c.timeout_s, c.created_at
    from claimed c order by c.sort_key, c.job;

  if not p_wait then
    return;
  elsif found then
    delete from exora.idle_workers where worker_id = p_worker_id;
  else
    insert into exora.idle_workers as w (worker_id, since) values (p_worker_id, v_now)
    on conflict (worker_id) do update set since = excluded.since;
  end if;
end $$;
