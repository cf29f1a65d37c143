-- exora.move_floor: move the floor of a lane's claims one step on, if it can be. Never waits, and must come before the
-- claim's own writes. The steps are taken by different transactions:
--   propose  the first live key becomes the proposed floor
--   stamp    a transaction that sees the proposal, and gets its id only then, puts that id to it: whoever did not see
--            the proposal has a lower one
--   move     a snapshot in which all lower ids have ended sees nothing below the proposal: it becomes the floor
-- A break (exora.break_floors) turns the floor back and begins anew. Keys that an open claim has taken still count as live.
create or replace function exora.move_floor(p_lane text)
returns void language plpgsql security definer set search_path = '' set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  c_lowest constant bigint := -9223372036854775808;
  v_fresh boolean := pg_current_xact_id_if_assigned() is null;
  v record;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('exora.floor ' || p_lane, 0)) then
    return;
  end if;
  -- One statement, hence one snapshot, and taken under the lock: breaks are committed or have not begun.
  select f.floor, f.proposed, f.proposed_xid, b.lowest, h.sort_key as head,
         pg_snapshot_xmin(pg_current_snapshot())::text::bigint as xmin,
         pg_snapshot_xmax(pg_current_snapshot())::text::bigint as xmax
    into v
    from (select p_lane as lane) l
    left join lateral (select * from exora.lane_floors f where f.lane = l.lane order by f.number desc limit 1) f on true
    left join lateral (select min(b.sort_key) as lowest from exora.floor_breaks b
                        where b.lane = l.lane and b.number > f.number) b on true
    left join lateral (select r.sort_key from exora.ready r
                        where r.lane = l.lane and r.sort_key >= least(coalesce(f.floor, c_lowest), b.lowest)
                        order by r.sort_key, r.job limit 1) h on true;
  if v.head is null then
    return;
  elsif v.floor is null or v.lowest is not null then
    insert into exora.lane_floors (lane, floor, proposed) values (p_lane, least(coalesce(v.floor, c_lowest), v.lowest), v.head);
  elsif v.proposed_xid is null or v.proposed_xid > v.xmax then  -- above xmax: a dump of another server
    if v_fresh then
      insert into exora.lane_floors (lane, floor, proposed, proposed_xid)
      values (p_lane, v.floor, v.proposed, pg_current_xact_id()::text::bigint);
    end if;
  elsif v.head > v.proposed and v.xmin >= v.proposed_xid then
    insert into exora.lane_floors (lane, floor, proposed) values (p_lane, v.proposed, v.head);
  end if;
end $$;
