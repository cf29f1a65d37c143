-- public.api_capacity_v3: how full each API is: grants of the last 60 s and open reservations beside the limits,
-- and one word for all: available, rate_limited (some limit is reached), disabled or maintenance.
create or replace function public.api_capacity_v3()
returns table (provider_name text, api_endpoint text, state text, requests bigint, requests_per_minute int,
               tokens bigint, tokens_per_minute int, concurrent bigint, concurrent_requests int)
language sql stable security definer set search_path = '' as $$
  select l.provider_name, l.api_endpoint,
         case when l.status <> 'active' then l.status
              when u.requests >= l.requests_per_minute or u.tokens >= l.tokens_per_minute
                or u.open >= l.concurrent_requests then 'rate_limited' else 'available' end,
         u.requests, l.requests_per_minute, u.tokens, l.tokens_per_minute, u.open, l.concurrent_requests
    from exora.api_rate_limits l
   cross join lateral (
     select coalesce(sum(r.requests) filter (where r.granted_at > now() - interval '60 s'), 0) as requests,
            coalesce(sum(r.tokens) filter (where r.granted_at > now() - interval '60 s'), 0) as tokens,
            count(*) filter (where r.settled_at is null and r.lease_expires_at > now()) as open
       from exora.api_reservations r
      where r.provider_name = l.provider_name and r.api_endpoint = l.api_endpoint) u
   order by 1, 2
$$;
