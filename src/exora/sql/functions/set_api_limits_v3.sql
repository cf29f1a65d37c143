-- public.set_api_limits_v3: change limits, prices or status of an API, or make one known; takes effect with the next
-- reservation. p_limits holds only what changes, by the column names of exora.api_rate_limits; JSON null = unlimited.
-- With p_profile the three rate limits are that profile's share. p_by and p_why, codes, go to the audit trail. Answers whether
-- the API (or share) is new.
create or replace function public.set_api_limits_v3(
  p_provider_name text, p_api_endpoint text, p_limits jsonb, p_profile text default null,
  p_by text default null, p_why text default null)
returns boolean language plpgsql security definer set search_path = '' as $$
declare
  v_allowed text[] := case when p_profile is not null then array['requests_per_minute', 'tokens_per_minute', 'concurrent_requests']
    else array['requests_per_minute', 'tokens_per_minute', 'concurrent_requests', 'cost_per_day_usd', 'backpressure_threshold',
      'backpressure_delay_seconds', 'queue_depth_limit', 'status', 'usd_per_request', 'usd_per_million_input_tokens',
      'usd_per_million_output_tokens'] end;
  v_unknown text;
  v_was exora.api_rate_limits;
  v_share exora.api_profile_limits;
  v_new boolean;
  v_detail jsonb := exora.act_detail(p_by, p_why, jsonb_build_object(
    'provider', p_provider_name, 'endpoint', p_api_endpoint, 'profile', p_profile));
begin
  select k into v_unknown from jsonb_object_keys(p_limits) k where k <> all (v_allowed) limit 1;
  if v_unknown is not null then
    perform exora.refuse('PT400', 'no such limit', v_unknown, 'Use one of: ' || array_to_string(v_allowed, ', '));
  end if;
  if p_provider_name !~ '^[a-z0-9][a-z0-9_.-]{0,62}$' or p_api_endpoint !~ '^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,126}$' then
    perform exora.refuse('PT400', 'not a name of a provider or endpoint', 'p_api_endpoint', 'Use letters, digits, dots, hyphens');
  end if;
  select * into v_was from exora.api_rate_limits l
   where l.provider_name = p_provider_name and l.api_endpoint = p_api_endpoint for update;
  v_new := not found;
  if v_new and p_profile is not null then
    perform exora.refuse('PT404', 'unknown provider or endpoint', 'p_api_endpoint', 'See: exora capacity show');
  end if;
  if p_profile is not null then
    select * into v_share from exora.api_profile_limits s where s.api = v_was.api and s.profile = p_profile;
    v_new := not found;
    v_share := jsonb_populate_record(v_share, p_limits);
    insert into exora.api_profile_limits as s (api, profile, requests_per_minute, tokens_per_minute, concurrent_requests)
    values (v_was.api, p_profile, v_share.requests_per_minute, v_share.tokens_per_minute, v_share.concurrent_requests)
    on conflict (api, profile) do update
       set requests_per_minute = excluded.requests_per_minute, tokens_per_minute = excluded.tokens_per_minute,
           concurrent_requests = excluded.concurrent_requests;
  else
    if v_new then
      insert into exora.api_rate_limits (provider_name, api_endpoint) values (p_provider_name, p_api_endpoint)
      returning * into v_was;
    end if;
    v_was := jsonb_populate_record(v_was, p_limits);
    update exora.api_rate_limits l
       set requests_per_minute = v_was.requests_per_minute, tokens_per_minute = v_was.tokens_per_minute,
           concurrent_requests = v_was.concurrent_requests, cost_per_day_usd = v_was.cost_per_day_usd,
           backpressure_threshold = v_was.backpressure_threshold, queue_depth_limit = v_was.queue_depth_limit,
           backpressure_delay_seconds = v_was.backpressure_delay_seconds, status = v_was.status,
           usd_per_request = v_was.usd_per_request, usd_per_million_input_tokens = v_was.usd_per_million_input_tokens,
           usd_per_million_output_tokens = v_was.usd_per_million_output_tokens
     where l.api = v_was.api;
  end if;
  insert into exora.audit_events (event, correlation_id, detail)
  values ('api_limits_set', gen_random_uuid(), v_detail || p_limits);
  return v_new;
exception
  when check_violation or not_null_violation then
    perform exora.refuse('PT400', 'a limit is out of range', 'p_limits', 'Limits are positive; null = unlimited');
  when data_exception then
    perform exora.refuse('PT400', 'a limit is not a number', 'p_limits', 'Limits are positive; null = unlimited');
end $$;
