-- exora.api_room: for how many jobs that make so many calls and use so many tokens an API has room, and what bounds it.
create or replace function exora.api_room(
  p_limits exora.api_rate_limits, p_state exora.api_state, p_requests real, p_tokens real, p_now timestamptz,
  out room int, out reason text)
language plpgsql security definer set search_path = '' as $$
declare
  v_free record := exora.api_free(p_limits, p_state, '', null, 0, 0, p_now);
  v_waiting bigint;
  v_soon constant real := 10 / 60.0;
begin
  select coalesce(sum(h.waiting), 0) into v_waiting from exora.api_holders h
   where h.api = p_limits.api and h.synced_at > p_now - interval '2 s';
  reason := p_limits.provider_name || '/' || p_limits.api_endpoint || ':' || coalesce(v_free.reason, 'pressed');
  if p_limits.status <> 'active' or p_state.closed_until > p_now or v_free.microusd < 1 then
    room := 0;
  elsif p_state.closed_kind = 'down' then
    room := greatest(1 - v_waiting, 0);
  else
    room := greatest(least(
      floor((v_free.requests + p_limits.requests_per_minute * v_soon - v_waiting * p_requests) / p_requests),
      floor((v_free.tokens + p_limits.tokens_per_minute * v_soon - v_waiting * p_tokens) / nullif(p_tokens, 0)),
      p_limits.concurrent_requests - v_waiting,
      1000), case when v_waiting = 0 and v_free.reason is null then 1 else 0 end);
  end if;
end $$;
