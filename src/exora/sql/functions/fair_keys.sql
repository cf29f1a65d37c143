-- exora.fair_keys: sort keys of a batch in which jobs have patients (start-time fair queueing; see exora.make_ready), in
-- the order of the input. Moves each patient's tag on by 1 s per job: exactly for eight jobs or more; below that by 8 s
-- with a chance of one in eight per job, which is the same on average for an eighth of the writes.
create or replace function exora.fair_keys(
  p_jobs bigint[], p_priorities smallint[], p_patients uuid[], p_now bigint, p_step bigint)
returns bigint[] language sql volatile security definer set search_path = '' set plan_cache_mode = force_generic_plan
set jit = off as $$
  with input as materialized (
    select i.*, row_number() over (partition by i.patient order by i.priority, i.job) - 1 as position
      from unnest(p_jobs, p_priorities, p_patients) with ordinality as i (job, priority, patient, n)
  ), share as materialized (
    select patient,
           1000000 * case when count(*) >= 8 then count(*) when random() * 8 < count(*) then 8 else 0 end as advance
      from input where patient is not null group by patient
  ), moved as (
    insert into exora.patient_flow as f (patient_id, tag)
    select patient, p_now + advance from share where advance > 0 order by patient  -- one order for all, against deadlocks
    on conflict (patient_id) do update set tag = greatest(f.tag, p_now) + excluded.tag - p_now
    returning f.patient_id, f.tag
  ), begun as (
    select s.patient, coalesce(m.tag - s.advance, greatest(p_now, t.tag)) as tag
      from share s
      left join moved m on m.patient_id = s.patient
      left join lateral (select f.tag from exora.patient_flow f where f.patient_id = s.patient limit 1) t on true
  )
  select array_agg(coalesce(b.tag + i.position * 1000000, p_now) + i.n + (i.priority - 1) * p_step order by i.n)
    from input i left join begun b on b.patient = i.patient
$$;
