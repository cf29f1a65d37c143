-- exora.api_free: how much of an API is free now (null = unlimited), and if one more call of p_tokens and p_microusd cannot
-- be granted: why, and in how many milliseconds it may be asked again. For a holder, its block as it says it is now
-- (p_own_*) counts in place of the one that is written.
--
-- After a closing the gate opens gradually: within 20 s a quadratic start lets through what the limit allows in a minute.
-- A half-open breaker lets one call through at a time.
create or replace function exora.api_free(
  p_limits exora.api_rate_limits, p_state exora.api_state, p_profile text, p_holder text, p_tokens bigint,
  p_microusd bigint, p_now timestamptz, p_own_requests int default 0, p_own_tokens bigint default 0,
  p_own_slots int default 0, p_own_microusd bigint default 0,
  out requests bigint, out tokens bigint, out slots bigint, out microusd bigint, out reason text, out retry_after_ms int)
language plpgsql security definer set search_path = '' as $$
declare
  v_used record;
  v_share exora.api_profile_limits;
  v_narrowed boolean := coalesce(p_state.narrowed_until > p_now, false);
  v_since double precision := case when p_state.closed_until <= p_now then date_part('epoch', p_now - p_state.closed_until) end;
  v_lack_tokens bigint;
begin
  if p_limits.status <> 'active' or p_state.closed_until > p_now then
    requests := 0; tokens := 0; slots := 0; microusd := 0;
    reason := case when p_limits.status <> 'active' then p_limits.status else p_state.closed_reason end;
    retry_after_ms := case when p_limits.status <> 'active' or p_state.closed_until = 'infinity'
                           then 60000 -- until a person acts, of which workers learn with their next sync anyway
                           else greatest(ceil(date_part('epoch', p_state.closed_until - p_now) * 1000), 20) end;
    return;
  end if;
  v_used := exora.api_used(p_limits.api, p_profile, p_holder, p_now);
  v_used.requests := v_used.requests + p_own_requests;
  v_used.tokens := v_used.tokens + p_own_tokens;
  v_used.slots := v_used.slots + p_own_slots;
  v_used.microusd := v_used.microusd + p_own_microusd;
  requests := p_limits.requests_per_minute - v_used.requests
              - case when v_narrowed then p_state.narrowed_requests else 0 end;
  tokens := p_limits.tokens_per_minute - v_used.tokens - case when v_narrowed then p_state.narrowed_tokens else 0 end;
  slots := p_limits.concurrent_requests - v_used.slots;
  if p_profile <> '' then
    select * into v_share from exora.api_profile_limits s where s.api = p_limits.api and s.profile = p_profile;
    requests := least(requests, v_share.requests_per_minute - v_used.profile_requests - p_own_requests);
    tokens := least(tokens, v_share.tokens_per_minute - v_used.profile_tokens - p_own_tokens);
    slots := least(slots, v_share.concurrent_requests - v_used.profile_slots - p_own_slots);
  end if;
  if p_limits.cost_per_day_usd is not null then
    microusd := p_limits.cost_per_day_usd * 1000000 - v_used.microusd - coalesce(
      (select c.microusd from exora.api_costs c
        where c.api = p_limits.api and c.day = (p_now at time zone 'utc')::date), 0);
  end if;

  v_lack_tokens := p_tokens - tokens;
  reason := case
    when p_tokens > least(p_limits.tokens_per_minute, v_share.tokens_per_minute) then 'tokens_over_limit'
    when requests < 1 then 'requests_per_minute'
    when v_lack_tokens > 0 then 'tokens_per_minute'
    when slots < 1 then 'concurrent_requests'
    when p_microusd > microusd then 'cost_per_day' end;
  if p_state.closed_kind = 'down' then
    requests := least(requests, 1 - v_used.slots);
    reason := coalesce(case when requests < 1 then 'half_open' end, reason);
  elsif v_since between 0 and 20 then
    requests := least(requests, floor(1 + coalesce(p_limits.requests_per_minute, 600) * (v_since / 20) ^ 2)::int
                                - p_state.granted_since);
    reason := coalesce(case when requests < 1 then 'recovering' end, reason);
  end if;
  retry_after_ms := case
    when reason is null then 0
    when reason in ('requests_per_minute', 'tokens_per_minute') then exora.api_frees_ms(
      p_limits.api, case when v_share.api is not null then p_profile end, greatest(1 - requests, 0),
      greatest(v_lack_tokens, 0), p_now)
    when reason = 'concurrent_requests' then 250
    when reason = 'half_open' then 500
    when reason = 'recovering' then 100
    when reason = 'cost_per_day'
      then least(ceil(date_part('epoch', (date_trunc('day', p_now at time zone 'utc') + interval '1 day')
                                         at time zone 'utc' - p_now) * 1000), 3600000)
    else 60000 end;
end $$;
