-- public.queue_stats_v3: for each lane, how many jobs are ready, held back by their concurrency key, scheduled, running
-- and dead, and how long the oldest ready one has waited, in seconds. Cheap at any size: ready jobs are counted to 100000 a
-- lane, those elsewhere to 10000 in all; what is beyond is estimated from the server's statistics.
create or replace function public.queue_stats_v3()
returns table (lane text, ready bigint, held_back bigint, scheduled bigint, running bigint, dead bigint,
               oldest_ready_s double precision, paused_at timestamptz, depth_limit int)
language sql stable security definer set search_path = '' set jit = off set enable_sort = off as $$
  with line as materialized (
    select n.lane, r.counted, r.first
      from exora.lanes n
      cross join lateral (select count(*) as counted, min(x.job) as first
                            from (select w.job from exora.ready w where w.lane = n.lane limit 100000) x) r
  ), beyond as (
    select greatest(100000, (max(c.reltuples) - sum(l.counted) filter (where l.counted < 100000))
                            / nullif(count(*) filter (where l.counted = 100000), 0))::bigint as each
      from line l, pg_catalog.pg_class c where c.oid = 'exora.ready'::regclass
  ), place as materialized (
    (select 1 as state, h.job from exora.held_back h limit 10000)
    union all (select 2, s.job from exora.scheduled s limit 10000)
    union all (select 3, r.job from exora.running r limit 10000)
    union all (select 4, d.job from exora.dead_letters d limit 10000)
  ), found as materialized (
    select j.lane, p.state, count(*) as jobs
      from place p cross join lateral (select x.lane from exora.jobs x where x.id = p.job limit 1) j
     group by j.lane, p.state
  ), elsewhere as (
    select f.lane, f.state,
           (f.jobs * case when t.jobs < 10000 then 1 else greatest(1, c.reltuples / 10000) end)::bigint as jobs
      from found f
      join (select p.state, count(*) as jobs from place p group by p.state) t on t.state = f.state
      join (values (1, 'held_back'), (2, 'scheduled'), (3, 'running'), (4, 'dead_letters')) n (state, name) on n.state = f.state
      join pg_catalog.pg_class c on c.oid = ('exora.' || n.name)::regclass
  )
  select n.lane::text, case when l.counted < 100000 then l.counted else b.each end,
         coalesce(sum(e.jobs) filter (where e.state = 1), 0)::bigint,
         coalesce(sum(e.jobs) filter (where e.state = 2), 0)::bigint,
         coalesce(sum(e.jobs) filter (where e.state = 3), 0)::bigint,
         coalesce(sum(e.jobs) filter (where e.state = 4), 0)::bigint,
         extract(epoch from clock_timestamp() - (select j.created_at from exora.jobs j where j.id = l.first))::double precision,
         n.paused_at, n.depth_limit
    from exora.lanes n join line l on l.lane = n.lane cross join beyond b left join elsewhere e on e.lane = n.lane
   group by n.lane, l.counted, l.first, b.each, n.paused_at, n.depth_limit order by n.lane
$$;
