-- exora.mend_floors: the alarm behind the floors: a ready job below its lane's floor would never be claimed. There can be
-- none (docs/explanation/floors.md); should there be one, turn the floor back and answer how many lanes that were.
create or replace function exora.mend_floors()
returns int language plpgsql security definer set search_path = '' set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  v_low record;
  v_mended int := 0;
begin
  for v_low in
    select l.lane, r.sort_key from exora.lanes l
     cross join lateral (select f.number, f.floor from exora.lane_floors f
                          where f.lane = l.lane order by f.number desc limit 1) f
     cross join lateral (select r.sort_key from exora.ready r
                          where r.lane = l.lane and r.sort_key < f.floor order by r.sort_key, r.job limit 1) r
     where not exists (select from exora.floor_breaks b
                        where b.lane = l.lane and b.number > f.number and b.sort_key <= r.sort_key)
     order by l.lane
  loop
    perform exora.break_floors(array[v_low.lane], array[v_low.sort_key]);
    v_mended := v_mended + 1;
  end loop;
  return v_mended;
end $$;
