-- public.report_api_throttle_v3: tell the fleet what a provider said. p_kind:
--   throttled           429: closed for p_retry_after_ms (null: 1 s, doubled with every repetition, up to 64 s)
--   failed              5xx or no answer: counts for the circuit breaker
--   insufficient_quota, invalid_key, forbidden   closed until a person opens it (exora capacity open)
--   remaining           so much is left at the provider until p_reset_ms have passed: the gate narrows to that
-- Answers for how many milliseconds the API is closed now (null: it is not), and why.
create or replace function public.report_api_throttle_v3(
  p_provider_name text, p_api_endpoint text, p_kind text, p_retry_after_ms bigint default null,
  p_remaining_requests int default null, p_remaining_tokens bigint default null, p_reset_ms bigint default null)
returns table (closed_ms bigint, reason text) language plpgsql security definer set search_path = '' as $$
declare
  v_api record := exora.lock_api(p_provider_name, p_api_endpoint);
  v_limits exora.api_rate_limits := v_api.limits;
  v_state exora.api_state := v_api.state;
  v_now timestamptz := clock_timestamp();
  v_throttles int := case when v_state.closed_until > v_now - interval '5 min' then v_state.throttles else 0 end;
  v_until timestamptz;
  v_free record;
begin
  case
    when p_kind = 'throttled' then
      v_until := v_now + make_interval(secs => least(coalesce(p_retry_after_ms / 1000.0, 2 ^ least(v_throttles, 6)), 86400));
      update exora.api_state s
         set closed_kind = 'throttled', granted_since = 0, closed_until = v_until,
             closed_reason = case when p_retry_after_ms is null then 'throttled' else 'retry_after' end,
             -- Calls that were under way when the gate closed are one rejection, not many.
             throttles = v_throttles + coalesce(s.closed_until <= v_now, true)::int
       where s.api = v_limits.api and coalesce(s.closed_until < v_until, true);
    when p_kind = 'failed' then
      perform exora.count_outcomes(v_state, 0, 1, v_now);
    when p_kind in ('insufficient_quota', 'invalid_key', 'forbidden') then
      if coalesce(v_state.closed_until <> 'infinity', true) then
        update exora.api_state s
           set closed_kind = 'closed', closed_reason = p_kind, closed_until = 'infinity', granted_since = 0
         where s.api = v_limits.api;
        insert into exora.audit_events (event, correlation_id, detail)
        values ('api_closed', gen_random_uuid(), jsonb_build_object(
          'provider', p_provider_name, 'endpoint', p_api_endpoint, 'reason', p_kind));
      end if;
    when p_kind = 'remaining' then
      v_free := exora.api_free(v_limits, v_state, '', null, 0, 0, v_now);
      update exora.api_state s
         set narrowed_requests = greatest(v_free.requests - p_remaining_requests
                                          + case when v_state.narrowed_until > v_now then s.narrowed_requests else 0 end, 0),
             narrowed_tokens = greatest(v_free.tokens - p_remaining_tokens
                                        + case when v_state.narrowed_until > v_now then s.narrowed_tokens else 0 end, 0),
             narrowed_until = v_now + make_interval(secs => least(coalesce(p_reset_ms, 1000) / 1000.0, 60))
       where s.api = v_limits.api
         and (v_free.requests > p_remaining_requests or v_free.tokens > p_remaining_tokens);
    else
      perform exora.refuse('PT400', 'unknown kind of report', 'p_kind',
        'Use throttled, failed, insufficient_quota, invalid_key, forbidden or remaining');
  end case;
  return query
  select case when s.closed_until = 'infinity' then 86400000
              when s.closed_until > v_now then ceil(date_part('epoch', s.closed_until - v_now) * 1000)::bigint end,
         case when s.closed_until > v_now then s.closed_reason end
    from exora.api_state s where s.api = v_limits.api;
end $$;
