-- public.queue_stats_v3: for each lane, how many jobs are ready, held back by their concurrency key, scheduled, running
-- and dead, and how long the oldest ready one has waited, in seconds.
create or replace function public.queue_stats_v3()
returns table (lane text, ready bigint, held_back bigint, scheduled bigint, running bigint, dead bigint,
               oldest_ready_s double precision, paused_at timestamptz, depth_limit int)
language sql stable security definer set search_path = '' as $$
  with live as (
    select r.lane, 'ready' as state, r.job from exora.ready r
    union all select j.lane, 'held_back', h.job from exora.held_back h join exora.jobs j on j.id = h.job
    union all select j.lane, 'scheduled', s.job from exora.scheduled s join exora.jobs j on j.id = s.job
    union all select j.lane, 'running', r.job from exora.running r join exora.jobs j on j.id = r.job
    union all select j.lane, 'dead', d.job from exora.dead_letters d join exora.jobs j on j.id = d.job
  )
  select n.lane::text, count(*) filter (where l.state = 'ready'), count(*) filter (where l.state = 'held_back'),
         count(*) filter (where l.state = 'scheduled'),
         count(*) filter (where l.state = 'running'), count(*) filter (where l.state = 'dead'),
         extract(epoch from clock_timestamp() -
           (select j.created_at from exora.jobs j
             where j.id = min(l.job) filter (where l.state = 'ready')))::double precision,
         n.paused_at, n.depth_limit
    from exora.lanes n left join live l on l.lane = n.lane
   group by n.lane, n.paused_at, n.depth_limit order by n.lane
$$;
