-- public.claim_jobs_v3: claim up to p_limit jobs in order. p_claim_token is the caller's request token:
-- repeating a call whose answer was lost returns the same jobs. p_wait: the caller listens for wake-ups,
-- so note it as idle when there is nothing. p_flush false: commit without waiting for the disk. If a crash of
-- the server undoes such a claim, the job is ready again and its holder has no fence; the log is written in order, so that
-- nothing can be settled or stored under a claim that is not on the disk. For callers whose transaction is this call only.
--
-- Types whose APIs have room for so many jobs only are claimed up to that (exora.room_for_types). Each lane is read from
-- its floor on (docs/explanation/floors.md). Over several lanes it first looks, without locks, how
-- many of the next p_limit fall to each, then locks just so many per lane: a claim over four lanes must not lock four
-- times what it takes. Then one statement moves them from ready to running. Every probe is lateral with a limit, and
-- scans are off: statistics taken while nothing ran must not turn a plan round.
create or replace function public.claim_jobs_v3(
  p_worker_id text, p_claim_token uuid, p_job_types text[], p_job_lanes text[] default null,
  p_limit int default 1, p_wait boolean default false, p_flush boolean default true)
returns table (job_id uuid, job_type text, job_lane text, job_payload jsonb, retry_count int, attempt int,
               correlation_id uuid, priority int, max_retries int, heartbeat_s real, lease_s real, timeout_s real)
language plpgsql security definer set search_path = '' set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
#variable_conflict use_column
declare
  v_now timestamptz := clock_timestamp();
  v_lanes text[];
  v_floors bigint[];
  v_shares int[];
  v_types text[];
  v_rooms int[];
  v_known boolean;
begin
  if coalesce(p_worker_id, '') = '' then
    perform exora.refuse('PT400', 'a worker needs an id', 'p_worker_id', 'Use one per process');
  end if;
  if p_limit not between 1 and 1000 then
    perform exora.refuse('PT400', 'p_limit must be from 1 to 1000', 'p_limit', null);
  end if;
  if not p_flush then
    perform set_config('synchronous_commit', 'off', true);
  end if;
  select array_agg(l.lane), array_agg(least(coalesce(f.floor, -9223372036854775808), b.lowest)),
         exists (select from exora.claims c where c.claim_token = p_claim_token)
    into v_lanes, v_floors, v_known
    from exora.lanes l
    left join lateral (select f.floor, f.number from exora.lane_floors f
                        where f.lane = l.lane order by f.number desc limit 1) f on true
    left join lateral (select min(b.sort_key) as lowest from exora.floor_breaks b
                        where b.lane = l.lane and b.number > f.number) b on true
   where l.job_type = any (p_job_types) and (p_job_lanes is null or l.lane = any (p_job_lanes)) and l.paused_at is null;
  if v_known then
    return query select * from exora.repeat_claim(p_claim_token);
    return;
  end if;

  select array_agg(r.job_type), array_agg(r.room) into v_types, v_rooms
    from exora.room_for_types(p_job_types) r where r.room is not null;
  -- A step of the floor costs a few probes: take it when much is claimed or waits, and now and then. It answers where the
  -- first live job is, so that nothing below steps over the finished ones before it once more.
  if random() * 100 < p_limit then
    select array_agg(s.lane), array_agg(greatest(s.floor, exora.move_floor(s.lane, case when random() < 0.01 then 1 else 100 end))) into v_lanes, v_floors
      from unnest(v_lanes, v_floors) as s (lane, floor);
  end if;
  if v_types is not null then
    select s.lanes, s.floors, s.shares into v_lanes, v_floors, v_shares
      from exora.share_out(v_lanes, v_floors, p_limit, v_types, v_rooms) s;
  elsif cardinality(v_lanes) = 1 then
    v_shares := array[p_limit];
  else
    select array_agg(n.lane), array_agg(n.floor), array_agg(n.share) into v_lanes, v_floors, v_shares from (
      select n.lane, n.floor, count(*)::int as share
        from (select s.lane, s.floor from unnest(v_lanes, v_floors) as s (lane, floor), lateral (
                select sort_key, job from exora.ready where lane = s.lane and sort_key >= s.floor
                 order by sort_key, job limit p_limit) r
               order by r.sort_key, r.job limit p_limit) n
       group by n.lane, n.floor) n;
  end if;

  v_now := clock_timestamp();  -- what it is about to see was enqueued before: the trail shall say so
  return query
  with served as materialized (
    select l.lane, t.job_type, t.heartbeat_s, t.lease_s, t.timeout_s
      from exora.lanes l join exora.job_types t on t.job_type = l.job_type where l.lane = any (v_lanes)
  ), taken as materialized (
    select r.ctid as place
      from unnest(v_lanes, v_floors, v_shares) as s (lane, floor, share), lateral (
        select ctid from exora.ready where lane = s.lane and sort_key >= s.floor
         order by sort_key, job limit s.share for update skip locked) r
  ), removed as (
    delete from exora.ready d where d.ctid = any (array(select place from taken))
    returning d.lane, d.job, d.sort_key, d.attempt + 1 as attempt, d.retry_count, d.crash_count, d.concurrency_key
  ), claimed as materialized (
    select r.*, j.created_at, j.payload, j.correlation_id, j.priority, j.max_retries,
           t.job_type, t.heartbeat_s, t.lease_s, t.timeout_s
      from removed r
      cross join lateral (select * from exora.jobs j where j.id = r.job limit 1) j
      join served t on t.lane = r.lane
  ), started as (
    insert into exora.running (job, attempt, claim_token, started_at, heartbeat_at, lease_expires_at, lease_s,
                               retry_count, crash_count, correlation_id, worker_id, concurrency_key)
    select c.job, c.attempt, p_claim_token, v_now, v_now, v_now + make_interval(secs => c.lease_s),
           c.lease_s, c.retry_count, c.crash_count, c.correlation_id, p_worker_id, c.concurrency_key
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
         c.correlation_id, c.priority::int, c.max_retries::int, c.heartbeat_s, c.lease_s, c.timeout_s
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
