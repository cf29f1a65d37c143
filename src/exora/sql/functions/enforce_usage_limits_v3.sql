-- public.enforce_usage_limits_v3: turn the limits of usage on or off; off at first. Jobs enqueued before that are not counted.
-- False: it was so already.
create or replace function public.enforce_usage_limits_v3(p_enforced boolean, p_by text default null, p_why text default null)
returns boolean language plpgsql security definer set search_path = '' as $$
declare
  v_detail jsonb := exora.act_detail(p_by, p_why);
begin
  update exora.features set enabled = p_enforced where feature = 'usage_limits' and enabled <> p_enforced;
  if not found then
    return false;
  end if;
  insert into exora.audit_events (event, correlation_id, detail)
  values (case when p_enforced then 'usage_limits_enforced' else 'usage_limits_lifted' end, gen_random_uuid(), v_detail);
  return true;
end $$;
