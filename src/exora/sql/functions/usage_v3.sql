-- public.usage_v3: what was done and spent from day p_from to p_to (UTC), summed by any of p_by: day, lane, patient, model, job
-- (none: one row). Columns that are not summed by are null; model is provider/endpoint, and empty for what called no API. With
-- p_patient_id or p_job_id only theirs. At most p_limit rows (to 10000): the first day first, then the dearest and longest.
--
-- Counts, pages and seconds by day and lane are whole; by patient, model or job they leave out attempts of under a second that
-- read no page and called no API. Money by day and model is what the APIs were charged with; else, what workers said. Pages
-- and seconds of the calls themselves are told by model only: otherwise they would count twice.
create or replace function public.usage_v3(
  p_from date, p_to date, p_by text[] default '{day,lane}', p_patient_id uuid default null, p_job_id uuid default null,
  p_limit int default 10000)
returns table (day date, lane text, patient_id uuid, model text, job_id uuid, completed bigint, retried bigint, dead bigint,
               calls bigint, input_tokens bigint, output_tokens bigint, pages bigint, run_s double precision,
               usd double precision)
language plpgsql stable security definer set search_path = '' set jit = off as $$
#variable_conflict use_column
declare
  v_some boolean := p_patient_id is not null or p_job_id is not null;
  v_jobs boolean := 'job' = any (p_by) or p_job_id is not null;
  v_lanes boolean := p_by <@ array['day', 'lane'] and not v_some;
  v_apis boolean := p_by <@ array['day', 'model'] and not v_some;
  v_models boolean := 'model' = any (p_by);
begin
  if not coalesce(p_by <@ array['day', 'lane', 'patient', 'model', 'job'], false) then
    perform exora.refuse('PT400', 'usage cannot be summed by that', 'p_by', 'Use day, lane, patient, model or job');
  end if;
  return query
  with used as (
    select j.day, j.lane, j.patient_id, j.model, j.job_id, j.completed, j.retried, j.dead, j.calls, j.input_tokens,
           j.output_tokens, j.pages, j.microusd, j.run_s
      from exora.job_usage j
     where v_jobs and j.day between p_from and p_to and (p_job_id is null or j.job_id = p_job_id)
    union all
    select d.day, d.lane, d.patient_id, d.model, null, d.completed, d.retried, d.dead, d.calls, d.input_tokens,
           d.output_tokens, d.pages, d.microusd, d.run_s
      from exora.patient_usage d where not v_jobs and d.day between p_from and p_to
  ), facts as (
    select u.day, u.lane, u.patient_id, u.model, u.job_id, u.calls, u.input_tokens, u.output_tokens,
           case when not v_lanes then u.completed end as completed, case when not v_lanes then u.retried end as retried,
           case when not v_lanes then u.dead end as dead,
           case when not v_lanes and (v_models or u.model = '') then u.pages end as pages,
           case when not v_lanes and (v_models or u.model = '') then u.run_s end as run_s,
           case when not v_apis then u.microusd end as microusd
      from used u where p_patient_id is null or u.patient_id = p_patient_id
    union all
    select l.day, l.lane, null, '', null, null, null, null, l.completed, l.retried, l.dead, l.pages, l.run_s, null
      from exora.usage_days l where v_lanes and l.day between p_from and p_to
    union all
    select c.day, null, null, a.provider_name || '/' || a.api_endpoint, null, null, null, null, null, null, null, null, null,
           c.microusd
      from exora.api_costs c join exora.api_rate_limits a on a.api = c.api where v_apis and c.day between p_from and p_to
  )
  select case when 'day' = any (p_by) then f.day end, case when 'lane' = any (p_by) then f.lane end::text,
         case when 'patient' = any (p_by) then f.patient_id end, case when v_models then f.model end,
         case when 'job' = any (p_by) then f.job_id end, coalesce(sum(f.completed), 0)::bigint,
         coalesce(sum(f.retried), 0)::bigint, coalesce(sum(f.dead), 0)::bigint, coalesce(sum(f.calls), 0)::bigint,
         coalesce(sum(f.input_tokens), 0)::bigint, coalesce(sum(f.output_tokens), 0)::bigint,
         coalesce(sum(f.pages), 0)::bigint, coalesce(sum(f.run_s), 0), coalesce(sum(f.microusd), 0)::double precision / 1000000
    from facts f group by 1, 2, 3, 4, 5
   order by 1, 14 desc, 13 desc, 2, 3, 4, 5 limit least(greatest(p_limit, 1), 10000);
end $$;
