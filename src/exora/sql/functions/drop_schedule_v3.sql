-- public.drop_schedule_v3: end a schedule; jobs it has enqueued stay. False: there is none of this name.
create or replace function public.drop_schedule_v3(p_name text, p_by text default null, p_why text default null)
returns boolean language plpgsql security definer set search_path = '' as $$
begin
  delete from exora.schedules s where s.name = p_name;
  if not found then return false; end if;
  insert into exora.audit_events (event, correlation_id, detail)
  values ('schedule_dropped', gen_random_uuid(), exora.act_detail(p_by, p_why, jsonb_build_object('schedule', p_name)));
  return true;
end $$;
