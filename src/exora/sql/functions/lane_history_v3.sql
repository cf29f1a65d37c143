-- public.lane_history_v3: what workers say they did, and how deep the queue was, over the last p_minutes in steps of p_step
-- minutes, in one lane or in all (null). runs and waits are histograms over exora.minute_bounds(); depth is the last of a step.
-- Of all lanes, minutes that are over are read as their sums (exora.minutes).
--
-- The sixteen places of a histogram are added up by name: unnesting them makes sixteen rows of each minute, of a week's
-- chart 320,000: four times the work.
create or replace function public.lane_history_v3(p_minutes int default 60, p_step int default 1, p_lane text default null)
returns table (at timestamptz, completed bigint, retried bigint, dead bigint, cancelled bigint, ready bigint, running bigint,
               runs bigint[], waits bigint[])
language sql stable security definer set search_path = '' set jit = off as $$
  with summed as (
    select coalesce((select max(m.minute) from exora.minutes m where p_lane is null), '-infinity') as until
  ), past as materialized (
    select date_bin(make_interval(mins => p_step), x.minute, timestamptz '2000-01-01 00:00:00+00') as at, x.*
      from (select m.minute, m.completed, m.retried, m.dead, m.cancelled, m.ready, m.running, m.runs, m.waits
              from exora.minutes m where p_lane is null
            union all
            select m.minute, m.completed, m.retried, m.dead, m.cancelled, m.ready, m.running, m.runs, m.waits
              from exora.lane_minutes m, summed s where m.minute > s.until and (p_lane is null or m.lane = p_lane)) x
     where x.minute > now() - make_interval(mins => p_minutes)
  ), done as (
    select p.at, sum(p.completed)::bigint as completed, sum(p.retried)::bigint as retried, sum(p.dead)::bigint as dead,
           sum(p.cancelled)::bigint as cancelled,
           array[sum(p.runs[1]), sum(p.runs[2]), sum(p.runs[3]), sum(p.runs[4]),
                 sum(p.runs[5]), sum(p.runs[6]), sum(p.runs[7]), sum(p.runs[8]),
                 sum(p.runs[9]), sum(p.runs[10]), sum(p.runs[11]), sum(p.runs[12]),
                 sum(p.runs[13]), sum(p.runs[14]), sum(p.runs[15]), sum(p.runs[16])]::bigint[] as runs,
           array[sum(p.waits[1]), sum(p.waits[2]), sum(p.waits[3]), sum(p.waits[4]),
                 sum(p.waits[5]), sum(p.waits[6]), sum(p.waits[7]), sum(p.waits[8]),
                 sum(p.waits[9]), sum(p.waits[10]), sum(p.waits[11]), sum(p.waits[12]),
                 sum(p.waits[13]), sum(p.waits[14]), sum(p.waits[15]), sum(p.waits[16])]::bigint[] as waits
      from past p group by p.at
  ), depth as (
    select distinct on (d.at) d.at, d.ready, d.running
      from (select p.at, p.minute, sum(p.ready)::bigint as ready, sum(p.running)::bigint as running
              from past p where p.ready is not null group by p.at, p.minute) d
     order by d.at, d.minute desc
  )
  select d.at, d.completed, d.retried, d.dead, d.cancelled, t.ready, t.running,
         array_remove(d.runs, null), array_remove(d.waits, null)
    from done d left join depth t on t.at = d.at
   order by d.at
$$;
