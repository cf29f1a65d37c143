-- public.reserve_api_capacity_v3: take one request, tokens, one unit of concurrency and money for one call, all or none,
-- under a lease. p_reservation_id is the caller's token: repeating a call answers as before. The call must be sent within
-- p_valid_s seconds. The window slides: what may have reached the provider within the last 60 s counts. p_profile names a
-- sub-limit. p_cost_usd null: by the price list. Denied: retry_after_ms says when to ask again, reason which limit binds.
create or replace function public.reserve_api_capacity_v3(
  p_reservation_id uuid, p_holder text, p_provider_name text, p_api_endpoint text,
  p_tokens int, p_lease_s real default 120, p_profile text default '', p_cost_usd double precision default null,
  p_valid_s real default 5)
returns table (granted boolean, retry_after_ms int, reason text)
language plpgsql security definer set search_path = '' as $$
declare
  v_api record := exora.lock_api(p_provider_name, p_api_endpoint);
  v_limits exora.api_rate_limits := v_api.limits;
  v_state exora.api_state := v_api.state;
  v_now timestamptz := clock_timestamp();
  v_tokens bigint := greatest(coalesce(p_tokens, 0), 0);
  v_microusd bigint := greatest(coalesce(p_cost_usd * 1000000, v_limits.usd_per_request * 1000000
                                         + v_limits.usd_per_million_output_tokens * v_tokens), 0);
  v_free record;
begin
  if num_nulls(p_reservation_id, p_holder, p_profile, p_lease_s, p_valid_s) > 0 then
    perform exora.refuse('PT400', 'a reservation needs an id, a holder, a profile and its times', 'p_reservation_id',
                         'Leave out what has a default; send no null');
  end if;
  if exists (select from exora.api_reservations r where r.id = p_reservation_id) then
    return query select true, 0, null::text;
    return;
  end if;
  v_free := exora.api_free(v_limits, v_state, p_profile, null, v_tokens, v_microusd, v_now);
  granted := v_free.reason is null;
  reason := v_free.reason;
  retry_after_ms := v_free.retry_after_ms;
  if granted then
    insert into exora.api_reservations (id, api, profile, holder, tokens, microusd, granted_at, sent_by, lease_expires_at)
    values (p_reservation_id, v_limits.api, p_profile, p_holder, v_tokens, v_microusd, v_now,
            v_now + make_interval(secs => least(p_valid_s, p_lease_s)), v_now + make_interval(secs => p_lease_s));
  end if;
  if granted or reason in ('requests_per_minute', 'tokens_per_minute', 'concurrent_requests') then
    perform exora.note_grant(v_limits, v_state, granted::int, v_free.requests, v_free.tokens - v_tokens, v_free.slots, v_now);
  end if;
  return next;
end $$;
