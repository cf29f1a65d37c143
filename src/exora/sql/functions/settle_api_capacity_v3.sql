-- public.settle_api_capacity_v3: end a reservation with the tokens and money really used (null: as reserved): the difference
-- is refunded or debited at once. p_arrived_ms_ago: the call had reached the provider so long ago, which is known when the
-- provider says how long it took; 0 is always safe. False: it was settled before, or is not known.
create or replace function public.settle_api_capacity_v3(
  p_reservation_id uuid, p_actual_tokens int default null, p_cost_usd double precision default null, p_arrived_ms_ago int default 0)
returns boolean language plpgsql security definer set search_path = '' as $$
declare
  v_was exora.api_reservations;
begin
  perform set_config('synchronous_commit', 'off', true);
  delete from exora.api_reservations r where r.id = p_reservation_id returning * into v_was;
  if not found then
    return false;
  end if;
  -- As exora.note_usage does for many: of one call there is nothing to sum.
  insert into exora.api_window as w (api, tick, profile, requests, tokens)
  values (v_was.api,
          ceil(date_part('epoch', greatest(least(clock_timestamp() - make_interval(secs => greatest(p_arrived_ms_ago, 0) / 1000.0),
                                                 v_was.sent_by), v_was.granted_at)) * 5)::bigint,
          v_was.profile, 1, greatest(coalesce(p_actual_tokens, v_was.tokens), 0))
  on conflict (api, tick, profile) do update
     set requests = w.requests + excluded.requests, tokens = w.tokens + excluded.tokens;
  if coalesce(p_cost_usd * 1000000, v_was.microusd) > 0 then
    insert into exora.api_costs as c (api, day, microusd)
    values (v_was.api, (clock_timestamp() at time zone 'utc')::date, coalesce(p_cost_usd * 1000000, v_was.microusd))
    on conflict (api, day) do update set microusd = c.microusd + excluded.microusd;
  end if;
  return true;
end $$;
