-- exora.api_uses: each thing that counts against an API's limits now; p_holder's own block is left out. Requests and tokens:
-- of what may have reached the provider within the last 60 s. Slots and money: of leases that have not lapsed. Runs under the
-- settings of the function that asks, as a part of its statement.
create or replace function exora.api_uses(p_api int, p_profile text, p_holder text, p_now timestamptz)
returns table (profile text, requests int, tokens bigint, slots int, microusd bigint)
language sql stable as $$
  select w.profile, w.requests, w.tokens, 0, 0::bigint
    from exora.api_window w
   where w.api = p_api and w.tick >= pg_catalog.floor((pg_catalog.date_part('epoch', p_now) - 60) * 5)::bigint
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
   where h.api = p_api and (h.holder, h.profile) is distinct from (p_holder, p_profile)
$$;
