-- public.settle_api_capacity_v3: end a reservation with the tokens really used (null: as estimated): the difference
-- is refunded to, or debited from, the window it was granted in. False: it was settled before, or is not known.
create or replace function public.settle_api_capacity_v3(p_reservation_id uuid, p_actual_tokens int default null)
returns boolean language plpgsql security definer set search_path = '' as $$
begin
  update exora.api_reservations
     set settled_at = clock_timestamp(), tokens = greatest(coalesce(p_actual_tokens, tokens), 0)
   where id = p_reservation_id and settled_at is null;
  return found;
end $$;
