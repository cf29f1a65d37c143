-- public.close_api_v3: an operator closes an API for p_seconds (null: until opened), or opens it, whatever closed it; it then
-- opens gradually. p_by and p_why, codes, go to the audit trail and, while it is closed, to whoever asks why. False: it was
-- so already.
create or replace function public.close_api_v3(
  p_provider_name text, p_api_endpoint text, p_closed boolean default true, p_seconds double precision default null,
  p_by text default null, p_why text default null)
returns boolean language plpgsql security definer set search_path = '' as $$
declare
  v_api record := exora.lock_api(p_provider_name, p_api_endpoint);
  v_state exora.api_state := v_api.state;
  v_now timestamptz := clock_timestamp();
  v_detail jsonb := exora.act_detail(p_by, p_why, jsonb_build_object(
    'provider', p_provider_name, 'endpoint', p_api_endpoint, 'reason', 'operator', 'seconds', p_seconds));
begin
  if p_closed then
    update exora.api_state s
       set closed_kind = 'closed', closed_reason = 'operator', closed_by = p_by, closed_why = p_why, granted_since = 0,
           closed_until = case when p_seconds is null then 'infinity' else v_now + make_interval(secs => least(p_seconds, 31536000)) end
     where s.api = v_state.api and not coalesce(s.closed_kind = 'closed' and s.closed_until = 'infinity', false);
  else
    update exora.api_state s
       set closed_kind = 'recovering', closed_until = v_now, granted_since = 0, trips = 0, throttles = 0, narrowed_until = null
     where s.api = v_state.api and (s.closed_until > v_now or s.closed_kind = 'down');
  end if;
  if not found then
    return false;
  end if;
  insert into exora.audit_events (event, correlation_id, detail)
  values (case when p_closed then 'api_closed' else 'api_opened' end, gen_random_uuid(), v_detail);
  if not p_closed and exists (select from exora.idle_workers) then
    perform pg_notify('exora_jobs', '');
  end if;
  return true;
end $$;
