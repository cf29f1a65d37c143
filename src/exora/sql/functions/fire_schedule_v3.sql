-- public.fire_schedule_v3: the tick p_tick of a schedule has come: move it on to p_next_at and, unless the tick is to be
-- skipped, enqueue its job, in one transaction. Null: another worker has done so, or the schedule is another now.
create or replace function public.fire_schedule_v3(
  p_name text, p_tick timestamptz, p_next_at timestamptz, p_skip boolean default false)
returns uuid language plpgsql security definer set search_path = '' as $$
declare
  v_schedule exora.schedules;
  v_job uuid;
begin
  update exora.schedules s set next_at = p_next_at, last_at = case when p_skip then s.last_at else p_tick end
   where s.name = p_name and s.next_at = p_tick and p_next_at > p_tick
  returning * into v_schedule;
  if not found or p_skip then return null; end if;
  select e.job_id into v_job from public.enqueue_job_v3(
    v_schedule.job_type, v_schedule.name, v_schedule.payload, 'standard', v_schedule.priority::int, null, v_schedule.lane,
    'schedule:' || p_name || ':' || date_part('epoch', p_tick)::bigint) e;
  update exora.schedules s set last_job = exora.job_number(v_job) where s.name = p_name;
  return v_job;
end $$;
