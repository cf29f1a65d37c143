-- exora.note_grant: after a grant, count it for a recovery under way, and mark the API as pressed while some limit is used
-- beyond its threshold. Written seldom: the mark lasts two seconds and is renewed in its last.
create or replace function exora.note_grant(
  p_limits exora.api_rate_limits, p_state exora.api_state, p_granted int, p_free_requests bigint, p_free_tokens bigint,
  p_free_slots bigint, p_now timestamptz)
returns void language plpgsql security definer set search_path = '' as $$
declare
  v_most real := 1 - p_limits.backpressure_threshold;
  v_pressed boolean := (p_free_requests <= p_limits.requests_per_minute * v_most
                        or p_free_tokens <= p_limits.tokens_per_minute * v_most
                        or p_free_slots <= p_limits.concurrent_requests * v_most) is true;
  v_recovering boolean := p_granted > 0 and coalesce(p_state.closed_until > p_now - interval '20 s', false);
begin
  if v_recovering or (v_pressed and coalesce(p_state.pressed_until < p_now + interval '1 s', true)) then
    update exora.api_state s
       set granted_since = s.granted_since + case when v_recovering then p_granted else 0 end,
           pressed_until = case when v_pressed then p_now + interval '2 s' else s.pressed_until end
     where s.api = p_limits.api;
  end if;
end $$;
