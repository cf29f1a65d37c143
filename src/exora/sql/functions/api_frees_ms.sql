-- exora.api_frees_ms: in how many milliseconds so many requests and tokens will have left an API's window, if nothing is
-- granted meanwhile: at least 20, at most 60000.
create or replace function exora.api_frees_ms(
  p_api int, p_profile text, p_requests bigint, p_tokens bigint, p_now timestamptz)
returns int language sql stable security definer set search_path = '' as $$
  with uses as (
    select w.tick / 5.0 + 60 as ends, w.requests, w.tokens from exora.api_window w
     where w.api = p_api and w.tick >= floor((date_part('epoch', p_now) - 60) * 5)::bigint
       and (p_profile is null or w.profile = p_profile)
    union all
    select date_part('epoch', r.sent_by) + 60, 1, r.tokens from exora.api_reservations r
     where r.api = p_api and r.sent_by > p_now - interval '60 s' and (p_profile is null or r.profile = p_profile)
    union all
    select date_part('epoch', h.sent_by) + 60, h.requests, h.tokens from exora.api_holders h
     where h.api = p_api and h.sent_by > p_now - interval '60 s' and (p_profile is null or h.profile = p_profile)
  ), freed as (
    select u.ends, sum(u.requests) over (order by u.ends) as requests, sum(u.tokens) over (order by u.ends) as tokens
      from uses u
  )
  select coalesce(least(greatest(ceil((min(f.ends) - date_part('epoch', p_now)) * 1000), 20), 60000), 60000)::int
    from freed f where f.requests >= p_requests and f.tokens >= p_tokens
$$;
