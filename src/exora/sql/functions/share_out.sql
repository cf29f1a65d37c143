-- exora.share_out: how many of a claim's p_limit jobs fall to each lane, in order over all lanes, where some job types have
-- room for so many jobs only (exora.room_for_types). A type without room leaves the others their turn.
create or replace function exora.share_out(
  p_lanes text[], p_floors bigint[], p_limit int, p_job_types text[], p_rooms int[],
  out lanes text[], out floors bigint[], out shares int[])
language sql volatile security definer set search_path = '' set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  with bounded as materialized (
    select s.lane, s.floor, l.job_type, least(p_limit, coalesce(r.room, p_limit)) as room
      from unnest(p_lanes, p_floors) as s (lane, floor)
      join exora.lanes l on l.lane = s.lane
      left join unnest(p_job_types, p_rooms) as r (job_type, room) on r.job_type = l.job_type
     where coalesce(r.room, 1) > 0
  ), first as (
    select b.lane, b.floor, b.room, n.sort_key, n.job,
           row_number() over (partition by b.job_type order by n.sort_key, n.job) as place
      from bounded b, lateral (
        select sort_key, job from exora.ready where lane = b.lane and sort_key >= b.floor
         order by sort_key, job limit b.room) n
  ), share as (
    select f.lane, f.floor, count(*)::int as share
      from (select f.lane, f.floor from first f where f.place <= f.room order by f.sort_key, f.job limit p_limit) f
     group by f.lane, f.floor
  )
  select array_agg(s.lane), array_agg(s.floor), array_agg(s.share) from share s
$$;
