-- public.api_capacity_v3: how full each API is: what counts against its limits now beside the limits, what was spent today,
-- how many calls wait, and one word for all: available, rate_limited (some limit is reached, or the provider said to wait),
-- closed (until a person acts; who closed it and why, where a person did) or down (it fails; the breaker is open).
create or replace function public.api_capacity_v3()
returns table (provider_name text, api_endpoint text, state text, reason text, closed_until timestamptz,
               requests bigint, requests_per_minute int, tokens bigint, tokens_per_minute int, concurrent bigint,
               concurrent_requests int, cost_today_usd double precision, cost_per_day_usd double precision, waiting bigint, workers bigint,
               status text, closed_by text, closed_why text)
language sql volatile security definer set search_path = '' as $$
  select l.provider_name, l.api_endpoint,
         case when l.status <> 'active' or (s.closed_kind = 'closed' and s.closed_until > n.now) then 'closed'
              when s.closed_kind = 'down' then 'down'
              when s.closed_until > n.now or f.requests < 1 or f.tokens < 1 or f.slots < 1 or f.microusd < 1
                then 'rate_limited'
              else 'available' end,
         f.reason, nullif(case when s.closed_until > n.now then s.closed_until end, 'infinity'),
         u.requests, l.requests_per_minute, u.tokens, l.tokens_per_minute, u.slots, l.concurrent_requests,
         coalesce(c.microusd, 0) / 1000000::double precision, l.cost_per_day_usd::double precision, h.waiting, h.workers, l.status,
         case when f.reason = 'operator' then s.closed_by end, case when f.reason = 'operator' then s.closed_why end
    from (select clock_timestamp() as now) n
   cross join exora.api_rate_limits l
    left join exora.api_state s on s.api = l.api
    left join exora.api_costs c on c.api = l.api and c.day = (n.now at time zone 'utc')::date
   cross join lateral exora.api_used(l.api, '', null, n.now) u
   cross join lateral exora.api_free(l, s, '', null, 1, 0, n.now) f
   cross join lateral (select coalesce(sum(x.waiting), 0) as waiting, count(*) as workers from exora.api_holders x
                        where x.api = l.api and x.lease_expires_at > n.now) h
   order by 1, 2
$$;
