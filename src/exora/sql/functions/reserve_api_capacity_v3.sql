-- public.reserve_api_capacity_v3: take requests, tokens and one unit of concurrency for one call, all or none, under
-- a lease. p_reservation_id is the caller's token: repeating a call answers as before. The window slides: grants of
-- the last 60 s count. Denied: retry_after_ms says when the binding limit frees enough, reason which it is.
create or replace function public.reserve_api_capacity_v3(
  p_reservation_id uuid, p_holder text, p_provider_name text, p_api_endpoint text,
  p_tokens int, p_lease_s real default 120)
returns table (granted boolean, retry_after_ms int, reason text)
language plpgsql security definer set search_path = '' as $$
declare
  v_limit exora.api_rate_limits;
  v_now timestamptz;
  v_used record;
  v_tokens int := greatest(coalesce(p_tokens, 0), 0);
begin
  -- The row's lock makes grants of one API take turns: counting and granting are one step.
  select * into v_limit from exora.api_rate_limits l
   where l.provider_name = p_provider_name and l.api_endpoint = p_api_endpoint for update;
  if not found then
    perform exora.refuse('PT404', 'unknown provider or endpoint', 'p_api_endpoint', 'See exora.api_rate_limits');
  end if;
  if exists (select from exora.api_reservations r where r.id = p_reservation_id) then
    return query select true, 0, null::text; return;
  end if;
  v_now := clock_timestamp();
  select coalesce(sum(r.requests) filter (where r.granted_at > v_now - interval '60 s'), 0) as requests,
         coalesce(sum(r.tokens) filter (where r.granted_at > v_now - interval '60 s'), 0) as tokens,
         count(*) filter (where r.settled_at is null and r.lease_expires_at > v_now) as open,
         min(r.granted_at) filter (where r.granted_at > v_now - interval '60 s') as oldest,
         min(r.lease_expires_at) filter (where r.settled_at is null and r.lease_expires_at > v_now) as lapse
    into v_used
    from exora.api_reservations r
   where r.provider_name = p_provider_name and r.api_endpoint = p_api_endpoint
     and (r.granted_at > v_now - interval '60 s' or (r.settled_at is null and r.lease_expires_at > v_now));
  reason := case
    when v_limit.status <> 'active' then v_limit.status
    when v_tokens > v_limit.tokens_per_minute then 'tokens_over_limit'
    when v_used.requests + 1 > v_limit.requests_per_minute then 'requests_per_minute'
    when v_used.tokens + v_tokens > v_limit.tokens_per_minute then 'tokens_per_minute'
    when v_used.open + 1 > v_limit.concurrent_requests then 'concurrent_requests' end;
  granted := reason is null;
  if granted then
    retry_after_ms := 0;
    insert into exora.api_reservations (id, provider_name, api_endpoint, holder, requests, tokens, estimated_tokens,
                                        granted_at, lease_expires_at)
    values (p_reservation_id, p_provider_name, p_api_endpoint, p_holder, 1, v_tokens, v_tokens, v_now,
            v_now + make_interval(secs => p_lease_s));
  else
    retry_after_ms := case
      when reason in ('requests_per_minute', 'tokens_per_minute')
        then ceil(extract(epoch from v_used.oldest + interval '60 s' - v_now) * 1000)
      when reason = 'concurrent_requests'
        then least(ceil(extract(epoch from v_used.lapse - v_now) * 1000), 1000)
      else v_limit.backpressure_delay_seconds * 1000 end;
  end if;
  return next;
end $$;
