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
  perform exora.note_usage(
    v_was.api, v_was.profile,
    array[greatest(least(clock_timestamp() - make_interval(secs => greatest(p_arrived_ms_ago, 0) / 1000.0), v_was.sent_by),
                   v_was.granted_at)],
    array[1], array[greatest(coalesce(p_actual_tokens, v_was.tokens), 0)::bigint],
    greatest(coalesce(p_cost_usd * 1000000, v_was.microusd), 0)::bigint);
  return true;
end $$;
