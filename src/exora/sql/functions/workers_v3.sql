-- public.workers_v3: every worker that has reported within the hour, those alive first. A worker that ends well takes itself
-- off; one that is not live and still there was killed or is cut off.
create or replace function public.workers_v3()
returns table (worker_id text, live boolean, state text, started_at timestamptz, seen_at timestamptz, job_types text[],
               lanes text[], slots int, active int, memory_bytes bigint, version text)
language sql stable security definer set search_path = '' as $$
  select w.worker_id, l.worker_id is not null, w.state, w.started_at, w.seen_at, w.job_types, w.lanes, w.slots, w.active,
         w.memory_bytes, w.version
    from exora.workers w left join exora.live_workers() l on l.worker_id = w.worker_id
   where w.seen_at > clock_timestamp() - interval '1 hour'
   order by l.worker_id is null, w.started_at desc
$$;
