-- public.usage_v3: what was done and spent on each day (UTC) from p_from to p_to: a row a lane, and a row for each API that
-- money was spent on.
create or replace function public.usage_v3(p_from date, p_to date)
returns table (day date, kind text, name text, completed bigint, retried bigint, dead bigint, pages bigint,
               run_s double precision, usd double precision)
language sql stable security definer set search_path = '' as $$
  select u.day, 'lane', u.lane::text, u.completed, u.retried, u.dead, u.pages, u.run_s, 0::double precision
    from exora.usage_days u where u.day between p_from and p_to
  union all
  select c.day, 'api', l.provider_name || '/' || l.api_endpoint, 0, 0, 0, 0, 0, c.microusd / 1000000::double precision
    from exora.api_costs c join exora.api_rate_limits l on l.api = c.api where c.day between p_from and p_to
   order by 1, 2 desc, 3
$$;
