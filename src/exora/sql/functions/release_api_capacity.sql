-- public.release_api_capacity: the original's release: settles the oldest open anonymous reservation of this API with
-- the same estimate. A release without such a reservation changes nothing, so it cannot free another's slot.
create or replace function public.release_api_capacity(
  p_provider_name text, p_api_endpoint text, p_estimated_tokens int default 0, p_actual_tokens int default null)
returns void language plpgsql security definer set search_path = '' as $$
begin
  perform public.settle_api_capacity_v3(r.id, p_actual_tokens)
     from (select r.id from exora.api_reservations r join exora.api_rate_limits l on l.api = r.api
            where l.provider_name = p_provider_name and l.api_endpoint = p_api_endpoint and r.holder = 'anonymous'
              and r.tokens = greatest(coalesce(p_estimated_tokens, 0), 0)
            order by r.granted_at limit 1 for update of r skip locked) r;
end $$;
