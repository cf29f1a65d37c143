-- exora.prune_floors: take off the log of floors what newer entries have made void. Only the newest floor of a lane counts,
-- and breaks newer than it.
create or replace function exora.prune_floors()
returns void language sql volatile security definer set search_path = '' as $$
  with newest as materialized (
    select l.lane, f.number from exora.lanes l
     cross join lateral (select f.number from exora.lane_floors f where f.lane = l.lane order by f.number desc limit 1) f
  ), floors as (
    delete from exora.lane_floors f using newest n where f.lane = n.lane and f.number < n.number
  )
  delete from exora.floor_breaks b using newest n where b.lane = n.lane and b.number < n.number
$$;
