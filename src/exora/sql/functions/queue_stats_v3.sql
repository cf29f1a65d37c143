-- public.queue_stats_v3: for each lane, how many jobs are ready, held back by their concurrency key, scheduled, running
-- and dead, and how long the oldest ready one has waited, in seconds. Cheap at any size: it counts a thousand ready jobs in
-- each lane, and on in longer lanes as far as 100000 reach for all of them. What is beyond is estimated from the server's
-- statistics: how many rows there are, and how common each lane is among them. Those elsewhere are counted to 10000 of each
-- kind. The lane stands in their wide rows: it is looked up for all of those running and dead, which people are called for;
-- of more than a thousand scheduled or held back the lanes are taken to be as those of the first thousand.
--
-- The oldest of a longer lane is the oldest of its first thousand: with more than a thousand pairs of patient and priority
-- an older one may stand behind them.
create or replace function public.queue_stats_v3()
returns table (lane text, ready bigint, held_back bigint, scheduled bigint, running bigint, dead bigint,
               oldest_ready_s double precision, paused_at timestamptz, depth_limit int)
language sql stable security definer set search_path = '' set jit = off set enable_sort = off set enable_seqscan = off
set enable_bitmapscan = off as $$
  with front as materialized (
    select n.lane, n.paused_at, n.depth_limit, r.counted, r.first
      from exora.lanes n
      cross join lateral (
        select count(*) as counted, min(x.job) as first
          from (select w.job from exora.ready w where w.lane = n.lane order by w.sort_key, w.job limit 1000) x) r
  ), reach as materialized (
    select greatest(100000 / nullif(count(*), 0), 1000) as each from front f where f.counted = 1000
  ), line as materialized (
    select f.*, coalesce(d.counted, f.counted) as ready, coalesce(d.counted, f.counted) = r.each as cut
      from front f cross join reach r
      left join lateral (select count(*) as counted
                           from (select from exora.ready w where w.lane = f.lane limit r.each) x) d
        on f.counted = 1000 and r.each > 1000
  ), common as (
    select v.lane, v.share from pg_catalog.pg_stats s,
           unnest(s.most_common_vals::text::text[], s.most_common_freqs) as v (lane, share)
     where s.schemaname = 'exora' and s.tablename = 'ready' and s.attname = 'lane'
  ), beyond as materialized (
    select w.lane, greatest(w.ready, (t.rows * w.share / sum(w.share) over ())::bigint) as ready
      from (select l.lane, l.ready, coalesce(c.share, min(c.share) over (), 1) as share
              from line l left join common c on c.lane = l.lane where l.cut) w
     cross join (select max(c.reltuples)::double precision - coalesce(sum(l.ready) filter (where not l.cut), 0) as rows
                   from line l, pg_catalog.pg_class c where c.oid = 'exora.ready'::regclass) t
  ), place as materialized (
    (select 'held_back' as state, h.job from exora.held_back h limit 1000)
    union all (select 'scheduled', s.job from exora.scheduled s limit 1000)
    union all (select 'running', r.job from exora.running r limit 10000)
    union all (select 'dead_letters', d.job from exora.dead_letters d limit 10000)
  ), counted as (
    select 'held_back' as state, count(*) as jobs from (select from exora.held_back limit 10000) x
    union all select 'scheduled', count(*) from (select from exora.scheduled limit 10000) x
    union all select 'running', count(*) from (select from exora.running limit 10000) x
    union all select 'dead_letters', count(*) from (select from exora.dead_letters limit 10000) x
  ), each_stands_for as materialized (
    select p.state, case when n.jobs = 10000 then greatest(n.jobs, c.reltuples) else n.jobs end / p.looked_at as jobs
      from (select p.state, count(*)::double precision as looked_at from place p group by p.state) p
      join counted n on n.state = p.state
      join pg_catalog.pg_class c on c.oid = ('exora.' || p.state)::regclass
  ), elsewhere as materialized (
    select f.lane, sum(f.jobs) filter (where f.state = 'held_back') as held_back,
           sum(f.jobs) filter (where f.state = 'scheduled') as scheduled,
           sum(f.jobs) filter (where f.state = 'running') as running,
           sum(f.jobs) filter (where f.state = 'dead_letters') as dead
      from (select j.lane, p.state, round(count(*) * max(e.jobs))::bigint as jobs
              from place p join each_stands_for e on e.state = p.state
             cross join lateral (select x.lane from exora.jobs x where x.id = p.job limit 1) j
             group by j.lane, p.state) f
     group by f.lane
  )
  select l.lane::text, coalesce(b.ready, l.ready), coalesce(e.held_back, 0)::bigint, coalesce(e.scheduled, 0)::bigint,
         coalesce(e.running, 0)::bigint, coalesce(e.dead, 0)::bigint,
         extract(epoch from clock_timestamp() - (select j.created_at from exora.jobs j where j.id = l.first))::double precision,
         l.paused_at, l.depth_limit
    from line l left join beyond b on b.lane = l.lane left join elsewhere e on e.lane = l.lane
   order by l.lane
$$;
