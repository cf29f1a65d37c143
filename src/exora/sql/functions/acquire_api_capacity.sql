-- public.acquire_api_capacity: the original's reservation. It hands out no token, so the capacity is held under an
-- anonymous lease of two minutes, after which it returns by itself: a crashed caller leaks nothing.
create or replace function public.acquire_api_capacity(
  p_provider_name text, p_api_endpoint text, p_estimated_tokens int default 0)
returns boolean language sql volatile security definer set search_path = '' as $$
  select r.granted from public.reserve_api_capacity_v3(gen_random_uuid(), 'anonymous', p_provider_name,
                                                       p_api_endpoint, p_estimated_tokens) r
$$;
