-- public.run_schedule_v3: enqueue a schedule's job now, besides its ticks. p_by and p_why go to the audit trail.
create or replace function public.run_schedule_v3(p_name text, p_by text default null, p_why text default null)
returns uuid language plpgsql security definer set search_path = '' as $$
declare
  v_schedule exora.schedules;
  v_job uuid;
begin
  select * into v_schedule from exora.schedules s where s.name = p_name;
  if not found then
    perform exora.refuse('PT404', 'no schedule of this name', 'p_name', 'See: exora schedules list');
  end if;
  select e.job_id into v_job from public.enqueue_job_v3(
    v_schedule.job_type, v_schedule.name, v_schedule.payload, 'standard', v_schedule.priority::int, null, v_schedule.lane) e;
  insert into exora.audit_events (event, job, correlation_id, detail)
  values ('schedule_run', exora.job_number(v_job), v_job, exora.act_detail(p_by, p_why, jsonb_build_object('schedule', p_name)));
  return v_job;
end $$;
