-- exora.api_used: what counts against an API's limits now, and within it what counts against one profile's; p_holder's own
-- block is left out. Requests and tokens: those that may have reached the provider within the last 60 s. Slots and money:
-- those of leases that have not lapsed.
--
-- No bitmap scans: only a plain index scan marks entries of settled reservations as dead, which the next insert then clears
-- away. With bitmap scans every call read all that had been settled since the last vacuum.
create or replace function exora.api_used(
  p_api int, p_profile text, p_holder text, p_now timestamptz,
  out requests bigint, out tokens bigint, out slots bigint, out microusd bigint,
  out profile_requests bigint, out profile_tokens bigint, out profile_slots bigint)
language plpgsql security definer set search_path = '' set plan_cache_mode = force_generic_plan set jit = off
set enable_seqscan = off set enable_bitmapscan = off as $$
begin
  select coalesce(sum(u.requests), 0), coalesce(sum(u.tokens), 0), coalesce(sum(u.slots), 0), coalesce(sum(u.microusd), 0),
         coalesce(sum(u.requests) filter (where u.profile = p_profile), 0),
         coalesce(sum(u.tokens) filter (where u.profile = p_profile), 0),
         coalesce(sum(u.slots) filter (where u.profile = p_profile), 0)
    into requests, tokens, slots, microusd, profile_requests, profile_tokens, profile_slots
    from (
      select w.profile, w.requests, w.tokens, 0 as slots, 0 as microusd
        from exora.api_window w where w.api = p_api and w.tick >= floor((date_part('epoch', p_now) - 60) * 5)::bigint
      union all
      select r.profile, (r.sent_by > p_now - interval '60 s')::int,
             case when r.sent_by > p_now - interval '60 s' then r.tokens else 0 end,
             (r.lease_expires_at > p_now)::int, r.microusd
        from exora.api_reservations r where r.api = p_api
      union all
      select h.profile, case when h.sent_by > p_now - interval '60 s' then h.requests else 0 end,
             case when h.sent_by > p_now - interval '60 s' then h.tokens else 0 end,
             case when h.lease_expires_at > p_now then h.slots else 0 end, h.microusd
        from exora.api_holders h
       where h.api = p_api and (h.holder, h.profile) is distinct from (p_holder, p_profile)) u;
end $$;
