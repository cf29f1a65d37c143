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
  select coalesce(sum(u.requests), 0), coalesce(sum(u.tokens), 0), coalesce(sum(u.slots), 0), coalesce(sum(u.microusd), 0)
    into requests, tokens, slots, microusd
    from exora.api_uses(p_api, p_profile, p_holder, p_now) u;
  if p_profile <> '' then
    select coalesce(sum(u.requests), 0), coalesce(sum(u.tokens), 0), coalesce(sum(u.slots), 0)
      into profile_requests, profile_tokens, profile_slots
      from exora.api_uses(p_api, p_profile, p_holder, p_now) u where u.profile = p_profile;
  end if;
end $$;
