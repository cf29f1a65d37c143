-- exora.rescue_lapsed: take back claims whose lease has lapsed. A worker's death counts in crash_count, apart
-- from errors; the third makes the job poison: it is dead until a person has looked.
create or replace function exora.rescue_lapsed(p_limit int)
returns int language plpgsql security definer set search_path = '' as $$
declare
  c_poison constant int := 3;
  v_lost exora.settlement[];
begin
  with lapsed as (
    select job from exora.running where lease_expires_at < clock_timestamp()
     limit p_limit for update skip locked
  ), removed as (
    delete from exora.running r where r.job = any (array(select job from lapsed))
    returning r.*, (r.crash_count + 1 >= c_poison) as poison
  )
  select array_agg(row(
           r.job, j.uuid, r.attempt, r.claim_token, r.worker_id, r.started_at, r.heartbeat_at, r.retry_count,
           r.crash_count + 1, case when r.poison then 'dead' else 'release' end, null, 0,
           case when r.poison then 'poison' end,
           jsonb_build_object('class', 'WorkerLost', 'code', 'worker_lost',
             'summary', 'the worker stopped sending heartbeats', 'fingerprint', 'worker_lost'))::exora.settlement)
    into v_lost
    from removed r join exora.jobs j on j.id = r.job;
  if v_lost is not null then
    perform exora.apply_settlements(v_lost);
  end if;
  return coalesce(cardinality(v_lost), 0);
end $$;
