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
  )
  insert into exora.minutes (minute, completed, retried, dead, cancelled, ready, running, runs, waits)
  select d.minute, d.completed, d.retried, d.dead, d.cancelled, d.ready, d.running,
         array_remove(d.runs, null), array_remove(d.waits, null)
    from (select p.minute, sum(p.completed)::bigint as completed, sum(p.retried)::bigint as retried, sum(p.dead)::bigint as dead,
                 sum(p.cancelled)::bigint as cancelled, sum(p.ready)::bigint as ready, sum(p.running)::bigint as running,
                 array[sum(p.runs[1]), sum(p.runs[2]), sum(p.runs[3]), sum(p.runs[4]),
                       sum(p.runs[5]), sum(p.runs[6]), sum(p.runs[7]), sum(p.runs[8]),
                       sum(p.runs[9]), sum(p.runs[10]), sum(p.runs[11]), sum(p.runs[12]),
                       sum(p.runs[13]), sum(p.runs[14]), sum(p.runs[15]), sum(p.runs[16])]::bigint[] as runs,
                 array[sum(p.waits[1]), sum(p.waits[2]), sum(p.waits[3]), sum(p.waits[4]),
                       sum(p.waits[5]), sum(p.waits[6]), sum(p.waits[7]), sum(p.waits[8]),
                       sum(p.waits[9]), sum(p.waits[10]), sum(p.waits[11]), sum(p.waits[12]),
                       sum(p.waits[13]), sum(p.waits[14]), sum(p.waits[15]), sum(p.waits[16])]::bigint[] as waits
            from past p group by p.minute) d
$$;
