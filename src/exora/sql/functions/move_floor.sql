-- exora.move_floor: move the floor of a lane's claims one step on, if it can be; answers the lane's first live key (null:
-- none). Never waits. docs/explanation/floors.md has the reasoning; in short:
--   propose  the first live key is written down as the floor to be. From then on whoever makes a job ready below it turns
--            the floor back (exora.break_floors); who did so before had compared with an older entry, and holds the lock
--            of that entry until its transaction has ended
--   move     once nobody holds the locks of older entries, a snapshot taken after that sees every job there can be below
--            the proposal; if it sees none, the proposal becomes the floor, and the first live key the next proposal
-- A job that an open claim has taken still counts as live. No step is taken for fewer live jobs than p_worth.
create or replace function exora.move_floor(p_lane text, p_worth int)
returns bigint language plpgsql security definer set search_path = '' set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  c_lowest constant bigint := -9223372036854775808;
  v record;
  v_open bigint[];
  v_head bigint;
begin
  if current_setting('transaction_isolation') <> 'read committed'  -- an older snapshot would see too little
     or not pg_try_advisory_xact_lock(hashtextextended('exora.floor ' || p_lane, -1)) then
    return null;
  end if;
  select f.number, coalesce(f.floor, c_lowest) as floor, f.proposed, f.open_entries, b.lowest into v
    from (select p_lane as lane) l
    left join lateral (select * from exora.lane_floors f where f.lane = l.lane order by f.number desc limit 1) f on true
    left join lateral (select min(b.sort_key) as lowest from exora.floor_breaks b
                        where b.lane = l.lane and b.number > f.number) b on true;
  v_open := array(select e from unnest(v.open_entries) e
                   where not pg_try_advisory_xact_lock(hashtextextended('exora.floor ' || p_lane, e)));
  -- A statement of its own, hence a snapshot taken after those locks were got.
  select r.sort_key into v_head from exora.ready r
   where r.lane = p_lane and r.sort_key >= least(v.floor, v.lowest) order by r.sort_key, r.job limit 1;
  if not exists (select from exora.ready r where r.lane = p_lane and r.sort_key >= v_head
                  order by r.sort_key, r.job offset p_worth - 1 limit 1) then
    return v_head;
  elsif v.number is null or v.lowest is not null then
    insert into exora.lane_floors (lane, floor, proposed, open_entries)
    values (p_lane, least(v.floor, v.lowest), v_head, v_open || coalesce(v.number, 0));
  elsif v_head > v.proposed and v_open = '{}' then
    insert into exora.lane_floors (lane, floor, proposed, open_entries) values (p_lane, v.proposed, v_head, array[v.number]);
  end if;
  return v_head;
end $$;
