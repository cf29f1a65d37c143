-- public.put_schedule_v3: make or change a schedule. p_next_at, the first tick, is computed by the caller from p_cron in
-- p_time_zone. The job is checked as an enqueue would. True: it is new. p_by and p_why go to the audit trail.
create or replace function public.put_schedule_v3(
  p_name text, p_cron text, p_time_zone text, p_next_at timestamptz, p_job_type text, p_payload jsonb default '{}',
  p_lane text default null, p_priority int default 5, p_missed text default 'one', p_by text default null,
  p_why text default null)
returns boolean language plpgsql security definer set search_path = '' as $$
declare
  v_column text;
  v_rule text;
  v_new boolean;
begin
  if coalesce(p_name, '') !~ '^[a-z][a-z0-9_-]{0,62}$' then
    perform exora.refuse('PT400', 'a schedule''s name must be small letters, digits, _ and -', 'p_name', 'Use up to 63 of them');
  end if;
  if coalesce(p_missed, '') not in ('skip', 'one', 'all') then
    perform exora.refuse('PT400', 'missed must be skip, one or all', 'p_missed', 'Leave it out for one');
  end if;
  perform exora.check_jobs(array[p_job_type], array[p_payload], array['standard'], array[p_priority], array[p_lane],
                           array[null::text], array[null::int]);
  insert into exora.schedules as s (name, cron, time_zone, job_type, lane, priority, payload, missed, next_at)
  values (p_name, p_cron, p_time_zone, p_job_type, p_lane, p_priority, p_payload, p_missed, p_next_at)
  on conflict (name) do update
     set cron = excluded.cron, time_zone = excluded.time_zone, job_type = excluded.job_type, lane = excluded.lane,
         priority = excluded.priority, payload = excluded.payload, missed = excluded.missed, next_at = excluded.next_at
  returning s.xmax = 0 into v_new;
  insert into exora.audit_events (event, correlation_id, detail)
  values ('schedule_set', gen_random_uuid(), exora.act_detail(p_by, p_why, jsonb_build_object('schedule', p_name)));
  return v_new;
exception
  when check_violation or not_null_violation then
    get stacked diagnostics v_column = column_name, v_rule = constraint_name;
    perform exora.refuse_value(v_column, v_rule);
end $$;
