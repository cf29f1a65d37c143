-- exora.make_ready: the one place that puts jobs where they may be claimed, and computes their order.
--
-- sort_key (microseconds) = max(now, the patient's tag) + 1 s for each earlier job of that patient
--                           + 60 s for each step of priority.
-- So one patient's 500 uploads line up behind each other and not before another's single one, and a
-- low priority waits nine minutes at most behind a high one that came at the same time: it ages.
create or replace function exora.make_ready(p_jobs bigint[], p_attempts int[], p_retries int[], p_crashes int[])
returns void language plpgsql security definer set search_path = '' as $$
declare
  c_cost constant bigint := 1000000;
  c_step constant bigint := 60000000;
  v_now bigint := (extract(epoch from clock_timestamp()) * 1000000)::bigint;
begin
  with input as (
    select j.id, j.lane, j.priority, j.patient_id, i.attempt, i.retries, i.crashes,
           row_number() over (partition by j.patient_id order by j.priority, j.id) - 1 as position
      from unnest(p_jobs, p_attempts, p_retries, p_crashes) as i (job, attempt, retries, crashes)
      join exora.jobs j on j.id = i.job
  ), flow as (
    insert into exora.patient_flow as f (patient_id, tag)
    select patient_id, v_now + count(*) * c_cost from input where patient_id is not null
     group by patient_id order by patient_id  -- one order for all, against deadlocks
    on conflict (patient_id) do update
       set tag = greatest(f.tag, v_now) + excluded.tag - v_now
    returning f.patient_id, f.tag
  ), sizes as (
    select patient_id, count(*) * c_cost as advance from input group by patient_id
  )
  insert into exora.ready (lane, sort_key, job, attempt, retry_count, crash_count)
  select i.lane,
         case when i.patient_id is null then v_now else f.tag - s.advance + i.position * c_cost end
           + (i.priority - 1) * c_step,
         i.id, i.attempt, i.retries, i.crashes
    from input i
    left join flow f on f.patient_id = i.patient_id
    left join sizes s on s.patient_id = i.patient_id;
  if exists (select from exora.idle_workers) then
    perform pg_notify('exora_jobs', '');
  end if;
end $$;
