-- exora.count_outcomes: the circuit breaker. Within ten seconds, ten failures (5xx, no answer) that are at least half of
-- all calls open it for 5 s, then 10, 20, 40, 60 s; from then on it is half-open: one call at a time, of which the first
-- decides. Successes without recent failures write nothing. The caller holds the API's lock.
create or replace function exora.count_outcomes(
  p_state exora.api_state, p_succeeded int, p_failed int, p_now timestamptz)
returns void language plpgsql security definer set search_path = '' as $$
declare
  v_half_open boolean := coalesce(p_state.closed_kind = 'down' and p_state.closed_until <= p_now, false);
  v_fresh boolean := coalesce(p_state.counted_since > p_now - interval '10 s', false);
  v_succeeded int := coalesce(p_succeeded, 0) + case when v_fresh then p_state.succeeded else 0 end;
  v_failed int := coalesce(p_failed, 0) + case when v_fresh then p_state.failed else 0 end;
  v_trips int := case when p_state.closed_until > p_now - interval '5 min' then p_state.trips else 0 end;
begin
  if v_half_open and p_succeeded > 0 then
    update exora.api_state s
       set closed_kind = 'recovering', closed_until = p_now, granted_since = 0, succeeded = 0, failed = 0
     where s.api = p_state.api;
  elsif (v_half_open and p_failed > 0)
     or (p_failed > 0 and v_failed >= 10 and v_failed >= v_succeeded and coalesce(p_state.closed_until <= p_now, true)) then
    update exora.api_state s
       set closed_kind = 'down', closed_reason = 'provider_failing', granted_since = 0, trips = least(v_trips + 1, 10),
           closed_until = p_now + make_interval(secs => least(5 * 2 ^ v_trips, 60)), succeeded = 0, failed = 0
     where s.api = p_state.api;
  elsif p_failed > 0 or (v_fresh and p_state.failed > 0 and p_succeeded > 0) then
    update exora.api_state s
       set counted_since = case when v_fresh then s.counted_since else p_now end, succeeded = v_succeeded, failed = v_failed
     where s.api = p_state.api;
  end if;
end $$;
