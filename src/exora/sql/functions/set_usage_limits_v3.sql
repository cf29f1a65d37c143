-- public.set_usage_limits_v3: change what a patient may use on a day (UTC), or with p_patient_id null every patient without
-- limits of their own. p_limits holds what changes: jobs_per_day, pages_per_day, usd_per_day; JSON null = unlimited; when all
-- are, the row goes. Jobs that are enqueued beyond are refused (PT429), once enforce_usage_limits_v3 has turned that on.
create or replace function public.set_usage_limits_v3(
  p_patient_id uuid, p_limits jsonb, p_by text default null, p_why text default null)
returns void language plpgsql security definer set search_path = '' as $$
declare
  v_limits exora.usage_limits;
  v_unknown text;
begin
  select k into v_unknown from jsonb_object_keys(p_limits) k
   where k <> all (array['jobs_per_day', 'pages_per_day', 'usd_per_day']) limit 1;
  if v_unknown is not null then
    perform exora.refuse('PT400', 'no such limit', v_unknown, 'Use jobs_per_day, pages_per_day or usd_per_day');
  end if;
  select * into v_limits from exora.usage_limits l where l.patient_id is not distinct from p_patient_id for update;
  v_limits := jsonb_populate_record(v_limits, p_limits);
  if num_nonnulls(v_limits.jobs_per_day, v_limits.pages_per_day, v_limits.usd_per_day) = 0 then
    delete from exora.usage_limits l where l.patient_id is not distinct from p_patient_id;
  else
    insert into exora.usage_limits as l (patient_id, jobs_per_day, pages_per_day, usd_per_day)
    values (p_patient_id, v_limits.jobs_per_day, v_limits.pages_per_day, v_limits.usd_per_day)
    on conflict (patient_id) do update
       set jobs_per_day = excluded.jobs_per_day, pages_per_day = excluded.pages_per_day, usd_per_day = excluded.usd_per_day;
  end if;
  insert into exora.audit_events (event, correlation_id, patient_id, detail)
  values ('usage_limits_set', gen_random_uuid(), p_patient_id, p_limits || coalesce(exora.act_detail(p_by, p_why), '{}'));
exception
  when check_violation then
    perform exora.refuse('PT400', 'a limit is negative', 'p_limits', 'Use 0 or more; null = unlimited');
  when data_exception then
    perform exora.refuse('PT400', 'a limit is not a number', 'p_limits', 'Use whole numbers, and US dollars; null = unlimited');
end $$;
