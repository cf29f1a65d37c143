-- exora.make_ready: the one place that puts jobs where they may be claimed, and computes their order.
--
-- sort_key (microseconds) = max(now, the patient's tag) + 1 s for each earlier job of that patient in this call
--                           + 60 s for each step of priority + its place in this call: a floor cannot step between equals.
-- So one patient's 500 uploads line up behind each other and not before another's single one, and a low priority waits
-- nine minutes at most behind a high one that came at the same time: it ages. Jobs of a concurrency key that is full
-- are held back. Null attempts, retries, crashes: new jobs; null concurrency keys: none has one.
create or replace function exora.make_ready(
  p_jobs bigint[], p_lanes text[], p_priorities smallint[], p_patients uuid[],
  p_attempts int[] default null, p_retries int[] default null, p_crashes int[] default null,
  p_concurrency_keys text[] default null, p_concurrency_limits smallint[] default null)
returns void language plpgsql security definer set search_path = '' set plan_cache_mode = force_generic_plan set jit = off
set enable_nestloop = off as $$
declare
  c_step constant bigint := 60000000;
  v_now bigint := (date_part('epoch', clock_timestamp()) * 1000000)::bigint;
  v_sort_keys bigint[];
  v_held_back bigint[];
begin
  if p_concurrency_keys is not null then
    -- Before the patients' tags, as a settlement that gives places back and makes jobs ready again must do it.
    perform from exora.concurrency_keys k where k.concurrency_key = any (p_concurrency_keys)
      order by k.concurrency_key for update;
  end if;
  if array_remove(p_patients, null) = '{}' then
    v_sort_keys := array(select v_now + i.n + (i.priority - 1) * c_step from unnest(p_priorities) with ordinality as i (priority, n)
                          order by i.n);
  else
    v_sort_keys := exora.fair_keys(p_jobs, p_priorities, p_patients, v_now, c_step);
  end if;
  if p_concurrency_keys is not null then
    v_held_back := exora.hold_back(p_jobs, v_sort_keys, p_attempts, p_retries, p_crashes, p_concurrency_keys,
                                   p_concurrency_limits);
  end if;
  if v_held_back is null then
    insert into exora.ready (lane, sort_key, job, attempt, retry_count, crash_count)
    select i.lane, i.sort_key, i.job, coalesce(i.attempt, 0), coalesce(i.retries, 0), coalesce(i.crashes, 0)
      from unnest(p_jobs, p_lanes, v_sort_keys, p_attempts, p_retries, p_crashes)
             as i (job, lane, sort_key, attempt, retries, crashes);
  else
    insert into exora.ready (lane, sort_key, job, attempt, retry_count, crash_count, concurrency_key)
    select i.lane, i.sort_key, i.job, coalesce(i.attempt, 0), coalesce(i.retries, 0), coalesce(i.crashes, 0), i.concurrency_key
      from unnest(p_jobs, p_lanes, v_sort_keys, p_attempts, p_retries, p_crashes, p_concurrency_keys)
             as i (job, lane, sort_key, attempt, retries, crashes, concurrency_key)
     where i.job <> all (v_held_back);
  end if;
  perform exora.break_floors(p_lanes, v_sort_keys);
  if exists (select from exora.idle_workers) then
    perform pg_notify('exora_jobs', '');
  end if;
end $$;
