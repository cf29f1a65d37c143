-- public.queue_stats_v3: for each lane, how many jobs are ready, held back by their concurrency key, scheduled, running
-- and dead, and how long the oldest ready one has waited, in seconds. Cheap at any size: it counts a thousand ready jobs in
-- each lane, and on in longer lanes as far as 100000 reach for all of them; those elsewhere to 10000 of each kind. What is
-- beyond is estimated from the server's statistics: how many rows there are, and how common each lane is among them.
--
-- The oldest of a longer lane is the oldest of its first thousand: of each patient and priority, what has waited longest
-- comes first.
create or replace function public.queue_stats_v3()
returns table (lane text, ready bigint, held_back bigint, scheduled bigint, running bigint, dead bigint,
               oldest_ready_s double precision, paused_at timestamptz, depth_limit int)
language sql stable security definer set search_path = '' set jit = off set enable_sort = off set enable_seqscan = off
set enable_bitmapscan = off as $$
  with front as materialized (
    select n.lane, r.counted, r.first
      from exora.lanes n
      cross join lateral (
        select count(*) as counted, min(x.job) as first
          from (select w.job from exora.ready w where w.lane = n.lane order by w.sort_key, w.job limit 1000) x) r
  ), reach as materialized (
    select greatest(100000 / nullif(count(*), 0), 1000) as each from front f where f.counted = 1000
  ), line as materialized (
    select f.lane, f.first, coalesce(d.counted, f.counted) as counted, coalesce(d.counted, f.counted) = r.each as cut
      from front f cross join reach r
      left join lateral (select count(*) as counted
                           from (select from exora.ready w where w.lane = f.lane limit r.each) x) d
        on f.counted = 1000 and r.each > 1000
  ), common as (
    select v.lane, v.share from pg_catalog.pg_stats s,
           unnest(s.most_common_vals::text::text[], s.most_common_freqs) as v (lane, share)
     where s.schemaname = 'exora' and s.tablename = 'ready' and s.attname = 'lane'
  ), beyond as (
    select w.lane, greatest(w.counted, (t.rows * w.share / sum(w.share) over ())::bigint) as ready
      from (select l.lane, l.counted, coalesce(c.share, min(c.share) over (), 1) as share
              from line l left join common c on c.lane = l.lane where l.cut) w
     cross join (select max(c.reltuples)::double precision - coalesce(sum(l.counted) filter (where not l.cut), 0) as rows
                   from line l, pg_catalog.pg_class c where c.oid = 'exora.ready'::regclass) t
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
  select n.lane::text, coalesce(b.ready, l.counted),
         coalesce(sum(e.jobs) filter (where e.state = 1), 0)::bigint,
         coalesce(sum(e.jobs) filter (where e.state = 2), 0)::bigint,
         coalesce(sum(e.jobs) filter (where e.state = 3), 0)::bigint,
         coalesce(sum(e.jobs) filter (where e.state = 4), 0)::bigint,
         extract(epoch from clock_timestamp() - (select j.created_at from exora.jobs j where j.id = l.first))::double precision,
         n.paused_at, n.depth_limit
    from exora.lanes n join line l on l.lane = n.lane left join beyond b on b.lane = n.lane
    left join elsewhere e on e.lane = n.lane
   group by n.lane, b.ready, l.counted, l.first, n.paused_at, n.depth_limit order by n.lane
$$;
