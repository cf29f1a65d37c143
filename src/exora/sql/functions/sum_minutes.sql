-- exora.sum_minutes: add up over all lanes the minutes that are over and not yet in exora.minutes, two hours' worth at most. A
-- report counts for the minute in which its call began, and no call lasts a minute: the last but one does not change any more.
create or replace function exora.sum_minutes()
returns void language sql volatile security definer set search_path = '' set jit = off as $$
  with span as (
    select min(m.minute) as first from exora.lane_minutes m
     where m.minute > coalesce((select max(d.minute) from exora.minutes d), '-infinity')
  ), past as materialized (
    select m.* from exora.lane_minutes m, span s
     where m.minute >= s.first and m.minute < s.first + interval '2 hours'
       and m.minute < date_trunc('minute', clock_timestamp()) - interval '1 minute'
  ), run as (
    select s.minute, array_agg(s.v order by s.n) as runs
      from (select p.minute, u.n, sum(u.v)::bigint as v from past p, unnest(p.runs) with ordinality u (v, n) group by 1, 2) s
     group by s.minute
  ), wait as (
    select s.minute, array_agg(s.v order by s.n) as waits
      from (select p.minute, u.n, sum(u.v)::bigint as v from past p, unnest(p.waits) with ordinality u (v, n) group by 1, 2) s
     group by s.minute
  )
  insert into exora.minutes (minute, completed, retried, dead, cancelled, ready, running, runs, waits)
  select p.minute, p.completed, p.retried, p.dead, p.cancelled, p.ready, p.running, coalesce(r.runs, '{}'), coalesce(w.waits, '{}')
    from (select m.minute, sum(m.completed)::bigint as completed, sum(m.retried)::bigint as retried, sum(m.dead)::bigint as dead,
                 sum(m.cancelled)::bigint as cancelled, sum(m.ready)::bigint as ready, sum(m.running)::bigint as running
            from past m group by m.minute) p
    left join run r on r.minute = p.minute left join wait w on w.minute = p.minute
$$;
