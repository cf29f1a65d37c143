-- exora.make_ready: the one place that puts jobs where they may be claimed, and computes their order.
--
-- sort_key (microseconds) = max(now, the patient's tag) + 1 s for each earlier job of that patient
--                           + 60 s for each step of priority.
-- So one patient's 500 uploads line up behind each other and not before another's single one, and a
-- low priority waits nine minutes at most behind a high one that came at the same time: it ages.
-- Null attempts, retries, crashes: new jobs.
create or replace function exora.make_ready(
  p_jobs bigint[], p_lanes text[], p_priorities smallint[], p_patients uuid[],
  p_attempts int[], p_retries int[], p_crashes int[])
returns void language plpgsql security definer set search_path = '' set plan_cache_mode = force_generic_plan set jit = off
set enable_nestloop = off as $$
declare
  c_cost constant bigint := 1000000;
  c_step constant bigint := 60000000;
  v_now bigint := (extract(epoch from clock_timestamp()) * 1000000)::bigint;
begin
  if array_remove(p_patients, null) = '{}' then
    insert into exora.ready (lane, sort_key, job, attempt, retry_count, crash_count)
    select i.lane, v_now + (i.priority - 1) * c_step, i.job, coalesce(i.attempt, 0), coalesce(i.retries, 0),
           coalesce(i.crashes, 0)
      from unnest(p_jobs, p_lanes, p_priorities, p_attempts, p_retries, p_crashes)
             as i (job, lane, priority, attempt, retries, crashes);
  else
    with input as materialized (
      select i.*, row_number() over (partition by i.patient order by i.priority, i.job) - 1 as position
        from unnest(p_jobs, p_lanes, p_priorities, p_patients, p_attempts, p_retries, p_crashes)
               as i (job, lane, priority, patient, attempt, retries, crashes)
    ), sizes as (
      select patient, count(*) * c_cost as advance from input where patient is not null group by patient
    ), flow as (
      insert into exora.patient_flow as f (patient_id, tag)
      select patient, v_now + advance from sizes order by patient  -- one order for all, against deadlocks
      on conflict (patient_id) do update set tag = greatest(f.tag, v_now) + excluded.tag - v_now
      returning f.patient_id, f.tag
    )
    insert into exora.ready (lane, sort_key, job, attempt, retry_count, crash_count)
    select i.lane,
           case when i.patient is null then v_now else f.tag - s.advance + i.position * c_cost end
             + (i.priority - 1) * c_step,
           i.job, coalesce(i.attempt, 0), coalesce(i.retries, 0), coalesce(i.crashes, 0)
      from input i
      left join flow f on f.patient_id = i.patient
      left join sizes s on s.patient = i.patient;
  end if;
  if exists (select from exora.idle_workers) then
    perform pg_notify('exora_jobs', '');
  end if;
end $$;
