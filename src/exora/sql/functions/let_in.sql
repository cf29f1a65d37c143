-- exora.let_in: places of concurrency keys were given back, one for each element: let held-back jobs take them, in order.
-- Each job that waits has its own limit; none is let in past it.
create or replace function exora.let_in(p_concurrency_keys text[])
returns void language plpgsql security definer set search_path = '' as $$
declare
  v_key record;
  v_next record;
  v_held int;
  v_lanes text[] := '{}';
  v_sort_keys bigint[] := '{}';
begin
  for v_key in select k as concurrency_key, count(*) as given from unnest(p_concurrency_keys) k
                where k is not null group by k order by k
  loop
    update exora.concurrency_keys set held = held - v_key.given where concurrency_key = v_key.concurrency_key
    returning held into strict v_held;
    for v_next in
      select h.*, j.lane, j.concurrency_limit as most from exora.held_back h join exora.jobs j on j.id = h.job
       where h.concurrency_key = v_key.concurrency_key order by h.sort_key, h.job limit 100
    loop
      exit when v_held >= v_next.most;
      delete from exora.held_back where job = v_next.job;
      continue when not found;  -- cancelled at this moment
      insert into exora.ready (lane, sort_key, job, attempt, retry_count, crash_count, concurrency_key)
      values (v_next.lane, v_next.sort_key, v_next.job, v_next.attempt, v_next.retry_count, v_next.crash_count,
              v_next.concurrency_key);
      v_held := v_held + 1;
      v_lanes := v_lanes || v_next.lane;
      v_sort_keys := v_sort_keys || v_next.sort_key;
    end loop;
    if v_held > 0 then
      update exora.concurrency_keys set held = v_held where concurrency_key = v_key.concurrency_key;
    else
      delete from exora.concurrency_keys where concurrency_key = v_key.concurrency_key;
    end if;
  end loop;
  if v_lanes <> '{}' then
    perform exora.break_floors(v_lanes, v_sort_keys);
    if exists (select from exora.idle_workers) then
      perform pg_notify('exora_jobs', '');
    end if;
  end if;
end $$;
