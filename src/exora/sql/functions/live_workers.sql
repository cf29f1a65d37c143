-- exora.live_workers: workers that have reported within 45 s (they do every 10 s). With a type and a lane: only those that
-- serve both.
create or replace function exora.live_workers(p_job_type text default null, p_lane text default null)
returns setof exora.workers language sql stable security definer set search_path = '' as $$
  select w.* from exora.workers w
   where w.seen_at > clock_timestamp() - interval '45 s'
     and (p_job_type is null or p_job_type = any (w.job_types))
     and (p_lane is null or w.lanes is null or p_lane = any (w.lanes))
$$;
