-- exora.break_floors: jobs have just been made ready, uncommitted yet: keep claims from starting above them. Each lane's
-- newest floor is compared with under that entry's lock, held until the end of the transaction: whoever moves the floor
-- must know that nobody compares with an older one. Only jobs below the proposal turn the floor back.
create or replace function exora.break_floors(p_lanes text[], p_sort_keys bigint[])
returns void language plpgsql security definer set search_path = '' set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  v_low record;
  v_entry record;
  v_number bigint;
begin
  if current_setting('transaction_isolation') <> 'read committed' then  -- an older snapshot hides the newest entry
    perform exora.refuse('PT400', 'jobs can be made ready in READ COMMITTED transactions only', 'transaction_isolation',
                         'Leave the isolation level as it is, or call from a transaction of its own');
  end if;
  for v_low in
    select u.lane, min(u.sort_key) as sort_key from unnest(p_lanes, p_sort_keys) as u (lane, sort_key) group by u.lane
  loop
    v_number := null;
    loop
      select f.number, f.proposed into v_entry from exora.lane_floors f
       where f.lane = v_low.lane order by f.number desc limit 1;
      exit when v_number = coalesce(v_entry.number, 0);
      v_number := coalesce(v_entry.number, 0);
      perform pg_advisory_xact_lock_shared(hashtextextended('exora.floor ' || v_low.lane, v_number));
    end loop;
    if v_low.sort_key < v_entry.proposed
       and not exists (select from exora.floor_breaks b
                        where b.lane = v_low.lane and b.number > v_number and b.sort_key <= v_low.sort_key) then
      -- Not while the floor is being moved: the break's number says which floors it is newer than.
      perform pg_advisory_xact_lock_shared(hashtextextended('exora.floor ' || v_low.lane, -1));
      insert into exora.floor_breaks (lane, sort_key) values (v_low.lane, v_low.sort_key);
    end if;
  end loop;
end $$;
