-- exora.break_floors: note that jobs were made ready below the floor that a lane's claims are about to move to. Called by
-- whoever inserts into exora.ready, after the insert: the transaction must have its id before it reads the proposal.
--
-- A break is written under a shared lock, which whoever moves the floor takes exclusively: no floor passes a break that is
-- not committed yet. A break noted before and not used up covers everything above it. See docs/explanation/floors.md.
create or replace function exora.break_floors(p_lanes text[], p_sort_keys bigint[])
returns void language plpgsql security definer set search_path = '' set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_bitmapscan = off as $$
declare v_broken record;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform exora.refuse('PT400', 'jobs can be made ready in READ COMMITTED transactions only', 'transaction_isolation',
                         'Leave the isolation level as it is, or call from a transaction of its own');
  end if;
  for v_broken in
    select i.lane, i.sort_key
      from (select u.lane, min(u.sort_key) as sort_key from unnest(p_lanes, p_sort_keys) as u (lane, sort_key) group by u.lane) i
      cross join lateral (select f.number, f.proposed from exora.lane_floors f
                           where f.lane = i.lane order by f.number desc limit 1) f
     where i.sort_key < f.proposed
       and not exists (select from exora.floor_breaks b
                        where b.lane = i.lane and b.number > f.number and b.sort_key <= i.sort_key)
     order by i.lane
  loop
    perform pg_advisory_xact_lock_shared(hashtextextended('exora.floor ' || v_broken.lane, 0));
    insert into exora.floor_breaks (lane, sort_key) values (v_broken.lane, v_broken.sort_key);
  end loop;
end $$;
